"""The life of a run: its folder, checkpoints, status, stopping, its Slurm job and its memory."""
