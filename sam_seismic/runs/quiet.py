"""Lightning's news is replaced by our own: what it says on the side is turned off while a workflow runs."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

NOT_FOR_USERS = (
    ".*does not have many workers.*",  # data.workers is the user's choice
    ".*treespec, LeafSpec.*",  # Lightning 2.6 on torch 2.13
    ".*`srun` command is available.*",  # whether it has to be used, `SlurmJob.current` knows
    ".*FSDP2-wrapped module .* returned a view tensor.*",  # which nothing changes in place
    ".*Checkpoint directory .* exists and is not empty.*",  # a resumed run
)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """No advertisements, no advice on workers, no device listing; errors and other warnings are still told."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for pattern in NOT_FOR_USERS:
                warnings.filterwarnings("ignore", pattern)
            yield
    finally:
        logger.setLevel(level)
