"""The measurements of a dry run and the speed of this machine come in; an estimate of the run time goes out.

The work of a part of the run consists of the floating point operations of matrix products, convolutions and attention,
and the bytes of all tensors that are created. The machine's rates for both are measured in a fraction of a second, on
one matrix product that fits its caches and one addition that does not.

Measured on 2 shared CPU cores, the same 15 trainings as for memory took 0.55 to 1.55 times the estimate for a step, 0.6
to 1.3 times for a section of the store, and 0.55 to 1.25 times for an epoch; on a GPU it has not been measured.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from sam_seismic.config import Config
from sam_seismic.inspection.dry_run import DryRun
from sam_seismic.inspection.op_counter import Work
from sam_seismic.tuning.precision import FROZEN_DTYPES

EFFICIENCY = 0.75
"""Rate of all products of a run, relative to the measured one; fitted to trainings on a CPU, like the next two."""
PASSES = 3.0
"""How often each created byte passes through memory, at the measured rate."""
STEP_S = 0.02
"""Seconds of overhead in each step: Lightning, its log, and the optimiser's small tensors."""
WRITTEN = 4e8
"""Bytes of a checkpoint written in a second."""


@dataclass(frozen=True)
class Rates:
    """Measured speed of a device.

    Args:
        products: floating point operations per second of a matrix product.
        stream: bytes per second that an addition writes.
    """

    products: float
    stream: float

    def seconds(self, work: Work) -> float:
        """Estimated time of some work."""
        return work.flops / (EFFICIENCY * self.products) + PASSES * work.made / self.stream


@dataclass(frozen=True)
class SectionCounts:
    """Numbers of sections, with smaller sections counted as fractions of the one in the dry run.

    Args:
        train, val: sections in an epoch.
        encoded: variants of sections to encode for the embedding store.
    """

    train: float
    val: float
    encoded: float = 0.0


@dataclass(frozen=True)
class TimeEstimate:
    """Estimated times in seconds.

    Args:
        section: encoding one section for the embedding store; None without a store.
        filling: filling the whole store; None without a store.
        step: one step of the optimiser.
        epoch: one epoch with its validation.
        run: the whole run.
    """

    section: float | None
    filling: float | None
    step: float
    epoch: float
    run: float


def estimate_time(measured: DryRun, config: Config, rates: Rates, sections: SectionCounts) -> TimeEstimate:
    """Estimate the time of a training, without its start and its pictures."""
    batch = config.train.batch_size
    frozen_part = 0.0 if measured.frozen_part is None else rates.seconds(measured.frozen_part.work)
    again = 0.0 if config.caches else frozen_part
    step = again + rates.seconds(measured.step.work) + STEP_S
    checked = (again + rates.seconds(measured.forward.work)) / config.trainer.val_every_epochs
    update = rates.seconds(Work(made=4 * measured.trained))  # AdamW reads gradients and updates weights and moments
    gathered = config.trainer.accumulate_grad_batches
    epoch = (sections.train * (step + update / gathered) + sections.val * checked) / batch
    # best.ckpt with the weights, and last.ckpt with weights and moments.
    epoch += 2 * (measured.weights + measured.trained) / WRITTEN
    section = frozen_part / batch if config.caches else None
    filling = None if section is None else section * sections.encoded
    return TimeEstimate(
        section, filling, gathered * step + update, epoch, (filling or 0.0) + config.train.epochs * epoch
    )


def measure_rates(device: torch.device, precision: str) -> Rates:
    """Measure the present speed of a device, in the precision `trainer.precision`."""
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
    """Median seconds of a call, after one call that is not counted."""
    found = []
    for _ in range(1 + times):
        wait()
        start = time.perf_counter()
        run()
        wait()
        found.append(time.perf_counter() - start)
    return sorted(found[1:])[times // 2]
