"""Labels on few lines, of parts of lines or a time window: matched by number and time, all else is not interpreted."""

import pickle
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from sam_seismic.config import DataConfig
from sam_seismic.errors import SurveyError
from sam_seismic.runs.moved_data import check_data_is_there, data_paths
from sam_seismic.survey.contents import survey_contents
from sam_seismic.survey.facies import IGNORE, FaciesTable
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.labelled import LabelledVolume, labelled
from sam_seismic.survey.labels import interpreted
from sam_seismic.survey.labels.interpreted import interpreted_traces
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.parts import Survey, open_survey
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.volume import Section

IL, XL = Orientation.INLINE, Orientation.CROSSLINE
INLINES, CROSSLINES, SAMPLES = range(100, 130), range(300, 320), 12
LABELS = np.random.default_rng(0).integers(0, 2, (30, 20, 12)).astype(np.int8)
"""[inline, crossline, sample] of the whole survey: what an interpreter would say everywhere."""
AMPLITUDE = np.random.default_rng(1).normal(size=LABELS.shape).astype(np.float32)
FACIES = FaciesTable(("sand", "shale"), ignored=(-1,))


def survey(start_ms: float = 0.0) -> MemoryVolume:
    """Amplitudes on 30 inlines, 20 crosslines and 12 samples of 4 ms."""
    geometry = Geometry.complete(INLINES, CROSSLINES, SAMPLES, start_ms=start_ms)
    return MemoryVolume(AMPLITUDE, geometry, path=Path("amplitude.sgy"))


def part(
    inlines: Sequence[int], crosslines: Sequence[int] = CROSSLINES, samples: slice = slice(None), **times: float
) -> MemoryVolume:
    """A label volume that holds only these lines and samples."""
    il = [line for line in inlines if line in INLINES]
    xl = [line for line in crosslines if line in CROSSLINES]
    values = np.full((len(inlines), len(crosslines), SAMPLES), 1, np.int8)
    rows, columns = np.isin(inlines, il), np.isin(crosslines, xl)
    values[np.ix_(rows, columns)] = LABELS[np.ix_(np.array(il) - 100, np.array(xl) - 300)]
    values = values[:, :, samples]
    geometry = Geometry.complete(inlines, crosslines, values.shape[2], **times)
    return MemoryVolume(values, geometry, path=Path("labels.sgy"))


def read(volume: LabelledVolume, orientation: Orientation) -> NDArray[np.uint8]:
    """Class indices of all sections of an orientation: uint8[inline, crossline, sample]."""
    stack = np.stack([volume.section(orientation, line)[1] for line in volume.amplitude.lines(orientation).tolist()])
    return stack.transpose(0, 2, 1) if orientation is IL else stack.transpose(2, 0, 1)


@settings(max_examples=40, deadline=None)
@given(
    inlines=st.sets(st.integers(95, 135), min_size=1).filter(lambda lines: lines & set(INLINES)),
    crosslines=st.sets(st.integers(298, 325), min_size=1).filter(lambda lines: lines & set(CROSSLINES)),
    first=st.integers(0, 11),
    count=st.integers(1, 12),
    start=st.integers(-3, 3),
)
def test_a_part_of_the_labels_is_put_where_it_belongs(
    inlines: set[int], crosslines: set[int], first: int, count: int, start: int
):
    """By line number and time, whatever lines and samples the label file has; in both orientations alike."""
    window = slice(first, min(first + count, SAMPLES))
    labels = part(sorted(inlines), sorted(crosslines), window, start_ms=400.0 + 4 * first)
    amplitude = survey(start_ms=400.0 + 4 * start)
    expected = np.full(LABELS.shape, IGNORE, np.uint8)  # [inline, crossline, sample]
    il, xl = sorted(inlines & set(INLINES)), sorted(crosslines & set(CROSSLINES))
    samples = [(here, here + start) for here in range(SAMPLES) if window.start <= here + start < window.stop]
    for here, there in samples:
        place = np.ix_(np.array(il) - 100, np.array(xl) - 300)
        expected[..., here][place] = LABELS[..., there][place]
    if not samples:
        with pytest.raises(SurveyError, match="the two do not overlap"):
            labelled(amplitude, labels, FACIES)
        return
    joined = labelled(amplitude, labels, FACIES)
    for volume in (joined, pickle.loads(pickle.dumps(joined))):
        for orientation in Orientation:
            np.testing.assert_array_equal(read(volume, orientation), expected)


def test_what_is_matched_is_told():
    (note,) = labelled(survey(), part([102, 105, 131], samples=slice(2, 8), start_ms=8.0), FACIES).notes
    assert note == (
        "labels.sgy: labels on 2 of 30 inlines (102-105 step 3); 1 more are not in the survey, 20 of 20 crosslines "
        "(300-319), matched by time: 6 samples every 4 ms, 8 to 28 ms against 12 samples every 4 ms, 0 to 44 ms: the "
        "rest is not interpreted"
    )
    assert labelled(survey(), part(INLINES), FACIES).notes == ()


def test_labels_of_a_finer_interval_are_matched_by_time():
    """The label at the time of each sample of the survey, and none where they end."""
    fine = np.repeat(LABELS, 2, axis=2)[..., :20]  # 2 ms, 0 to 38 ms
    volume = MemoryVolume(
        fine, Geometry.complete(INLINES, CROSSLINES, 20, sample_interval_ms=2.0), path=Path("labels.sgy")
    )
    found = read(labelled(survey(), volume, FACIES), IL)
    np.testing.assert_array_equal(found[..., :10], LABELS[..., :10])
    assert (found[..., 10:] == IGNORE).all()


def test_as_many_samples_of_another_interval_are_refused_with_both():
    """The interval in one of the headers is wrong, which no time tells."""
    with pytest.raises(SurveyError) as refused:
        labelled(survey(), part(INLINES, sample_interval_ms=2.0), FACIES)
    assert "12 samples every 2 ms, 0 to 22 ms" in refused.value.problem
    assert "12 samples every 4 ms, 0 to 44 ms" in refused.value.problem


def test_a_class_may_have_the_usual_value_of_not_interpreted():
    """Then another one stands for it."""
    table = FaciesTable(("sand", "shale"), (0, 255), ignored=())
    values = np.where(LABELS[:2] == 0, 0, 255).astype(np.uint8)
    labels = MemoryVolume(values, Geometry.complete([100, 101], CROSSLINES, SAMPLES), path=Path("labels.sgy"))
    found = read(labelled(survey(), labels, table), IL)
    np.testing.assert_array_equal(found[:2], LABELS[:2])
    assert (found[2:] == IGNORE).all()


@pytest.mark.follows("survey/labels/aligned.py", "give labels of the same survey; if they are, name the bytes")
def test_labels_without_a_common_line_may_have_their_numbers_elsewhere(tmp_path: Path):
    """The bytes of the amplitudes hold other numbers in the label file: the two of a second survey, say."""
    amplitude = files(tmp_path, tmp_path / "l.sgy")
    grid = Geometry.complete(range(1, 31), range(1, 21), SAMPLES)
    write_segy(tmp_path / "l.sgy", LABELS, grid, format="int8")
    raw = bytearray((tmp_path / "l.sgy").read_bytes())
    for trace, (il, xl) in enumerate((il, xl) for il in INLINES for xl in CROSSLINES):
        at = 3600 + trace * (240 + SAMPLES)
        raw[at + 4 : at + 8], raw[at + 20 : at + 24] = il.to_bytes(4, "big"), xl.to_bytes(4, "big")
    (tmp_path / "l.sgy").write_bytes(raw)
    with pytest.raises(SurveyError, match="has no line in common") as refused:
        open_survey(amplitude)
    keys = re.findall(r"data\.read_labels\.segy\.(\w+)", refused.value.fix)
    assert keys == ["inline_byte", "crossline_byte"]
    read = {"segy": dict(zip(keys, (5, 21), strict=True))}
    survey = open_survey(files(tmp_path, tmp_path / "l.sgy", read_labels=read))
    np.testing.assert_array_equal(read_all(survey), LABELS)


def read_all(survey: Survey) -> NDArray[np.uint8]:
    return read(survey.parts["train"].volume, IL)


# --- several volumes ----------------------------------------------------------------------------------------------


def test_volumes_are_laid_over_one_another():
    """The first one counts where two interpret a voxel; lines of all are there, in both orientations alike."""
    one, other = part([104, 110]), part([110, 117, 120], samples=slice(3, 12), start_ms=12.0)
    other.values[0, 2:5] ^= 1  # on inline 110, which both have
    one.values[1, :, 10:] = -1
    joined = labelled(survey(), [one, other], FACIES)
    expected = np.full(LABELS.shape, IGNORE, np.uint8)
    for line in (4, 17, 20):
        expected[line] = LABELS[line]
    expected[[17, 20], :, :3] = IGNORE
    expected[10] = LABELS[10]
    expected[10, 2:5, 10:] ^= 1
    for orientation in Orientation:
        np.testing.assert_array_equal(read(joined, orientation), expected)
    assert joined.notes[-1] == (
        "labels.sgy: labels.sgy and labels.sgy differ in 21 of the 140 voxels that both interpret (first on IL 110): "
        "labels.sgy counts"
    )
    found = interpreted_traces(joined.amplitude, joined.labels, FACIES)  # type: ignore[arg-type]
    assert np.flatnonzero(found.any(axis=1)).tolist() == [4, 10, 17, 20]


def test_volumes_that_agree_have_no_note():
    assert not [note for note in labelled(survey(), [part([104]), part([104, 110])], FACIES).notes if "differ" in note]


@pytest.mark.follows("survey/labels/sample_match.py", "; if the headers of a SEG-Y are wrong, give the right times: ")
def test_wrong_times_in_the_headers_of_labels_can_be_corrected(tmp_path: Path):
    """A start or an interval that a program lost when it wrote the labels."""
    amplitude = survey(start_ms=1000.0)
    for start, interval in ((0.0, 4.0), (1000.0, 2.0)):
        grid = Geometry.complete(INLINES, CROSSLINES, SAMPLES, start_ms=start, sample_interval_ms=interval)
        write_segy(tmp_path / "l.sgy", LABELS, grid, format="int8")
        with pytest.raises(SurveyError) as refused:
            open_survey(files(tmp_path, tmp_path / "l.sgy", amplitude=amplitude))
        key, value = re.findall(r"data\.read_labels\.segy\.(\w+): (\d+)", refused.value.fix)[0]
        read = {"segy": {key: float(value)}}
        corrected = open_survey(files(tmp_path, tmp_path / "l.sgy", amplitude=amplitude, read_labels=read))
        np.testing.assert_array_equal(read_all(corrected), LABELS)


def test_a_list_of_label_volumes_is_one(tmp_path: Path):
    """Each is matched on its own; a file that is gone is named with its place in the list."""
    for name, lines in (("one", [104, 110]), ("two", [117, 125])):
        few = part(lines)
        write_segy(tmp_path / f"{name}.sgy", few.values, few.geometry, format="int8")
    data = files(tmp_path, [tmp_path / "one.sgy", tmp_path / "two.sgy"])
    opened = open_survey(data)
    assert inlines(opened) == {"train": [104, 110], "val": [117], "test": [125]}
    assert list(data_paths(data)) == ["data.amplitude", "data.labels.0", "data.labels.1"]
    assert set(survey_contents(opened)) == {"train amplitude", "train labels"}
    (tmp_path / "two.sgy").unlink()
    with pytest.raises(SurveyError, match=r"two\.sgy: there is no such file") as refused:
        check_data_is_there(data, data)
    assert "--set data.labels=[PATH,PATH]" in refused.value.fix


# --- pictures -----------------------------------------------------------------------------------------------------


def files(folder: Path, labels: Path | list[Path], *, amplitude: MemoryVolume | None = None, **data: Any) -> DataConfig:
    """A configuration of the survey as a SEG-Y file, and of labels."""
    amplitude = amplitude or survey()
    write_segy(folder / "a.sgy", amplitude.values, amplitude.geometry)
    named = {"amplitude": folder / "a.sgy", "labels": labels, "classes": ["sand", "shale"], "ignore_values": [-1, 255]}
    return DataConfig.model_validate(named | {"split": {"val": 0.3, "test": 0.3, "guard": 2}} | data)


def pictures(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        kind, line = name.split("_")
        values = LABELS[int(line) - 100] if kind == "il" else LABELS[:, int(line) - 300]
        Image.fromarray(values.T.astype(np.uint8)).save(folder / f"{name}.png")
    return folder


def test_pictures_of_few_lines_are_their_labels(tmp_path: Path):
    """Also on crosslines, on the columns that these inlines cross."""
    survey = open_survey(files(tmp_path, pictures(tmp_path / "p", "il_104", "il_112", "il_123"), orientation="both"))
    volume = survey.parts["train"].volume
    expected = np.full(LABELS.shape, IGNORE, np.uint8)
    for line in (4, 12, 23):
        expected[line] = LABELS[line]
    for orientation in Orientation:
        np.testing.assert_array_equal(read(volume, orientation), expected)
    assert {name: [ref.line for ref in each.sections if ref.orientation is IL] for name, each in survey.parts.items()} \
        == {"train": [104], "val": [112], "test": [123]}  # fmt: skip


def test_a_picture_of_another_size_is_refused(tmp_path: Path):
    folder = pictures(tmp_path / "p", "il_104", "il_112", "il_123")
    Image.fromarray(np.zeros((12, 19), np.uint8)).save(folder / "il_112.png")
    with pytest.raises(SurveyError, match=r"il_112\.png: 12 rows and 19 columns, but an inline of .* 12 samples"):
        open_survey(files(tmp_path, folder))


# --- splits -------------------------------------------------------------------------------------------------------


def sparse_file(folder: Path, lines: Sequence[int]) -> Path:
    """Labels on the grid of the survey, -1 but for these inlines."""
    values = np.full(LABELS.shape, -1, np.int8)
    for line in lines:
        values[line - 100] = LABELS[line - 100]
    write_segy(folder / "l.sgy", values, survey().geometry, format="int8")
    return folder / "l.sgy"


def inlines(survey: Survey) -> dict[str, list[int]]:
    return {name: [ref.line for ref in each.sections if ref.orientation is IL] for name, each in survey.parts.items()}


def test_splits_are_drawn_among_interpreted_lines(tmp_path: Path):
    """With the gap in lines of the survey: between 118 and 120 lies one, and two are asked for."""
    survey = open_survey(files(tmp_path, sparse_file(tmp_path, [101, 107, 110, 118, 120, 128])))
    assert inlines(survey) == {"train": [101], "val": [107, 110], "test": [120, 128]}
    assert survey.notes[-1] == (
        "l.sgy: interpreted: 6 of 30 inlines (101, 107, 110, 118, 120, 128) and 20 of 20 crosslines (300-319), "
        "20 % of the traces"
    )
    assert str(survey.parts["test"]).startswith("test: 2 inlines 120-128 step 8 of")


def test_regions_hold_the_interpreted_lines_in_them(tmp_path: Path):
    """Crosslines on the columns that interpreted inlines cross within the region; none where no inline does."""
    regions = {"train": {"inlines": [100, 118]}, "val": {"inlines": [120, 129]}}
    labels = sparse_file(tmp_path, [101, 107, 121])
    survey = open_survey(files(tmp_path, labels, split={"regions": regions}, orientation="both"))
    assert inlines(survey) == {"train": [101, 107], "val": [121]}
    train = survey.parts["train"]
    crossing = [ref for ref in train.sections if ref.orientation is XL]
    assert len(crossing) == 20
    labelled_columns = (train.labels(crossing[0]).values != IGNORE).any(axis=0)
    assert np.flatnonzero(labelled_columns).tolist() == [1, 7]


def test_every_counts_interpreted_lines(tmp_path: Path):
    labels = sparse_file(tmp_path, [100, 101, 103, 106, 107, 112, 120])
    survey = open_survey(files(tmp_path, labels, every=2, split={"val": 0.1, "test": 0.1, "guard": 1}))
    assert inlines(survey) == {"train": [100, 103, 107], "val": [112], "test": [120]}


@pytest.mark.follows("survey/splits.py", "set {}, interpret more lines, or give data.split.regions")
@pytest.mark.follows("survey/splits.py", "data.split.test: 0")
@pytest.mark.follows("survey/splits.py", "data.split.guard: {}")
def test_too_few_interpreted_lines_are_told_with_settings_that_work(tmp_path: Path):
    split = {"val": 0.3, "test": 0.3, "guard": 4}
    cases: list[tuple[list[int], dict[str, float]]] = [
        ([102, 105, 108], {"guard": 2}),
        ([102, 108], {"test": 0}),
        ([102, 105], {"test": 0, "guard": 2}),
    ]
    for lines, keys in cases:
        labels = sparse_file(tmp_path, lines)
        with pytest.raises(SurveyError) as refused:
            open_survey(files(tmp_path, labels, split=split))
        assert f"{len(lines)} of 30 inlines are interpreted" in refused.value.problem
        told = dict(re.findall(r"data\.split\.(\w+): (\d+)", refused.value.fix))
        assert {key: int(value) for key, value in told.items()} == keys
        survey = open_survey(files(tmp_path, labels, split=split | keys))
        assert sum(len(each.sections) for each in survey.parts.values()) == len(lines)


def test_one_interpreted_line_is_too_few(tmp_path: Path):
    with pytest.raises(SurveyError) as refused:
        open_survey(files(tmp_path, sparse_file(tmp_path, [104])))
    assert refused.value.fix == "interpret at least two lines: one to train on, one to validate"


# --- reading ------------------------------------------------------------------------------------------------------


class Counted(MemoryVolume):
    """Counts the sections that are read."""

    read = 0

    def section(self, orientation: Orientation, line: int) -> Section:
        self.read += 1
        return super().section(orientation, line)


def test_few_lines_of_a_volume_that_is_interpreted_throughout_are_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(interpreted, "PROBED", 5)
    labels = Counted(LABELS, survey().geometry)
    assert interpreted_traces(survey(), labels, FACIES).all()
    assert labels.read == 5


def test_lines_that_a_label_file_does_not_have_are_not_read():
    joined = labelled(survey(), Counted(part([104, 111]).values, part([104, 111]).geometry), FACIES)
    assert joined.labels is not None
    found = interpreted_traces(joined.amplitude, joined.labels, FACIES)
    assert np.flatnonzero(found.any(axis=1)).tolist() == [4, 11]
    assert joined.labels.sources[0].read == 2  # type: ignore[attr-defined]


def test_labels_are_known_again_by_what_their_own_file_holds(tmp_path: Path):
    """Spread over a large survey, few lines would hardly be looked at."""
    few = part([104, 112, 123])
    write_segy(tmp_path / "few.sgy", few.values, few.geometry, format="int8")
    before = survey_contents(open_survey(files(tmp_path, tmp_path / "few.sgy")))
    few.values[1, 3, 5] ^= 1
    write_segy(tmp_path / "few.sgy", few.values, few.geometry, format="int8")
    after = survey_contents(open_survey(files(tmp_path, tmp_path / "few.sgy")))
    assert before["train amplitude"] == after["train amplitude"]
    assert before["train labels"] != after["train labels"]
