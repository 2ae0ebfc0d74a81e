#!/usr/bin/env bash
# Build the container of Singularity.def on a base made from Debian's packages, where no registry of images can be
# reached, and try it: its %test, its help and labels. Only the first two lines of Singularity.def are replaced.
#   scripts/try_container.sh IMAGE [OPTIONS OF apptainer build]
#   scripts/try_container.sh /tmp/try.sif --bind /opt/wheels
# APPTAINER names the program (default apptainer, else singularity); DEBIAN_MIRROR the packages. Needs root and debootstrap.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
image=${1:?usage: scripts/try_container.sh IMAGE [OPTIONS OF apptainer build]}
shift
apptainer=${APPTAINER:-$(command -v apptainer || command -v singularity || true)}
[ -n "$apptainer" ] || { echo "error: neither apptainer nor singularity is here; name one in APPTAINER" >&2; exit 2; }
definition=$(mktemp ./.try-container.XXXXXX)
trap 'rm -f "$definition"' EXIT
{
  printf 'Bootstrap: debootstrap\nOSVersion: bookworm\nMirrorURL: %s\n' \
    "${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
  tail -n +3 Singularity.def
} >"$definition"
"$apptainer" build --force "$@" "$image" "$definition" # runs %test, too
"$apptainer" inspect --labels "$image"
"$apptainer" run-help "$image"
"$apptainer" run "$image" --version
