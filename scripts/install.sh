#!/usr/bin/env bash
# Make .venv if it is missing and install the exact versions of a requirements file, then this project, editable.
#   scripts/install.sh requirements.txt .
#   scripts/install.sh requirements-test.txt '.[test,dev]'
# Both arguments are kept in .venv/.installed with a checksum: when nothing changed, nothing is installed again.
set -euo pipefail
requirements=$1
project=$2
python=${PYTHON:-python3}

"$python" - <<'PY' || { echo "error: sam-seismic needs Python 3.11 to 3.13
  fix: PYTHON=/path/to/python3.11 $0" >&2; exit 2; }
import sys
sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PY
if [ ! -x .venv/bin/python ]; then
  "$python" -m venv .venv || { echo "error: $python cannot make a virtual environment
  fix: install its venv package (Debian: apt install python3-venv)" >&2; exit 2; }
fi
state="$project $(cat requirements.txt "$requirements" pyproject.toml | sha256sum)"
if [ "$(cat .venv/.installed 2>/dev/null)" != "$state" ]; then
  # The pinned set goes first: resolving the project's ranges alone could pick other versions.
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$requirements"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable "$project"
  echo "$state" > .venv/.installed
fi
