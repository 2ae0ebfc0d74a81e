#!/usr/bin/env bash
# From nothing to a result: make .venv, install the pinned set, run `sam-seismic demo` (or what is given instead).
#   ./scripts/setup_and_run.sh                                      the demo
#   ./scripts/setup_and_run.sh train --config configs/segy.yaml     any command of sam-seismic
#   ./scripts/setup_and_run.sh --container demo                     inside an image that has everything: no .venv
# PYTHON names the interpreter to build .venv with (default python3).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ "${1:-}" = "--container" ]; then
  shift
  run=(python3 -m sam_seismic)
else
  scripts/install.sh requirements.txt .
  run=(.venv/bin/sam-seismic)
fi
[ $# -gt 0 ] || set -- demo
exec "${run[@]}" "$@"
