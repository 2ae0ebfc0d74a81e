"""The life of a run: its folder, checkpoints, status and Slurm job, how it is stopped, and advice on its memory."""
