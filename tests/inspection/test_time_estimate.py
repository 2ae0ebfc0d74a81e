"""The time estimates of `inspect` follow from the work; the measured speed of the machine is not checked."""

from dataclasses import astuple

import pytest
import torch

from sam_seismic.inspection.dry_run import dry_run
from sam_seismic.inspection.number_format import format_duration
from sam_seismic.inspection.op_counter import Work
from sam_seismic.inspection.time_estimate import Rates, SectionCounts, TimeEstimate, estimate_time, measure_rates
from tests.inspection.configurations import FACIES, configured

RATES = Rates(products=1e11, stream=5e9)
AMOUNTS = SectionCounts(train=60, val=10, encoded=130)


def estimate(sections: SectionCounts = AMOUNTS, rates: Rates = RATES, **changes: object) -> TimeEstimate:
    config = configured(**({"side": 512, "encoder": "frozen", "epochs": 4} | changes))
    return estimate_time(dry_run(config, FACIES, (200, 250), gpu=False), config, rates, sections)


def test_twice_the_epochs_take_twice_the_time():
    """The store is filled only once."""
    short, long = estimate(epochs=4), estimate(epochs=8)
    assert short.filling is not None
    assert long.run - short.filling == pytest.approx(2 * (short.run - short.filling))
    assert (long.step, long.epoch, long.filling) == (short.step, short.epoch, short.filling)


def test_the_parts_add_up():
    time = estimate(batch_size=2)
    assert time.section is not None
    assert time.filling == pytest.approx(130 * time.section)
    assert time.run == pytest.approx(time.filling + 4 * time.epoch)
    assert time.epoch > 30 * time.step
    assert time.epoch < 40 * time.step


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ({"canvas": "square"}, {"canvas": "tight"}),
        ({"cache": False}, {"cache": True}),
        ({"encoder": "full"}, {"encoder": "last_blocks", "blocks": 2, "cache": False}),
        ({"encoder": "last_blocks", "blocks": 2}, {"encoder": "frozen"}),
        ({"encoder": "full", "checkpointing": True}, {"encoder": "full"}),
        ({"encoder": "full", "side": 512}, {"encoder": "full", "side": 384}),
    ],
    ids=str,
)
def test_more_work_takes_longer(more: dict[str, object], less: dict[str, object]):
    assert estimate(**more).epoch > 1.05 * estimate(**less).epoch


def test_rare_validation_takes_less_time():
    assert estimate(val_every_epochs=4).epoch < estimate().epoch


def test_a_step_includes_its_accumulated_batches():
    one, four = estimate(), estimate(accumulate_grad_batches=4)
    assert 3 * one.step < four.step < 4 * one.step
    assert four.epoch <= one.epoch


def test_without_a_store_there_is_no_filling_time():
    assert estimate(encoder="full", cache=None).filling is None
    assert estimate(cache=False).section is None


def test_a_machine_twice_as_fast_takes_half_the_time():
    slow, fast = (Rates(scale * 1e11, scale * 5e9).seconds(Work(1e12, 1e10)) for scale in (1, 2))
    assert slow == pytest.approx(2 * fast)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_machine_can_be_measured(precision: str):
    assert all(rate > 0 for rate in astuple(measure_rates(torch.device("cpu"), precision)))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((0, "0 s"), (0.0421, "0.042 s"), (9.7, "9.7 s"), (99.6, "100 s"), (150, "2.5 min"), (3600, "60 min")),
        *((9000, "2.5 h"), (300000, "3.5 days")),
    ],
)
def test_times_have_two_digits(seconds: float, words: str):
    assert format_duration(seconds) == words
