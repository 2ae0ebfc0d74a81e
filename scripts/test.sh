#!/usr/bin/env bash
# Run the tests: make .venv if it is missing, install the test extra, run pytest (arguments go to it).
#   ./scripts/test.sh
#   ./scripts/test.sh tests/survey -k segy
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/install.sh requirements-test.txt '.[test,dev]'
exec .venv/bin/python -m pytest "$@"
