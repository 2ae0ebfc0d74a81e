#!/usr/bin/env bash
# Install what some tests run for real: Debian's Slurm, whose daemons they start themselves, tmux, and a browser. Needs root.
set -euo pipefail
programs=(munged slurmctld slurmd sbatch srun scontrol tmux chromium)
PATH=$PATH:/usr/sbin:/sbin
command -v "${programs[@]}" >/dev/null && [ "$(command -v "${programs[@]}" | wc -l)" = ${#programs[@]} ] && exit 0
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo "no Slurm, tmux or Chromium here, and no way to install them: their tests will be skipped"; exit 0; }
# Packages of Debian start their daemons unless this file says no.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
  trap 'rm -f $policy' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends munge slurmctld slurmd slurm-client tmux chromium >/dev/null
