"""The signals that ask this program to stop."""

import signal

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
"""Ctrl-C sends SIGINT; `kill`, `scancel` and preemption send SIGTERM; Slurm sends SIGUSR1 before a time limit.

A terminal and Slurm send them to all processes of a command at once.
"""
