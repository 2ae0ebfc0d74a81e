"""The configurations given to a Slurm array come in; the one of this element, or the fold of it, goes out."""

import os
from collections.abc import Sequence
from pathlib import Path

from sam_seismic.errors import UserError

ELEMENT = "SLURM_ARRAY_TASK_ID"
"""Environment variable in which Slurm puts the number of an array's element."""


def config_of_element(configs: Sequence[Path]) -> Path:
    """The configuration to use: the only one given, or the one whose position is the element's number, from 0.

    Raises:
        UserError: several are given outside of an array, or the element's number is beyond the last one.
    """
    if len(configs) == 1:
        return configs[0]
    every = f"--array=0-{len(configs) - 1}"
    number = os.environ.get(ELEMENT)
    if number is None:
        raise UserError(
            problem=f"{len(configs)} configurations are given, but one process can use only one",
            fix=f"give one --config, or submit an array: sbatch {every} run_sbatch.sh ...",
        )
    if not 0 <= int(number) < len(configs):
        raise UserError(
            problem=f"element {number} of the array has no configuration: only {len(configs)} are given",
            fix=f"submit {every}",
        )
    return configs[int(number)]


def fold_of_element(configs: Sequence[Path]) -> int | None:
    """The fold to train, from 1, where the elements of an array share one configuration with folds; else None."""
    number = os.environ.get(ELEMENT)
    return None if number is None or len(configs) > 1 else int(number) + 1


def refuse_shared_output(configs: Sequence[Path], output: Path | None) -> None:
    """Refuse one run folder for several runs.

    Raises:
        UserError: --output is given beside several --config.
    """
    if output is not None and len(configs) > 1:
        raise UserError(problem="--output cannot apply to several --config", fix="name it in each YAML, as output:")
