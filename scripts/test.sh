#!/usr/bin/env bash
# Run the tests: make .venv if it is missing, install the test extra, run pytest (arguments go to it).
#   ./scripts/test.sh
#   ./scripts/test.sh tests/survey -k segy
# They run in a process for each core, with one thread each; `-n 0` after the arguments runs them in one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/install.sh requirements-test.txt '.[test,dev]'
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
exec .venv/bin/python -m pytest -n auto --dist worksteal "$@"
