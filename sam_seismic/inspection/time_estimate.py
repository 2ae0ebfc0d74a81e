"""What a rehearsal saw and how fast this machine is come in; how long a run will take, about, goes out.

The work of a part of the run is what its matrix products, convolutions and attention are in floating point operations,
and the bytes of all tensors that it makes. The machine's rate of both is measured in a fraction of a second, on one
product that fits its caches and one sum that does not.

Measured on 2 shared CPU cores, the same 15 trainings as for memory took 0.55 to 1.55 times the estimate for a step, 0.6
to 1.3 times for a section of the store, and 0.55 to 1.25 times for an epoch; on a GPU it has not been measured.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from sam_seismic.config import Config
from sam_seismic.inspection.dry_run import Rehearsal
from sam_seismic.inspection.op_counter import Work
from sam_seismic.tuning.precision import FROZEN_DTYPES

EFFICIENCY = 0.75
"""Of the rate of one product, what all products of a run come to; fitted to trainings on a CPU, as the next two."""
PASSES = 3.0
"""Times that the bytes made move through memory at the rate of one sum."""
STEP_S = 0.02
"""Of each step, what goes into neither: Lightning, its log, and the optimiser's small tensors."""
WRITTEN = 4e8
"""Bytes of checkpoints that are written in a second."""


@dataclass(frozen=True)
class Rates:
    """How fast a device is.

    Args:
        products: floating point operations a second, of a matrix product.
        stream: bytes a second that a sum writes.
    """

    products: float
    stream: float

    def seconds(self, work: Work) -> float:
        """What some work takes."""
        return work.flops / (EFFICIENCY * self.products) + PASSES * work.made / self.stream


@dataclass(frozen=True)
class Amounts:
    """How much there is to run through, in sections of the size that was rehearsed.

    Args:
        train, val: sections of an epoch.
        encoded: what is to be encoded for the embedding store.
    """

    train: float
    val: float
    encoded: float = 0.0


@dataclass(frozen=True)
class Duration:
    """Seconds.

    Args:
        section: to encode one for the embedding store; None where there is none.
        filling: of the whole store.
        step: of the optimiser.
        epoch: with its validation.
        run: all of it.
    """

    section: float | None
    filling: float | None
    step: float
    epoch: float
    run: float


def duration(seen: Rehearsal, config: Config, rates: Rates, amounts: Amounts) -> Duration:
    """How long a training takes, about, without its start and its pictures."""
    batch = config.train.batch_size
    below = 0.0 if seen.below is None else rates.seconds(seen.below.work)
    again = 0.0 if config.caches else below
    step = again + rates.seconds(seen.step.work) + STEP_S
    checked = (again + rates.seconds(seen.forward.work)) / config.trainer.val_every_epochs
    update = rates.seconds(Work(made=4 * seen.trained))  # AdamW: a gradient is read, weights and moments are changed
    gathered = config.trainer.accumulate_grad_batches
    epoch = (amounts.train * (step + update / gathered) + amounts.val * checked) / batch
    epoch += 2 * (seen.weights + seen.trained) / WRITTEN  # the best weights, and the last ones with AdamW's moments
    section = below / batch if config.caches else None
    filling = None if section is None else section * amounts.encoded
    return Duration(section, filling, gathered * step + update, epoch, (filling or 0.0) + config.train.epochs * epoch)


def measure(device: torch.device, precision: str) -> Rates:
    """How fast a device is now, at a precision of the configuration."""
    side, numbers = (4096, 1 << 28) if device.type == "cuda" else (1024, 1 << 23)
    factor = torch.ones(side, side, dtype=FROZEN_DTYPES.get(precision, torch.float32), device=device)
    product = torch.empty_like(factor)
    terms = torch.ones(numbers, device=device)
    total = torch.empty_like(terms)

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return Rates(
        products=2 * side**3 / _median(lambda: torch.mm(factor, factor, out=product), wait),
        stream=terms.nbytes / _median(lambda: torch.add(terms, 1, out=total), wait),
    )


def _median(run: Callable[[], object], wait: Callable[[], None], times: int = 11) -> float:
    """Seconds of a call; the first one, which sets things up, does not count."""
    found = []
    for _ in range(1 + times):
        wait()
        start = time.perf_counter()
        run()
        wait()
        found.append(time.perf_counter() - start)
    return sorted(found[1:])[times // 2]
