"""Null values are found where they are padding, and taken out of amplitudes; labels of them are not interpreted."""

import math
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.config import DataConfig, ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.amplitudes import as_amplitudes
from sam_seismic.survey.contents import content_hash
from sam_seismic.survey.facies import IGNORE, FaciesTable
from sam_seismic.survey.fingerprint import fingerprint
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.labelled import labelled, read_amplitude
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.null_values import clean_section, is_float_null
from sam_seismic.survey.segy import SegyVolume, write_segy
from sam_seismic.survey.volume import Section, Volume

NULLS = (math.nan, -999.25, 1e30, -1e30, 9999.0, -9999.0, -32767.0, 0.0, math.inf, 1.70141e38)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).normal(0, 1, shape).astype(np.float32)


def section_of(values: np.ndarray) -> Section:
    return Section(Orientation.INLINE, 0, values, np.ones(values.shape[1], np.bool_))


def volume_of(values: np.ndarray, path: Path = Path("a.npy")) -> MemoryVolume:
    inlines, crosslines, samples = values.shape
    return MemoryVolume(values, Geometry.complete(range(inlines), range(crosslines), samples), path=path)


@pytest.mark.parametrize("null", NULLS)
def test_a_trace_of_one_value_is_dead_and_zero(null: float):
    values = noise(40, 6)
    values[:, 2] = null
    cleaned = clean_section(section_of(values))
    assert cleaned.section.live.tolist() == [True, True, False, True, True, True]
    assert not cleaned.section.values[:, 2].any()
    assert np.array_equal(np.delete(cleaned.section.values, 2, axis=1), np.delete(values, 2, axis=1))
    assert [*cleaned.fills.values()] == [1]


def test_a_trace_of_several_null_values_and_zeros_is_dead():
    values = noise(40, 2)
    values[:20, 0], values[20:30, 0], values[30:, 0] = np.nan, -999.25, 0
    assert clean_section(section_of(values)).section.live.tolist() == [False, True]


@pytest.mark.parametrize("null", [math.nan, -999.25, 1e30, -1e30, 1.70141e38, -float(np.finfo(np.float32).max)])
@pytest.mark.parametrize("place", [slice(0, 7), slice(-7, None)])
def test_padding_at_the_ends_of_a_live_trace_is_zero_and_counted(null: float, place: slice):
    values = noise(40, 3)
    values[place, 1] = null
    cleaned = clean_section(section_of(values))
    assert cleaned.section.live.all()
    assert not cleaned.section.values[place, 1].any()
    assert (cleaned.zeroed, cleaned.padded) == (7, 1)


def test_amplitudes_that_only_look_like_null_values_stay():
    """-999.25 within a trace, three times at its end, and 9999 or zeros as a mute at its end."""
    values = noise(40, 5) * 1000
    values[20, 0], values[-3:, 1], values[:9, 2], values[:9, 3], values[5, 4] = -999.25, -999.25, 9999, 0, 9999
    cleaned = clean_section(section_of(values))
    assert cleaned.section.values is values
    assert cleaned.section.live.all()


def test_a_named_null_value_is_taken_out_wherever_it_stands():
    values = noise(40, 3)
    values[20, 0], values[:, 1], values[3:5, 2] = -77.5, -77.5, -77.5
    cleaned = clean_section(section_of(values), -77.5)
    assert cleaned.section.live.tolist() == [True, False, True]
    assert not cleaned.section.values[[20, 3, 4], [0, 2, 2]].any()
    assert cleaned.zeroed == 3


def test_null_values_of_24_bits_are_known():
    """IBM floats hold 1e30 with an error of 1e-7."""
    values = noise(9, 2)
    values[:5, 0] = np.float32(1e30) * np.float32(1 + 2e-7)
    assert not clean_section(section_of(values)).section.values[:5, 0].any()


def test_what_traces_hold_is_the_same_in_both_orientations_and_told_once():
    values = noise(6, 5, 40)
    values[:2, :3] = 1e30
    values[4, 4] = np.nan
    volume = as_amplitudes(volume_of(values))
    for line in range(5):
        assert np.array_equal(
            volume.live_along(Orientation.CROSSLINE, line),
            np.isfinite(values[:, line, 0]) & (values[:, line, 0] < 1e29),
        )
    for line in range(6):
        section = volume.section(Orientation.INLINE, line)
        assert np.array_equal(section.live, volume.live_along(Orientation.INLINE, line))
    assert volume.null_notes == (
        "a.npy: 6 of 30 traces hold 1e+30 alone, 1 of 30 traces hold NaN alone: taken as dead, neither scaled nor "
        "trained on, scored or predicted",
    )


def test_labels_of_null_traces_are_not_trained_on_even_if_amplitudes_are_not_read():
    """As where stored features stand for the amplitudes."""
    values = noise(3, 4, 40)
    values[1, 2] = -999.25
    labels = volume_of(np.ones((3, 4, 40), np.uint8))
    both = labelled(as_amplitudes(volume_of(values)), labels, FaciesTable(("a", "b")))
    alone = both.label_section(Orientation.INLINE, 1)
    assert (alone.values[:, 2] == IGNORE).all()
    assert np.array_equal(alone.values, both.section(Orientation.INLINE, 1)[1])
    assert both.label_values(Orientation.INLINE, 1).live.tolist() == [True, True, False, True]


LARGE = pytest.mark.follows("survey/labelled.py", "--null {} (YAML: data.read.null: {})")


@pytest.mark.parametrize("null", [math.nan, math.inf, pytest.param(1e30, marks=LARGE)])
def test_null_values_between_amplitudes_are_refused_with_a_fix_that_works(null: float, tmp_path: Path):
    values = noise(3, 4, 40)
    values[1, 2, 20] = null
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(SurveyError) as caught:
        read_amplitude(as_amplitudes(open_volume(tmp_path / "a.npy")), Orientation.INLINE, 1)
    named = caught.value.fix.partition("--null ")[2].split(" ")[0]
    volume = as_amplitudes(open_volume(tmp_path / "a.npy", ReadOptions(null=float(named))))
    section = read_amplitude(volume, Orientation.INLINE, 1)
    assert section.values[20, 2] == 0
    assert section.live.all()
    assert volume.null_notes == ("a.npy: 1 null values in 1 traces that hold data, too, were set to zero",)


def test_stores_and_checkpoints_know_a_survey_with_null_values_again():
    """Empty traces change no canvas, and checkpoints of earlier versions hash what the file holds."""
    values = noise(5, 4, 40)
    values[1, 2] = 0
    stored = volume_of(values)
    assert fingerprint(as_amplitudes(stored), Orientation.INLINE) == fingerprint(stored, Orientation.INLINE)
    values[1, 3] = -999.25
    assert fingerprint(as_amplitudes(stored), Orientation.INLINE) != fingerprint(stored, Orientation.INLINE)
    assert content_hash(as_amplitudes(stored)) == content_hash(stored)


@pytest.mark.parametrize("format", ["ibm", "ieee"])
@pytest.mark.parametrize("null", [1e30, -1e30, -999.25, 9999.0, 3e38, 3.4028235e38])
@pytest.mark.parametrize("whole", [True, False])
def test_a_null_value_says_nothing_of_the_float_format(tmp_path: Path, format: str, null: float, whole: bool):
    values = noise(6, 8, 60) * 1000
    values[:3, :, slice(None) if whole else slice(0, 30)] = null
    geometry = Geometry.complete(range(6), range(8), 60)
    write_segy(tmp_path / "a.sgy", values, geometry, format=format)  # type: ignore[arg-type]
    volume: Volume = open_volume(tmp_path / "a.sgy", ReadOptions(null=null))
    assert as_amplitudes(volume).section(Orientation.INLINE, 0).live.any() != whole
    if null != 3e38 or whole:
        SegyVolume(tmp_path / "a.sgy")


@pytest.mark.parametrize("named", ["ibm", "ieee"])
def test_a_wrong_float_format_is_found_beside_null_values(tmp_path: Path, named: str):
    values = noise(12, 8, 200) * 1000
    values[:3] = 1e30
    write_segy(tmp_path / "a.sgy", values, Geometry.complete(range(12), range(8), 200), format=named)  # type: ignore[arg-type]
    content = bytearray((tmp_path / "a.sgy").read_bytes())
    content[3225] = 5 if named == "ibm" else 1
    (tmp_path / "a.sgy").write_bytes(content)
    with pytest.raises(SurveyError, match="its header declares"):
        SegyVolume(tmp_path / "a.sgy")


@pytest.mark.parametrize("null", [math.nan, -999.25, 1e30, -1e30, 9999.0, -9999.0, math.inf])
def test_null_labels_are_not_interpreted(null: float):
    labels = np.array([[0, null], [1, 1]], np.float32)
    assert FaciesTable(("a", "b")).encode(labels, "here").tolist() == [[0, IGNORE], [1, 1]]


def test_a_null_value_that_is_a_class_stays_a_class():
    assert FaciesTable(("a", "b"), (0, 9999)).encode(np.array([0, 9999, -9999]), "here").tolist() == [0, 1, IGNORE]


def test_the_fix_for_strange_labels_can_be_written_as_it_stands():
    with pytest.raises(SurveyError) as caught:
        FaciesTable(("a", "b"), ignored=(IGNORE, math.nan)).encode(np.array([0.0, -888.0, 1.0]), "here")
    assert "data.ignore_values" in caught.value.fix
    for value in (-888.0, -888.1):  # the latter is another number in single precision
        table = FaciesTable(("a", "b"), ignored=(IGNORE, value))
        assert table.encode(np.array([0.0, value], np.float32), "").tolist() == [0, IGNORE]
        assert table.holds_labels(np.array([0.0, value], np.float32)).tolist() == [True, False]


def test_labels_laid_over_one_another_are_filled_with_a_whole_number():
    assert FaciesTable(("a", "b"), ignored=(math.nan, -999.25)).with_fill()[1] == IGNORE
    assert FaciesTable(("a", "b"), ignored=(math.nan, -1)).with_fill()[1] == -1


@pytest.mark.parametrize("ignored", [[255], [-999.25], [math.nan], [1e30, 255], [".nan"]])
def test_ignore_values_take_floats_and_nan_and_come_back(ignored: list[float]):
    given = {"amplitude": "a.sgy", "labels": "b.sgy", "classes": ["a", "b"], "ignore_values": ignored}
    data = DataConfig.model_validate(given)
    again = DataConfig.model_validate(data.model_dump(mode="json"))
    assert again == data
    assert data.ignore_values is not None
    assert [type(each) for each in data.ignore_values] == [type(each) for each in again.ignore_values or ()]


@pytest.mark.parametrize("null", [-999.25, math.nan, 1e30, ".nan"])
def test_a_named_null_value_comes_back_as_it_was(null: float):
    read = ReadOptions(null=null)
    assert ReadOptions.model_validate(read.model_dump(mode="json")) == read


def test_numbers_that_labels_can_be_are_no_null_values():
    assert not is_float_null(np.array([-1, 0, 7, 255, 999, -32768, 0.5])).any()
