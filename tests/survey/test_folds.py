"""Folds of a cross-validation: each interpreted line is held out once, and its gap is never trained on."""

import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sam_seismic.config import DataConfig, SplitConfig
from sam_seismic.errors import SurveyError
from sam_seismic.survey.folds import FoldRule, folds_of
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.parts import Survey, open_folds, open_survey
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.splits import Region, describe_sections

IL, XL = Orientation.INLINE, Orientation.CROSSLINE
INLINES, CROSSLINES, SAMPLES = range(100, 190, 2), range(300, 340), 8


def survey(folder: Path, lines: list[int], **data: Any) -> DataConfig:
    """Inlines 100 to 188 step 2, of which these are interpreted, and 40 crosslines."""
    grid = Geometry.complete(INLINES, CROSSLINES, SAMPLES)
    noise = np.random.default_rng(0)
    write_segy(folder / "a.sgy", noise.normal(size=grid.shape).astype(np.float32), grid)
    labels = np.full(grid.shape, -1, np.int8)
    for line in lines:
        labels[(line - 100) // 2] = noise.integers(0, 2, grid.shape[1:])
    write_segy(folder / "l.sgy", labels, grid, format="int8")
    named = {"amplitude": folder / "a.sgy", "labels": folder / "l.sgy", "classes": ["sand", "shale"]}
    return DataConfig.model_validate(named | {"ignore_values": [-1]} | data)


def lines(survey: Survey, orientation: Orientation = IL) -> dict[str, list[int]]:
    return {
        name: [ref.line for ref in part.sections if ref.orientation is orientation]
        for name, part in survey.parts.items()
    }


@given(
    held=st.sets(st.integers(0, 60), min_size=2).map(sorted),
    folds=st.integers(2, 6) | st.just("lines"),
    val=st.sampled_from([0.0, 0.15, 0.4]),
    guard=st.integers(0, 6),
)
def test_each_line_is_held_out_once_and_never_near_its_training(
    held: list[int], folds: int | Literal["lines"], val: float, guard: int
):
    """Parts lie more than the gap apart, counted in lines of the axis; what is left out lies within a gap."""
    every, rule = np.arange(61, dtype=np.int32) * 3 + 10, FoldRule(folds, val, guard)
    interpreted = every[held]
    try:
        found = folds_of(every, interpreted, IL, rule)
    except SurveyError:
        assert len(held) < rule.count(interpreted) or any(
            rule.fold(every, interpreted, number) is None for number in range(1, rule.count(interpreted) + 1)
        )
        return
    assert np.concatenate([fold.test for fold in found]).tolist() == interpreted.tolist()
    sizes = [len(fold.test) for fold in found]
    assert max(sizes) - min(sizes) <= 1
    for fold in found:
        train = np.concatenate(fold.train)
        assert len(train)
        parts = [each for each in (train, fold.val, fold.test) if len(each)]
        for at, one in enumerate(parts):
            for other in parts[at + 1 :]:
                assert np.abs(one[:, None] - other[None]).min() > 3 * guard
        left_out = np.setdiff1d(interpreted, np.concatenate(parts))
        held_out = np.concatenate([fold.val, fold.test])
        assert all(np.abs(held_out - line).min() <= 3 * guard for line in left_out)
        assert [region.inlines for region in fold.regions(IL)["train"]] == [(run[0], run[-1]) for run in fold.train]
        assert val or not len(fold.val)


def test_lines_that_validate_lie_at_the_end_that_is_farther(tmp_path: Path):
    """So that held-out lines have training lines on both sides; gaps of 2 lines lie on both sides of each."""
    held = list(range(100, 190, 4))
    found = open_folds(survey(tmp_path, held, split={"folds": 4, "guard": 2, "val": 0.2}))
    assert [lines(each)["test"] for each in found] == [held[:6], held[6:12], held[12:18], held[18:]]
    assert lines(found[0]) == {"train": held[7:19], "val": held[20:], "test": held[:6]}
    assert lines(found[1]) == {"train": [*held[:5], *held[13:19]], "val": held[20:], "test": held[6:12]}
    assert lines(found[2]) == {"train": [*held[4:11], *held[19:]], "val": held[:3], "test": held[12:18]}


def test_a_fold_opens_alone_as_among_all(tmp_path: Path):
    data = survey(tmp_path, [100, 120, 140, 160, 180], split={"folds": "lines", "guard": 3})
    for number, among in enumerate(open_folds(data), start=1):
        alone = open_survey(data.of_fold(number))
        assert lines(alone) == lines(among)
        assert lines(alone)["test"] == [80 + 20 * number]
        again = DataConfig.model_validate(data.of_fold(number).model_dump(mode="json"))
        assert again.split == SplitConfig(folds="lines", fold=number, guard=3)
    assert len(open_folds(data)) == 5


def test_crosslines_are_trained_on_in_the_columns_on_both_sides(tmp_path: Path):
    """Each of them in two pieces, of which none crosses the held-out inlines or their gap."""
    data = survey(tmp_path, list(INLINES), split={"folds": 3, "guard": 2, "val": 0}, orientation="both")
    middle = open_folds(data)[1]
    pieces = [ref for ref in middle.parts["train"].sections if ref.orientation is XL]
    assert not pieces
    assert "train: crosslines left out: 13 traces wide, at least 16 are needed" in middle.notes
    wide = open_folds(data.model_copy(update={"split": SplitConfig(folds=15, guard=1, val=0), "every": 3}))[7]
    pieces = [ref for ref in wide.parts["train"].sections if ref.orientation is XL]
    assert [(ref.line, ref.traces) for ref in pieces[:4]] == [(300, (0, 20)), (300, (25, 45)), (303, (0, 20)),
        (303, (25, 45))]  # fmt: skip
    assert describe_sections(pieces) == "14 crosslines 300-339 step 3 (20 and 20 traces each)"
    assert lines(wide)["test"] == [142, 144, 146]


def test_a_fold_without_room_for_validation_says_so(tmp_path: Path):
    few = open_folds(survey(tmp_path, [100, 130], split={"folds": "lines"}))
    assert [lines(each) for each in few] == [{"train": [130], "test": [100]}, {"train": [100], "test": [130]}]
    assert few[1].notes[-1] == (
        "fold 2 has too few lines for validation: it trains for all of train.epochs, and best.ckpt holds the weights "
        "after the last one"
    )
    assert few[1].read_in_training == ("train",)


@pytest.mark.follows("survey/folds.py", "data.split.folds: {}")
@pytest.mark.follows("survey/folds.py", "data.split.guard: {}")
def test_the_settings_that_leave_lines_to_train_on_are_named(tmp_path: Path):
    data = survey(tmp_path, [100, 104, 108, 120], split={"folds": 2, "guard": 4})
    with pytest.raises(SurveyError, match="fold 2 of 2 has none to train on, with gaps of 4 lines") as refused:
        open_folds(data)
    assert refused.value.fix == "set data.split.folds: lines, or interpret more lines"
    mended = data.model_copy(update={"split": SplitConfig(folds="lines", guard=4)})
    assert [lines(each)["train"] for each in open_folds(mended)] == [[120], [120], [120], [100, 104, 108]]
    nearer = data.model_copy(update={"split": SplitConfig(folds="lines", guard=9)})
    with pytest.raises(SurveyError) as refused:
        open_folds(nearer)
    (guard,) = re.findall(r"set data\.split\.guard: (\d), or", refused.value.fix)
    assert guard == "5"
    assert len(open_folds(data.model_copy(update={"split": SplitConfig(folds="lines", guard=int(guard))}))) == 4


@pytest.mark.follows("survey/folds.py", "set data.split.folds: lines, which holds out one line at a time")
def test_more_folds_than_lines_are_refused(tmp_path: Path):
    data = survey(tmp_path, [100, 130, 160], split={"folds": 5})
    with pytest.raises(SurveyError, match=r"3 of 45 inlines are interpreted .*100-160.* 5 folds") as refused:
        open_folds(data)
    (word,) = re.findall(r"data\.split\.folds: (\w+)", refused.value.fix)
    assert len(open_folds(survey(tmp_path, [100, 130, 160], split={"folds": word}))) == 3
    with pytest.raises(SurveyError, match="1 of 45 inlines") as refused:
        open_folds(survey(tmp_path, [100], split={"folds": "lines"}))
    assert refused.value.fix == "interpret at least two lines: one to train on, one to hold out"


@pytest.mark.follows("survey/parts.py", "name one of the folds: --set data.split.fold=1")
@pytest.mark.follows("survey/parts.py", "or leave data.split.fold out to train all of them")
def test_a_single_survey_needs_a_fold_that_there_is(tmp_path: Path):
    data = survey(tmp_path, [100, 130, 160], split={"folds": "lines"})
    with pytest.raises(SurveyError, match=r"data\.split\.folds: lines describes a network a fold") as refused:
        open_survey(data)
    (number,) = re.findall(r"data\.split\.fold=(\d)", refused.value.fix)
    assert lines(open_survey(data.of_fold(int(number))))["test"] == [100]
    with pytest.raises(SurveyError, match="fold: 4 is more than the 3 folds of this survey") as refused:
        open_survey(data.of_fold(4))
    assert "choose 1 to 3" in refused.value.fix
    assert lines(open_survey(data.of_fold(3)))["test"] == [160]


@pytest.mark.follows("survey/parts.py", "set a smaller data.split.folds or a larger data.split.val")
def test_blocks_that_cut_sections_too_narrow_are_told(tmp_path: Path):
    """Of crosslines a fold of one inline holds a trace each, which is no section."""
    data = survey(tmp_path, list(INLINES), orientation="crossline",
                  split={"along": "inline", "folds": "lines", "val": 0})  # fmt: skip
    with pytest.raises(SurveyError, match="the split test holds no crossline section"):
        open_folds(data)
    fewer = SplitConfig(along="inline", folds=2, val=0, guard=1)
    assert len(lines(open_folds(data.model_copy(update={"split": fewer}))[0], XL)["test"]) == 40


@pytest.mark.parametrize(
    ("split", "told"),
    [
        ({"folds": 1}, "greater than or equal to 2"),
        ({"folds": "line"}, "'lines'"),
        ({"fold": 2}, "fold: 2 needs folds"),
        ({"folds": 3, "fold": 4}, "fold: 4 is more than folds: 3"),
        ({"folds": 3, "test": 0.2}, "test cannot apply beside folds"),
        ({"folds": 3, "regions": {"train": {}, "val": {}}}, "regions cannot apply beside folds"),
        ({"folds": 3, "folders": True}, "folders: true takes the split from subfolders"),
        ({"val": 0}, "val: 0 applies beside folds only"),
    ],
)
def test_what_cannot_apply_is_refused(split: dict[str, Any], told: str):
    with pytest.raises(ValidationError, match=told):
        SplitConfig.model_validate(split)


def test_whole_lines_of_a_block_are_its_region():
    every = np.arange(100, 110, dtype=np.int32)
    first, last = folds_of(every, every, XL, FoldRule(2, 0.0, 1))
    assert first.regions(XL) == {"train": (Region(crosslines=(106, 109)),), "test": (Region(crosslines=(100, 104)),)}
    assert last.regions(XL) == {"train": (Region(crosslines=(100, 103)),), "test": (Region(crosslines=(105, 109)),)}
