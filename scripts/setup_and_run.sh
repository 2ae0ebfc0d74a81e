#!/usr/bin/env bash
# From nothing to a result: make .venv, install the pinned set, run `sam-seismic demo` (or what is given instead).
#   ./scripts/setup_and_run.sh                                      the demo
#   ./scripts/setup_and_run.sh train --config configs/segy.yaml     any command of sam-seismic
#   ./scripts/setup_and_run.sh --container demo                     inside an image that has everything: no .venv
# PYTHON names the interpreter to build .venv with (default python3). Paths are relative to where you stand.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [ "${1:-}" = "--container" ]; then
  shift
  run=(env "PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH}" "${PYTHON:-python3}" -m sam_seismic)
else
  "$root/scripts/install.sh" requirements.txt .
  run=("$root/.venv/bin/sam-seismic")
fi
[ $# -gt 0 ] || set -- demo
exec "${run[@]}" "$@"
