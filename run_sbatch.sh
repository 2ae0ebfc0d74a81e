#!/usr/bin/env bash
# Any command of sam-seismic as a Slurm job, submitted where the paths that are given to it lie:
#   sbatch -p PARTITION -A ACCOUNT run_sbatch.sh train --config configs/f3.yaml
#   sbatch -p PARTITION -A ACCOUNT --nodes=2 --ntasks-per-node=4 run_sbatch.sh train --config configs/f3.yaml
#   sbatch -p PARTITION -A ACCOUNT --array=0-1 run_sbatch.sh train --config a.yaml --config b.yaml
# What sbatch is given wins over these lines. Take a # away from the two that a cluster may insist on.
##SBATCH --partition=gpu
##SBATCH --account=my-project
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-task=1
#SBATCH --cpus-per-task=4
#SBATCH --job-name=sam-seismic
#SBATCH --output=%x-%j.out
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@180
#
# One task a GPU. Three minutes before the time limit, and when the job is preempted, training writes a checkpoint at the
# end of its step, and the job is queued again and goes on. It is queued again, too, if a task was killed or a node was
# lost, three times at most; never if the program itself failed. Runs in the container $SAM_SEISMIC_CONTAINER (default:
# Singularity.sif in the folder that the job was submitted from) where there is one, else $SAM_SEISMIC_PROGRAM (default:
# .venv/bin/sam-seismic there).
set -uo pipefail # not -e: what follows srun has to run

image=${SAM_SEISMIC_CONTAINER:-$SLURM_SUBMIT_DIR/Singularity.sif}
program=${SAM_SEISMIC_PROGRAM:-$SLURM_SUBMIT_DIR/.venv/bin/sam-seismic}
# A ~ that the shell did not replace, since it stood in quotes.
image=${image/#\~\//$HOME/}
program=${program/#\~\//$HOME/}
# The last element of an array has the number of the whole array: it is named by both.
number=$SLURM_JOB_ID
[ -z "${SLURM_ARRAY_TASK_ID:-}" ] || number=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID

for given in "${SAM_SEISMIC_CONTAINER:+$image}" "${SAM_SEISMIC_PROGRAM:+$program}"; do
  [ -z "$given" ] || [ -e "$given" ] || { echo "error: $given: there is no such file" >&2; missing=yes; }
done
if [ -n "${missing:-}" ]; then
  echo "  fix: give SAM_SEISMIC_CONTAINER or SAM_SEISMIC_PROGRAM the path itself, without \$NAME in quotes" >&2
  exit 2
fi
if [ -e "$image" ]; then
  runtime=$(command -v apptainer || command -v singularity) || { echo "error: $image needs apptainer" >&2; exit 2; }
  run=("$runtime" exec --bind "$SLURM_SUBMIT_DIR")
  for folder in "${SAM_SEISMIC_CACHE:-}" "${SAM_SEISMIC_WEIGHTS:-}"; do
    folder=${folder/#\~\//$HOME/}
    [ ! -d "$folder" ] || run+=(--bind "$folder")
  done
  [ -z "${SLURM_GPUS_ON_NODE:-}" ] || run+=(--nv)
  # Slurm signals all processes of a task. Where one of them serves the image it would end before the program has saved,
  # so that the image is unpacked first, into $APPTAINER_TMPDIR or /tmp.
  helpers='for process in $(cat /proc/$PPID/task/*/children); do cat /proc/$process/comm; done'
  case $("$runtime" exec "$image" sh -c "$helpers" 2>/dev/null) in *squashfuse*) run+=(--unsquash) ;; esac
  run+=("$image" sam-seismic)
elif [ -x "$program" ]; then
  run=("$program")
else
  echo "error: neither $image nor $program is there" >&2
  echo "  fix: submit from the folder that holds .venv, or name the program: SAM_SEISMIC_PROGRAM=PATH sbatch ..." >&2
  exit 2
fi

# This script and the tasks of the job inform each other by files in this folder, see sam_seismic/cli/stopping.py.
SAM_SEISMIC_JOB=$SLURM_SUBMIT_DIR/.sam-seismic-jobs/$number
export SAM_SEISMIC_JOB
mkdir -p "$SAM_SEISMIC_JOB"
rm -f "$SAM_SEISMIC_JOB"/{stop,stopped,lost,failed}
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}

say() { echo "$(date '+%F %T') job $number: $*"; }
leave() {
  rm -rf "$SAM_SEISMIC_JOB"
  rmdir "$SLURM_SUBMIT_DIR/.sam-seismic-jobs" 2>/dev/null
  say "ends with $1"
  exit "$1"
}

if [ -e "$SAM_SEISMIC_JOB/done" ]; then
  say "it was finished when Slurm queued it again: nothing is left to do"
  leave 0
fi
say "start ${SLURM_RESTART_COUNT:-0} on $SLURM_JOB_NODELIST: ${run[*]} $*"
trap 'say "time is nearly up: asking for a checkpoint"; touch "$SAM_SEISMIC_JOB/stop"' USR1
srun --kill-on-bad-exit=1 --gpu-bind=none ${SLURM_CPUS_PER_TASK:+--cpus-per-task=$SLURM_CPUS_PER_TASK} \
  "${run[@]}" "$@" &
step=$!
while wait "$step"; status=$?; [ $status -gt 128 ] && kill -0 "$step" 2>/dev/null; do :; done # a trap ends a wait

again=
if [ -e "$SAM_SEISMIC_JOB/done" ]; then
  status=0 # whatever became of the other tasks since
elif [ -e "$SAM_SEISMIC_JOB/failed" ]; then
  say "failed, see above"
elif [ -e "$SAM_SEISMIC_JOB/stopped" ] && [ $status -ne 0 ]; then
  again="was stopped"
elif [ -e "$SAM_SEISMIC_JOB/lost" ] || [ $status -gt 128 ]; then
  echo lost >>"$SAM_SEISMIC_JOB/losses"
  again="lost a task"
  [ "$(wc -l <"$SAM_SEISMIC_JOB/losses")" -le 3 ] || { say "lost a task for the fourth time: giving up"; again=; }
fi
if [ -n "$again" ]; then
  say "$again: queued again"
  scontrol requeue "$number" && sleep 120 # Slurm ends this script here
  say "Slurm does not queue it again: sbatch the same with --resume"
fi
leave "$status"
