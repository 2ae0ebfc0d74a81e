"""What files of one survey may differ in is told, and files of different surveys are refused by name."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.config import ReadOptions, SegyOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.segy import write_segy
from tests.survey.segy_files import Parts, cube, facies, smooth
from tests.survey.several.split_files import BY_INLINES, OVERLAPPING, SHAPE, bins, split, survey_grid, write_whole


def half(path: Path, inlines: range, *, start_ms: float = 0, samples: int = 20, interval: float = 4, **given) -> Path:
    """A file of some inlines of six crosslines, on bins that are turned by 30 degrees unless others are given."""
    grid = Geometry.complete(inlines, range(300, 306), samples, sample_interval_ms=interval, start_ms=start_ms)
    place = given.pop("coordinates", bins(grid))
    write_segy(path, smooth(grid.shape, inlines[0]), grid, coordinates=place, **given)
    return path


def refusal(*files: Path, read: ReadOptions | None = None) -> SurveyError:
    with pytest.raises(SurveyError) as refused:
        open_volume(files, read)
    return refused.value


def test_formats_byte_orders_and_header_bytes_are_found_for_each_file(tmp_path: Path):
    first = half(tmp_path / "a.sgy", range(100, 104), format="ibm")
    second = half(tmp_path / "b.sgy", range(104, 108), endian="little", inline_byte=9, crossline_byte=21)
    volume = open_volume([first, second])
    expected = np.concatenate([smooth((4, 6, 20), 100), smooth((4, 6, 20), 104)])
    assert np.array_equal(cube(volume), expected)
    assert volume.encoding == "IBM float (1) and IEEE float (5)"
    assert volume.source_facts.byte_order is None
    assert volume.source_facts.inline_byte is None
    assert any("one grid of 25 by 12.5" in note for note in volume.notes)


def test_a_single_line_is_read_by_the_header_bytes_of_the_others(tmp_path: Path):
    first = half(tmp_path / "a.sgy", range(100, 104), inline_byte=9, crossline_byte=21)
    second = half(tmp_path / "b.sgy", range(104, 105), inline_byte=9, crossline_byte=21)
    volume = open_volume([second, first])
    assert volume.geometry.inlines.tolist() == [100, 101, 102, 103, 104]
    assert np.array_equal(volume.section(Orientation.INLINE, 104).values.T, smooth((1, 6, 20), 104)[0])
    assert "b.sgy: line numbers at bytes 9/21, as in a.sgy" in volume.notes


def test_another_sample_interval_is_refused_with_both_numbers(tmp_path: Path):
    error = refusal(half(tmp_path / "a.sgy", range(4)), half(tmp_path / "b.sgy", range(4, 8), interval=2))
    assert error.problem == f"{tmp_path / 'b.sgy'}: has a sample every 2 ms, a.sgy every 4 ms"


@pytest.mark.follows("survey/several/grid.py", "--sample-interval ")
def test_a_wrong_interval_in_a_header_is_replaced_in_all_files(tmp_path: Path):
    files = [half(tmp_path / "a.sgy", range(4)), half(tmp_path / "b.sgy", range(4, 8), interval=2)]
    assert "--sample-interval 4 (YAML: data.read.segy.sample_interval)" in refusal(*files).fix
    volume = open_volume(files, ReadOptions(segy=SegyOptions(sample_interval=4)))
    assert volume.geometry.shape == (8, 6, 20)
    assert volume.geometry.sample_interval_ms == 4


@pytest.mark.follows("survey/several/grid.py", "--start ")
def test_first_samples_between_those_of_the_others_are_refused(tmp_path: Path):
    files = [half(tmp_path / "a.sgy", range(4)), half(tmp_path / "b.sgy", range(4, 8), start_ms=7)]
    error = refusal(*files)
    assert error.problem.startswith(f"{tmp_path / 'b.sgy'}: its first sample is at 7 ms, that of a.sgy at 0 ms")
    assert "--start 0 (YAML: data.read.segy.start)" in error.fix
    volume = open_volume(files, ReadOptions(segy=SegyOptions(start=0)))
    assert volume.geometry.start_ms == 0
    assert np.array_equal(volume.section(Orientation.INLINE, 5).values.T, smooth((4, 6, 20), 4)[1])


def test_files_are_matched_by_time(tmp_path: Path):
    """One file has samples from 8 to 92 ms, the other from 0 to 76 ms: what one of them lacks is zero."""
    files = [half(tmp_path / "a.sgy", range(4)), half(tmp_path / "b.sgy", range(4, 8), start_ms=8, samples=22)]
    volume = open_volume(files)
    assert (volume.geometry.start_ms, volume.geometry.end_ms, volume.geometry.samples) == (0, 92, 24)
    first, second = volume.section(Orientation.CROSSLINE, 302).values.T[[1, 6]]
    assert np.array_equal(first, [*smooth((4, 6, 20), 0)[1, 2], *[0] * 4])
    assert np.array_equal(second, [0, 0, *smooth((4, 6, 22), 4)[2, 2]])
    assert any("matched by time, 0-92 ms together" in note and "a.sgy, b.sgy" in note for note in volume.notes)


def test_times_without_overlap_are_refused(tmp_path: Path):
    files = [half(tmp_path / "a.sgy", range(4)), half(tmp_path / "b.sgy", range(4, 8), start_ms=80)]
    assert "80-156 ms, those of a.sgy at 0-76 ms: no time in common" in refusal(*files).problem


def test_a_file_on_a_grid_rotated_otherwise_is_refused_by_name(tmp_path: Path):
    files = [half(tmp_path / f"{name}.sgy", range(at, at + 4)) for name, at in (("a", 0), ("b", 4), ("d", 12))]
    odd = Geometry.complete(range(8, 12), range(300, 306), 20)
    files.insert(2, half(tmp_path / "c.sgy", range(8, 12), coordinates=bins(odd, 75)))
    error = refusal(*files)
    assert error.problem.startswith(f"{tmp_path / 'c.sgy'}: is not on the grid of a.sgy: its X and Y lie up to ")
    assert "bins of 25 and 12.5" in error.problem


def test_lines_of_2d_surveys_are_no_survey(tmp_path: Path):
    files = []
    for line, angle in ((1, 10), (2, 80), (3, 130)):
        grid = Geometry.complete([line], range(300, 340), 20)
        there = bins(Geometry.complete([100], range(300, 340), 20), angle, (5e5 + 300.0 * line**2, 6e6))
        write_segy(tmp_path / f"{line}.sgy", smooth(grid.shape), grid, coordinates=there)
        files.append(tmp_path / f"{line}.sgy")
    error = refusal(*files)
    assert "lie on no grid" in error.problem
    assert "2D lines" in error.fix


def test_files_without_line_numbers_are_refused(tmp_path: Path):
    files = split(
        write_whole(tmp_path / "whole.sgy"), tmp_path, {f"{n}.sgy": lambda il, _, n=n: il == n for n in (100, 101)}
    )
    for path in files:
        parts = Parts.of(path, 240 + 4 * SHAPE[2])
        parts.set_field(189, 0)
        parts.set_field(193, 0)
        parts.save(path)
    assert "no header field numbers its lines" in refusal(*files).problem


@pytest.mark.follows("survey/several/opening.py", "--inline-byte 9 --crossline-byte")
def test_header_bytes_that_are_named_are_those_of_all_files(tmp_path: Path):
    """One file a line with its numbers at 9 and 21: none shows by itself that these are line numbers."""
    files = [half(tmp_path / f"{n}.sgy", range(n, n + 1), inline_byte=9, crossline_byte=21) for n in (100, 101, 102)]
    assert "--inline-byte 9 --crossline-byte 21" in refusal(*files).fix
    volume = open_volume(files, ReadOptions(segy=SegyOptions(inline_byte=9, crossline_byte=21)))
    assert volume.geometry.shape == (3, 6, 20)
    assert volume.geometry.inlines.tolist() == [100, 101, 102]


def test_labels_beside_amplitudes_are_refused(tmp_path: Path):
    half(tmp_path / "a.sgy", range(4))
    grid = Geometry.complete(range(4), range(300, 306), 20)
    write_segy(tmp_path / "b.sgy", facies(grid).astype(np.int8), grid, format="int8")
    error = refusal(tmp_path)
    assert "8-bit integer (8) samples, a.sgy IEEE float (5)" in error.problem


def test_two_volumes_of_the_same_lines_are_refused(tmp_path: Path):
    """Near and far stack in one folder."""
    grid = survey_grid()
    for name, seed in (("far.sgy", 1), ("near.sgy", 2)):
        write_segy(tmp_path / name, smooth(SHAPE, seed), grid, coordinates=bins(grid))
    error = refusal(tmp_path)
    assert f"{tmp_path / 'near.sgy'}: all of its traces are in far.sgy, too, with other samples" in error.problem
    assert "(first at IL 100, XL 300)" in error.problem


def test_differing_traces_of_an_overlap_are_told_and_the_first_file_counts(tmp_path: Path):
    whole = open_volume(write_whole(tmp_path / "whole.sgy"))
    files = split(whole.path, tmp_path / "parts", OVERLAPPING)
    b = Parts.of(files[1], 240 + 4 * SHAPE[2])
    changed = (b.field(189) == 105) & (b.field(193) >= 307)
    b.traces[changed, 240 + 20] ^= 1
    b.save(files[1])
    volume = open_volume(files)
    assert (
        "b.sgy: 18 of its 45 traces are in a.sgy, too, 2 of them with other samples (first at IL 105, XL 307): those "
        "of a.sgy, which comes first, are read" in volume.notes
    )
    assert np.array_equal(volume.section(Orientation.INLINE, 105).values, whole.section(Orientation.INLINE, 105).values)
    other = open_volume([files[1], files[0], files[2]])
    differs = other.section(Orientation.INLINE, 105).values != whole.section(Orientation.INLINE, 105).values
    assert differs.any(axis=0).tolist() == [False] * 7 + [True] * 2


def test_a_dead_trace_is_read_from_the_file_in_which_it_is_live(tmp_path: Path):
    whole = open_volume(write_whole(tmp_path / "whole.sgy"))
    files = split(whole.path, tmp_path / "parts", OVERLAPPING)
    a = Parts.of(files[0], 240 + 4 * SHAPE[2])
    a.set_field(29, np.where((a.field(189) == 104) & (a.field(193) == 305), 2, 1), "i2")
    a.save(files[0])
    volume = open_volume(files)
    assert np.array_equal(volume.geometry.live, whole.geometry.live)
    assert np.array_equal(cube(volume), cube(whole))


def test_a_section_is_read_from_the_files_that_hold_it(tmp_path: Path):
    files = split(write_whole(tmp_path / "whole.sgy"), tmp_path / "parts", BY_INLINES)
    volume = pickle.loads(pickle.dumps(open_volume(files)))  # as another process has it: no file is open
    expected = open_volume(tmp_path / "whole.sgy").section(Orientation.INLINE, 106).values
    files[0].unlink()
    files[2].unlink()
    assert volume.file_of(Orientation.INLINE, 106) == files[1]
    assert np.array_equal(volume.section(Orientation.INLINE, 106).values, expected)
    with pytest.raises(FileNotFoundError, match="part1"):
        volume.section(Orientation.CROSSLINE, 302)


def test_a_file_is_named_once(tmp_path: Path):
    path = half(tmp_path / "a.sgy", range(4))
    assert "is named twice" in refusal(path, path).problem


def test_lists_of_other_formats_are_refused(tmp_path: Path):
    for name in ("a.npy", "b.npy"):
        np.save(tmp_path / name, np.zeros((3, 3, 3), np.float32))
    assert (
        "is NumPy arrays; only files of SEG-Y are put together"
        in refusal(tmp_path / "a.npy", tmp_path / "b.npy").problem
    )


def test_options_that_number_each_file_from_1_are_refused(tmp_path: Path):
    files = split(write_whole(tmp_path / "whole.sgy"), tmp_path / "parts", BY_INLINES)
    error = refusal(*files, read=ReadOptions(segy=SegyOptions(grid_from_coordinates=True)))
    assert "segy.grid_from_coordinates cannot apply to several files" in error.problem
