"""The page on scores names every key that the scores have, and every protocol."""

import re

import numpy as np
import pytest

from sam_seismic.scoring.evaluator import Evaluator, ScoredSection
from sam_seismic.scoring.protocols import PROTOCOLS
from sam_seismic.survey.geometry import Orientation
from tests.docs.pages import ROOT

NAMED = set(re.findall(r"`([\w-]+)`", (ROOT / "docs/scores.md").read_text(encoding="utf-8")))


def details() -> dict[str, dict[str, object]]:
    """Everything that is told of a section whose confidences are known."""
    labels = np.uint8([[0, 0], [1, 1]])
    evaluator = Evaluator(("a", "b"), sample_interval_ms=4)
    section = ScoredSection("test", Orientation.INLINE, 1, labels, labels, confidence=np.ones((2, 2), np.float32))
    evaluator.add(section)
    return evaluator.scores().as_dict() | evaluator.details().as_dict()


def test_the_page_names_every_key_of_the_scores():
    assert {key for key in details() if key not in NAMED} == set()


@pytest.mark.parametrize("key", ["calibration", "class_tops"])
def test_the_page_names_what_these_keys_hold(key: str):
    found = details()[key]
    held = found["all"] if key == "class_tops" else found
    assert {name for name in held if name.removesuffix("_ms") not in NAMED | {"bins"}} == set()


def test_the_page_names_the_protocols():
    assert set(PROTOCOLS) <= NAMED
