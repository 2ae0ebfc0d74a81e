"""A read that never ends, as from a dead file server, does not keep a command from ending when it is asked to stop."""

import os
import signal
import time
from pathlib import Path

import pytest
import torch

from tests.cli.running import Made, Run
from tests.cli.test_stopping import STEPS, same_run, words
from tests.programs import Program

STALLING = """
import sys
import sam_seismic.data.dataset as dataset
read, count = dataset.sample_of, []
def stalling(which, transform):
    count.append(1)
    if len(count) == {at}:
        open({said!r}, "w").close()
        open({fifo!r}).read()
    return read(which, transform)
dataset.sample_of = stalling
"""
"""What a program begins with whose thread that reads sections stalls in the given one, counted from 1."""
