"""The configurations of a Slurm array come in, the one of this element goes out."""

import os
from collections.abc import Sequence
from pathlib import Path

from sam_seismic.errors import UserError

ELEMENT = "SLURM_ARRAY_TASK_ID"
"""Environment variable in which Slurm tells an element of an array its number."""


def one_of(configs: Sequence[Path]) -> Path:
    """The configuration to use: the only one, or that of the array's element, counted from 0.

    Raises:
        UserError: there are several, and this is no array, or one with more elements.
    """
    if len(configs) == 1:
        return configs[0]
    every = f"--array=0-{len(configs) - 1}"
    number = os.environ.get(ELEMENT)
    if number is None:
        raise UserError(
            problem=f"{len(configs)} configurations, of which one can be used",
            fix=f"give one --config, or submit an array: sbatch {every} run_sbatch.sh ...",
        )
    if not 0 <= int(number) < len(configs):
        raise UserError(
            problem=f"element {number} of the array has none of the {len(configs)} configurations",
            fix=f"submit {every}",
        )
    return configs[int(number)]
