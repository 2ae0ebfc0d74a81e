"""Outputs of one job cannot overwrite each other, in any order."""

from itertools import permutations
from pathlib import Path

import pytest

from sam_seismic.errors import SurveyError
from sam_seismic.files.unfinished import check_outputs_disjoint


@pytest.mark.parametrize(
    ("one", "other"), [("a.sgy", "a.sgy"), ("a.sgy", "b/../a.sgy"), ("sections", "sections/il_1.png"), ("s", "s/x/y")]
)
def test_outputs_that_overlap_are_refused(tmp_path: Path, one: str, other: str):
    for first, second in permutations((tmp_path / one, tmp_path / other)):
        with pytest.raises(SurveyError, match="two outputs cannot be written to one place"):
            check_outputs_disjoint([tmp_path / "c.sgy", first, second])


def test_outputs_with_different_paths_are_accepted(tmp_path: Path):
    check_outputs_disjoint([tmp_path / name for name in ("a.sgy", "b.sgy", "a.sgy.csv", "sections/a", "sections/b")])
