"""Switches off Lightning's messages while a workflow runs; the listener reports what a user needs."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

NOT_FOR_USERS = (
    ".*does not have many workers.*",  # data.workers is the user's choice
    ".*treespec, LeafSpec.*",  # Lightning 2.6 on torch 2.13
    ".*`srun` command is available.*",  # `SlurmJob.current` checks whether srun is needed
    ".*FSDP2-wrapped module .* returned a view tensor.*",  # nothing changes the view in place
    ".*Checkpoint directory .* exists and is not empty.*",  # a resumed run
    ".*AMP with fp16 is not supported on CPU.*",  # `trainer` says so itself
)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Inside, Lightning logs no information and no tips; its errors and all other warnings are still shown."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for pattern in NOT_FOR_USERS:
                warnings.filterwarnings("ignore", pattern)
            warnings.showwarning = _show  # restored with the filters
            yield
    finally:
        logger.setLevel(level)


def _show(message: Warning | str, *_: object, **__: object) -> None:
    """Print what a warning says, without the line of a library that it comes from."""
    print(f"note: {message}", file=sys.stderr)
