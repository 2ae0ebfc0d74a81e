"""Where standard error is a file, as in a job, it reads as one."""

import os
import subprocess
import sys
from pathlib import Path

from tests.cli.running import Made


def test_a_log_file_holds_no_colours(made: Made, tmp_path: Path):
    """What a terminal would be told to draw with is noise in a file."""
    words = ["train", "--config", made.config, "--output", tmp_path / "run", "--set", "train.epochs=1"]
    log = tmp_path / "log"
    with log.open("wb") as file:
        command = [sys.executable, "-m", "sam_seismic", *map(str, words)]
        subprocess.run(command, stdout=file, stderr=file, check=True, env=os.environ | {"TERM": "xterm-256color"})
    text = log.read_bytes()
    assert b"split train" in text
    assert b"\x1b" not in text
    assert b"\r" not in text
