#!/usr/bin/env bash
# Make .venv if it is missing and install the exact versions of a requirements file, then this project, editable.
#   scripts/install.sh requirements.txt .
#   scripts/install.sh requirements-test.txt '.[test,dev]'
# A checksum of what was installed is kept in .venv: when nothing changed, nothing is installed again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
requirements=$1
project=$2
python=${PYTHON:-python3}

fail() {
  printf 'error: %s\n  fix: %s\n' "$1" "$2" >&2
  exit 2
}

if [ ! -x .venv/bin/python ]; then
  "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' ||
    fail "sam-seismic needs Python 3.11, 3.12 or 3.13, $python is another" "PYTHON=/path/to/python3.11 $0 $*"
  "$python" -m venv .venv ||
    fail "$python cannot make a virtual environment" "install its venv package (Debian: apt install python3-venv)"
fi
state=.venv/.installed-${requirements%.txt}
sum=$(cat requirements.txt "$requirements" pyproject.toml | sha256sum)
if [ "$(cat "$state" 2>/dev/null)" != "$sum" ]; then
  # The pinned set goes first: resolving the project's ranges alone could pick other versions.
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$requirements"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable "$project"
  echo "$sum" > "$state"
fi
