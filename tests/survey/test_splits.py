"""A split measures what it says: blocks with a gap, and no validation line that crosses a training region."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_seismic.config import DataConfig
from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.images import FolderResult
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.parts import open_survey
from sam_seismic.survey.splits import (
    MIN_TRACES,
    Region,
    SectionRef,
    block_regions,
    check_apart,
    check_disjoint,
    describe_sections,
    left_out,
    sections_in,
    without_gap,
)
from sam_seismic.survey.synthetic import model_survey
from sam_seismic.survey.volume import Section

IL, XL = Orientation.INLINE, Orientation.CROSSLINE


def volume(inlines: range, crosslines: range, samples: int = 8) -> MemoryVolume:
    geometry = Geometry.complete(inlines, crosslines, samples)
    return MemoryVolume(np.zeros(geometry.shape, np.float32), geometry)


@given(
    count=st.integers(20, 400),
    val=st.floats(0.05, 0.3),
    test=st.one_of(st.just(0.0), st.floats(0.05, 0.3)),
    guard=st.integers(0, 3),
    step=st.integers(1, 4),
)
def test_blocks_are_contiguous_apart_and_in_order(count: int, val: float, test: float, guard: int, step: int):
    lines = np.arange(100, 100 + count * step, step, dtype=np.int32)
    regions = block_regions(lines, IL, val=val, test=test, guard=guard)
    assert list(regions) == (["train", "val", "test"] if test else ["train", "val"])
    spans = [region.inlines for region in regions.values()]
    for before, after in pairwise(spans):
        assert after[0] - before[1] == (guard + 1) * step, "the gap holds exactly `guard` lines"
    assert spans[0][0] == lines[0]
    assert spans[-1][1] == lines[-1]
    check_apart(regions)


def test_too_few_lines_are_refused():
    with pytest.raises(SurveyError, match="6 inlines are too few"):
        block_regions(range(6), IL, val=0.2, test=0.2, guard=5)


@given(st.data())
def test_no_voxel_is_in_two_parts(data: st.DataObject):
    """In `both` mode the sections of two parts never share a trace, in whatever direction they run."""
    shape = data.draw(st.tuples(st.integers(60, 90), st.integers(30, 60)))
    survey = volume(range(10, 10 + shape[0]), range(500, 500 + shape[1]))
    along = data.draw(st.sampled_from(list(Orientation)))
    guard = data.draw(st.integers(0, 3))
    regions = block_regions(survey.geometry.lines(along), along, val=0.25, test=0.25, guard=guard)
    seen = {}
    for name, region in regions.items():
        covered = np.zeros(survey.geometry.shape[:2], dtype=bool)  # [inline, crossline]
        for ref in sections_in(region, survey, list(Orientation)):
            position = survey.geometry.index(ref.orientation, ref.line)
            along_traces = slice(*ref.traces) if ref.traces else slice(None)
            covered[(position, along_traces) if ref.orientation is IL else (along_traces, position)] = True
        seen[name] = covered
    assert all(covered.any() for covered in seen.values())
    assert not (seen["train"] & seen["val"]).any()
    assert not (seen["train"] & seen["test"]).any()
    assert not (seen["val"] & seen["test"]).any()


def test_a_region_cuts_crossing_sections():
    survey = volume(range(100, 200), range(300, 350))
    refs = sections_in(Region(inlines=(120, 159)), survey, [IL, XL])
    assert refs[0] == SectionRef(IL, 120, None)
    assert refs[40] == SectionRef(XL, 300, (20, 60))
    assert len(refs) == 40 + 50
    assert describe_sections(refs) == "40 inlines 120-159, 50 crosslines 300-349 (40 traces each)"


def test_slivers_are_left_out():
    """A crossline cut to a few traces shows nothing; the inlines of the same region stay."""
    survey = volume(range(100, 200), range(300, 350))
    refs = sections_in(Region(inlines=(100, 100 + MIN_TRACES - 2)), survey, [IL, XL])
    assert {ref.orientation for ref in refs} == {IL}


def test_what_is_left_out_is_told():
    """In `both` mode a part would otherwise lose a whole orientation without a word."""
    survey = volume(range(100, 200), range(300, 350))
    region = Region(inlines=(100, 105))
    assert left_out(region, survey, [IL, XL]) == ["crosslines left out: 6 traces wide, at least 16 are needed"]
    assert left_out(region, survey, [IL]) == []
    assert left_out(Region(inlines=(100, 100 + MIN_TRACES - 1)), survey, [IL, XL]) == []


def test_touching_regions_are_apart_and_overlapping_ones_are_not():
    check_apart({"train": Region(inlines=(1, 10)), "val": Region(inlines=(11, 20))})
    check_apart({"train": Region((1, 10), (1, 50)), "val": Region((1, 10), (51, 60))})
    with pytest.raises(SurveyError, match=r"train \(IL 1-10\) and val \(XL 11-20\) share traces"):
        check_apart({"train": Region(inlines=(1, 10)), "val": Region(crosslines=(11, 20))})


@pytest.mark.parametrize(("first", "second"), [((1, 10), (10, 20)), ((10, 20), (1, 10))])
def test_regions_that_have_one_line_in_common_overlap(first: tuple[int, int], second: tuple[int, int]):
    assert Region(inlines=first).overlaps(Region(inlines=second))
    assert Region(crosslines=first).overlaps(Region(crosslines=second))
    with pytest.raises(SurveyError, match="share traces"):
        check_apart({"train": Region(inlines=first), "val": Region(inlines=second)})


def refs(orientation: Orientation, *lines: int) -> list[SectionRef]:
    return [SectionRef(orientation, line) for line in lines]


def test_a_section_in_two_parts_is_refused():
    check_disjoint({"train": refs(IL, 1, 2, 3), "val": [*refs(IL, 4), *refs(XL, 1, 2)]})
    with pytest.raises(SurveyError) as caught:
        check_disjoint({"train": refs(IL, *range(10)), "val": refs(IL, 30), "test": refs(IL, *range(2, 12))})
    assert caught.value.problem == (
        "IL 2, IL 3, IL 4, IL 5, IL 6 and 3 more: both in train and in test, so a score would measure memory"
    )


@pytest.mark.parametrize(
    ("val", "told"),
    [
        (refs(IL, 106, 107), []),
        (refs(IL, 105, 106), ["IL 105 of val is next to IL 100 of train"]),
        (refs(IL, 93, 94), ["IL 94 of val is next to IL 98 of train"]),
        (refs(XL, 7), ["crosslines of val cross inlines of train"]),
    ],
)
def test_neighbours_and_crossings_have_no_gap(val: list[SectionRef], told: list[str]):
    assert without_gap({"train": refs(IL, 98, 99, 100), "val": val}, 5) == told


def test_a_gap_is_counted_in_steps_of_the_line_numbers():
    """Where every tenth number is a line, 130 is next but one to 110, and a lone far line is no neighbour."""
    train = refs(IL, 100, 110)
    assert without_gap({"train": train, "val": refs(IL, 130, 140)}, 5) == ["IL 130 of val is next to IL 110 of train"]
    assert without_gap({"train": train, "val": refs(IL, 170, 180)}, 5) == []
    assert without_gap({"train": refs(IL, 100), "val": refs(IL, 900)}, 5) == []


@pytest.mark.follows("survey/splits.py", "lower data.split.val, data.split.test or data.split.guard, or")
@pytest.mark.follows("survey/splits.py", "move them apart in data.split.regions, with a gap of some lines between")
@pytest.mark.follows("survey/parts.py", "widen its region in data.split, or choose another data.orientation")
@pytest.mark.follows("survey/opening.py", "move the sections into such subfolders, or remove data.split.folders")
def test_a_split_that_cannot_be_is_mended_as_told(tmp_path: Path):
    """Too few lines, regions that share traces, a region too narrow for its orientation, and folders without parts."""

    def parts(orientation: str = "inline", **split: object) -> dict[str, int]:
        tree = {"amplitude": tmp_path / "a.npy", "labels": tmp_path / "l.npy", "classes": ["a", "b"]}
        data = tree | {"split": split, "orientation": orientation, "read": {"axes": "inline,crossline,sample"}}
        found = open_survey(DataConfig.model_validate(data)).parts
        return {name: len(part.sections) for name, part in found.items()}

    def refused(*given: object, **split: object) -> str:
        with pytest.raises(SurveyError) as caught:
            parts(*given, **split)
        return caught.value.fix

    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(40, 30, 20)).astype(np.float32))
    np.save(tmp_path / "l.npy", np.zeros((40, 30, 20), np.uint8))
    few = {"val": 0.45, "test": 0.45, "guard": 5}
    assert "lower data.split.val, data.split.test or data.split.guard" in refused(**few)
    for lower in ({"val": 0.1}, {"test": 0.1}, {"guard": 1}):
        assert all(parts(**(few | lower)).values())
    regions = {"train": {"inlines": [0, 20]}, "val": {"inlines": [20, 39]}}
    assert "move them apart" in refused(regions=regions)
    regions["val"] = {"inlines": [24, 39]}
    assert parts(regions=regions) == {"train": 21, "val": 16}
    regions["val"] = {"inlines": [30, 39]}
    assert "choose another data.orientation" in refused("crossline", regions=regions)
    assert parts("inline", regions=regions) == {"train": 21, "val": 10}
    regions["val"] = {"inlines": [24, 39]}
    assert parts("crossline", regions=regions) == {"train": 30, "val": 30}

    survey = model_survey((33, 36, 40), 2)
    for name, values in (("images", survey.amplitude), ("labels", survey.labels)):
        with FolderResult(tmp_path / name, values.dtype, overwrite=False) as result:
            for line in range(33):
                result.write(Section(IL, line, values[line].T, np.ones(36, np.bool_)))
    folders = {"amplitude": tmp_path / "images", "labels": tmp_path / "labels", "classes": survey.facies.names}
    divided = DataConfig.model_validate(folders | {"split": {"folders": True}})
    with pytest.raises(SurveyError, match="needs the subfolders train and val") as caught:
        open_survey(divided)
    assert "remove data.split.folders" in caught.value.fix
    whole = DataConfig.model_validate(folders | {"split": {"guard": 1}})
    assert set(open_survey(whole).parts) == {"train", "val", "test"}
    for name in ("images", "labels"):
        for part, numbers in (("train", range(20)), ("val", range(25, 33))):
            (tmp_path / name / part).mkdir()
            for line in numbers:
                for path in (tmp_path / name).glob(f"il_{line}.*"):
                    path.rename(tmp_path / name / part / path.name)
    assert set(open_survey(divided).parts) == {"train", "val"}
