"""Outputs of one job cannot replace each other, in whatever order they are named."""

from itertools import permutations
from pathlib import Path

import pytest

from sam_seismic.errors import SurveyError
from sam_seismic.files.unfinished import check_outputs_apart


@pytest.mark.parametrize(
    ("one", "other"), [("a.sgy", "a.sgy"), ("a.sgy", "b/../a.sgy"), ("sections", "sections/il_1.png"), ("s", "s/x/y")]
)
def test_two_outputs_in_one_place(tmp_path: Path, one: str, other: str):
    for first, second in permutations((tmp_path / one, tmp_path / other)):
        with pytest.raises(SurveyError, match="two outputs cannot be written to one place"):
            check_outputs_apart([tmp_path / "c.sgy", first, second])


def test_outputs_beside_each_other(tmp_path: Path):
    check_outputs_apart([tmp_path / name for name in ("a.sgy", "b.sgy", "a.sgy.csv", "sections/a", "sections/b")])
