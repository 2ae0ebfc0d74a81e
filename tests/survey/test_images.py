"""Folders of section images: what pictures hold, which sections make a grid, and labels that fit their images."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.images import FolderResult, FolderVolume, parts
from sam_seismic.survey.images import folder as folder_module
from sam_seismic.survey.images.pictures import read_header, read_picture
from sam_seismic.survey.labelled import check_partners
from sam_seismic.survey.volume import Section

INLINE, CROSSLINE = Orientation.INLINE, Orientation.CROSSLINE
GRAY = np.arange(12, dtype=np.uint8).reshape(3, 4)  # [sample, trace]
FLOATS = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)


def png(path: Path, values: np.ndarray = GRAY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path, format="PNG")
    return path


def refused(problem: str):
    return pytest.raises(SurveyError, match=problem)


def check(path: Path, expected: np.ndarray) -> None:
    """Header and samples agree on shape and type."""
    header, values = read_header(path), read_picture(path)
    assert header.shape == values.shape == expected.shape
    assert header.dtype == values.dtype == expected.dtype
    np.testing.assert_array_equal(values, expected)


def test_png_of_every_gray_depth(tmp_path: Path):
    """8 and 16 bit keep their values, and so do the small depths that Pillow stretches to 0-255."""
    check(png(tmp_path / "a.png"), GRAY)
    check(png(tmp_path / "b.png", GRAY.astype(np.uint16) * 5000), GRAY.astype(np.uint16) * 5000)
    check(png(tmp_path / "c.png", GRAY % 2 == 1), GRAY % 2)
    assert read_header(tmp_path / "c.png").encoding == "PNG 1 bit"


@pytest.mark.parametrize(("depth", "packed"), [(2, b"\x00\x1b"), (4, b"\x00\x01\x23")])
def test_label_3_of_a_small_gray_png_stays_3(tmp_path: Path, depth: int, packed: bytes):
    import struct  # noqa: PLC0415 - the one test that builds a PNG by hand
    import zlib  # noqa: PLC0415

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", 4, 1, depth, 0, 0, 0, 0)
    path = tmp_path / "il_1.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(packed)) + chunk(b"IEND", b"")
    )
    check(path, np.array([[0, 1, 2, 3]], dtype=np.uint8))


def test_palette_png_gives_the_indices(tmp_path: Path):
    """Label pictures are often coloured by a palette; the class is the index."""
    picture = Image.fromarray(GRAY % 6).convert("P")
    picture.putpalette([value for index in range(6) for value in (255 - index, index * 40, 7)])
    picture.putdata((GRAY % 6).ravel().tolist())
    picture.save(tmp_path / "il_1.png")
    check(tmp_path / "il_1.png", GRAY % 6)
    assert "palette" in read_header(tmp_path / "il_1.png").encoding


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_equal_channels_are_one(tmp_path: Path, channels: int):
    """A gray section that a viewer saved as RGB(A)."""
    values = np.repeat(GRAY[..., None], channels, axis=2)
    if channels != 3:
        values[..., -1] = 255
    check(png(tmp_path / "a.png", values), GRAY)
    values[0, 0, -1] = 9
    with refused("is a colour picture" if channels == 3 else "partly transparent"):
        read_picture(png(tmp_path / "b.png", values))


def test_colour_is_refused(tmp_path: Path):
    values = np.repeat(GRAY[..., None], 4, axis=2)
    values[..., 1] += 1
    values[..., 3] = 255
    with refused("is a colour picture"):
        read_picture(png(tmp_path / "a.png", values))
    tifffile.imwrite(tmp_path / "a.tif", values[..., :3], photometric="rgb")
    with refused("is a colour picture"):
        read_picture(tmp_path / "a.tif")


def test_png_with_16_bit_colours_is_refused(tmp_path: Path):
    """Pillow would read it as 8 bit."""
    path = png(tmp_path / "a.png", np.repeat(GRAY[..., None], 3, axis=2))
    data = bytearray(path.read_bytes())
    data[24] = 16
    path.write_bytes(data)
    with refused("16 bit and several channels"):
        read_header(path)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.int32, np.uint32, np.float32, np.float64])
@pytest.mark.parametrize("layout", ["plain", "channels last", "channels first", "one page", "deflate"])
def test_tiff_of_every_type_and_layout(tmp_path: Path, dtype: type, layout: str):
    """Amplitudes as the Minerva tools write them: float, one channel or three equal ones."""
    path, values = tmp_path / "il_1.tif", GRAY.astype(dtype)
    values = np.tile(values, (3, 3))  # [9, 12]: no axis looks like channels
    if layout == "channels last":
        tifffile.imwrite(path, np.repeat(values[..., None], 3, axis=2), photometric="rgb")
    elif layout == "channels first":
        tifffile.imwrite(path, np.repeat(values[None], 3, axis=0), photometric="minisblack")
    elif layout == "one page":
        tifffile.imwrite(path, values[None], photometric="minisblack")
    else:
        tifffile.imwrite(path, values, compression="zlib" if layout == "deflate" else None)
    check(path, values)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_lzw_tiff_is_read_without_the_optional_codecs(tmp_path: Path, dtype: type):
    path, values = tmp_path / "il_1.tif", np.tile(GRAY.astype(dtype), (3, 3))
    Image.fromarray(values).save(path, compression="tiff_lzw")
    check(path, values)


def test_damaged_pictures_are_named(tmp_path: Path):
    for name in ("a.png", "a.tif"):
        (tmp_path / name).write_bytes(b"no picture at all, but long enough for a header")
        with refused(f"{name}: cannot be read as a"):
            read_header(tmp_path / name)
    path = png(tmp_path / "b.png", np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8))
    path.write_bytes(path.read_bytes()[:1000])
    with refused(r"b\.png: cannot be read as a PNG"):
        read_picture(path)
    tifffile.imwrite(tmp_path / "two.tif", np.zeros((20, 20)))
    tifffile.imwrite(tmp_path / "two.tif", np.zeros((30, 20)), append=True)
    with refused("holds 2 pictures"):
        read_header(tmp_path / "two.tif")
    tifffile.imwrite(tmp_path / "deep.tif", np.zeros((20, 20, 20), np.uint8), photometric="minisblack")
    with refused("no single section"):
        read_header(tmp_path / "deep.tif")


def grid(folder: Path, inlines: range, crosslines: range, cube: np.ndarray) -> FolderVolume:
    """A folder of every inline and crossline of a cube [inline, crossline, sample]."""
    for index, line in enumerate(inlines):
        png(folder / f"il_{line}.png", cube[index].T)
    for index, line in enumerate(crosslines):
        png(folder / f"xl_{line}.png", cube[:, index].T)
    return FolderVolume(folder)


CUBE = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


def test_both_orientations_make_a_grid(tmp_path: Path):
    volume = grid(tmp_path, range(10, 12), range(7, 10), CUBE)
    assert str(volume.geometry) == "2 inlines 10-11, 3 crosslines 7-9, 4 samples"
    assert volume.has_grid
    np.testing.assert_array_equal(volume.section(CROSSLINE, 8).values, CUBE[:, 1].T)
    assert volume.dtype == np.uint8
    assert volume.encoding == "PNG 8 bit"


def test_one_orientation_counts_the_other_from_0(tmp_path: Path):
    volume = grid(tmp_path, range(0), range(7, 10), CUBE)
    assert str(volume.geometry) == "2 inlines 0-1, 3 crosslines 7-9, 4 samples"
    assert volume.lines(INLINE).tolist() == []
    assert volume.lines(CROSSLINE).tolist() == [7, 8, 9]
    assert "it holds no inline sections: inlines are counted from 0" in volume.notes


def test_loose_sections_are_read_but_make_no_grid(tmp_path: Path):
    """Two sections of different widths, as in a sample of a benchmark."""
    png(tmp_path / "il_100.png", np.zeros((4, 6), np.uint8))
    png(tmp_path / "xl_7.png", np.ones((4, 5), np.uint8))
    volume = FolderVolume(tmp_path)
    assert volume.section(CROSSLINE, 7).shape == (4, 5)
    assert not volume.has_grid
    with refused("its inline sections have 6 traces for 1 crosslines, so its sections do not form one grid"):
        _ = volume.geometry
    png(tmp_path / "il_101.png", np.zeros((4, 7), np.uint8))
    with refused("its inline sections differ in size: 4 x 6, 4 x 7"):
        _ = FolderVolume(tmp_path).geometry


def test_samples_must_agree_between_orientations(tmp_path: Path):
    png(tmp_path / "il_0.png", np.zeros((4, 1), np.uint8))
    png(tmp_path / "xl_0.png", np.zeros((5, 1), np.uint8))
    with refused("differ in their number of samples"):
        _ = FolderVolume(tmp_path).geometry


def test_names_of_every_kind_are_understood(tmp_path: Path):
    png(tmp_path / "IL_12.PNG")
    png(tmp_path / "inline_-3.png")
    png(tmp_path / "crossline_0007.Png")
    tifffile.imwrite(tmp_path / "XL_8.TIFF", GRAY)
    png(tmp_path / ".il_5.png")
    png(tmp_path / "legend.png")
    (tmp_path / "readme.txt").write_text("no section")
    volume = FolderVolume(tmp_path)
    assert volume.lines(INLINE).tolist() == [-3, 12]
    assert volume.lines(CROSSLINE).tolist() == [7, 8]
    assert volume.notes[0] == "left out, as their names are no il_N or xl_N: legend.png"


def test_opening_decodes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder of a thousand sections opens at once."""
    for line in range(5):
        png(tmp_path / f"il_{line}.png")
    headers = []
    monkeypatch.setattr(folder_module, "read_header", lambda path: headers.append(path) or read_header(path))
    monkeypatch.setattr(folder_module, "read_picture", None)
    volume = FolderVolume(tmp_path)
    assert len(headers) == 1
    assert volume.geometry.shape == (5, 4, 3)
    assert len(headers) == 5
    _ = volume.geometry, volume.notes, volume.has_grid
    assert len(headers) == 5


def test_floats_stay_float32_and_types_must_agree(tmp_path: Path):
    tifffile.imwrite(tmp_path / "il_0.tif", FLOATS.astype(np.float64))
    tifffile.imwrite(tmp_path / "il_1.tif", FLOATS)
    png(tmp_path / "il_2.png")
    volume = FolderVolume(tmp_path)
    np.testing.assert_array_equal(volume.section(INLINE, 0).values, FLOATS)
    assert volume.dtype == volume.section(INLINE, 1).values.dtype == np.float32
    assert volume.notes[0] == "stored as float64, read as float32"
    with refused(r"il_2\.png: holds uint8 values, other sections of the folder float32"):
        volume.section(INLINE, 2)
    with refused("holds no crossline 4"):
        volume.section(CROSSLINE, 4)


def test_folders_without_sections_say_where_they_are(tmp_path: Path):
    with refused("there is no such folder"):
        FolderVolume(tmp_path / "missing")
    with refused("holds no sections, no pictures"):
        FolderVolume(tmp_path)
    for name in ("train", "val"):
        png(tmp_path / "images" / name / "il_1.png")
    (tmp_path / "images" / "test").mkdir()
    with refused(r"only the parts train, val\n  fix: open one of them: .*/images/train"):
        FolderVolume(tmp_path / "images")
    with refused("fix: open .*/images or one of its parts"):
        FolderVolume(tmp_path)
    assert parts(tmp_path / "images") == {name: tmp_path / "images" / name for name in ("train", "val")}
    assert parts(tmp_path) == {}
    png(tmp_path / "odd" / "section7.png")
    with refused("only section7.png\n  fix: name sections il_N or xl_N"):
        FolderVolume(tmp_path / "odd")
    png(tmp_path / "twice" / "il_7.png")
    png(tmp_path / "twice" / "IL_07.png")
    with refused("are the same section"):
        FolderVolume(tmp_path / "twice")


def test_missing_partners_and_other_sizes_are_named(tmp_path: Path):
    images = grid(tmp_path / "images", range(3), range(0), np.zeros((3, 4, 5), np.uint8))
    labels = grid(tmp_path / "labels", range(3), range(0), np.zeros((3, 4, 5), np.uint8))
    check_partners(images, labels)
    png(tmp_path / "labels" / "xl_9.png", np.zeros((5, 3), np.uint8))
    with refused(r"images: lacks the partners of 1 sections of .*labels: xl_9\.png"):
        check_partners(images, FolderVolume(tmp_path / "labels"))
    (tmp_path / "labels" / "xl_9.png").unlink()
    (tmp_path / "labels" / "il_0.png").unlink()
    (note,) = check_partners(images, FolderVolume(tmp_path / "labels"))
    assert note.endswith("labels of 2 of the 3 sections: the rest is not interpreted")
    png(tmp_path / "labels" / "il_0.png", np.zeros((6, 4), np.uint8))
    with refused(r"differ in size \(samples, traces\): il_0\.png \(5, 4\) against \(6, 4\)"):
        check_partners(images, FolderVolume(tmp_path / "labels"))


@settings(max_examples=30)
@given(
    values=hnp.arrays(
        st.sampled_from([np.float32, np.uint8, np.uint16, np.int32]),
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=5, max_side=12),
    ),
    orientation=st.sampled_from(Orientation),
    line=st.integers(-50, 5000),
)
def test_result_comes_back_as_it_went_in(tmp_path_factory, values: np.ndarray, orientation: Orientation, line: int):
    path = tmp_path_factory.mktemp("result") / "sections"
    with FolderResult(path, values.dtype, overwrite=False) as result:
        result.write(Section(orientation, line, values, np.ones(values.shape[1], bool)))
    volume = FolderVolume(path)
    assert volume.dtype == values.dtype
    np.testing.assert_array_equal(volume.section(orientation, line).values, values)


def test_labels_are_written_as_png_and_dead_traces_as_255(tmp_path: Path):
    section = Section(INLINE, 7, np.full((3, 2), 4, np.int8), np.array([True, False]))
    with FolderResult(tmp_path / "out", np.dtype(np.int8), overwrite=False) as result:
        result.write(section)
    with Image.open(tmp_path / "out" / "il_7.png") as picture:
        assert picture.mode == "L"
        np.testing.assert_array_equal(np.asarray(picture), [[4, 255]] * 3)
    with (
        refused("IL 7 has the label value -4; PNG has no negative ones"),
        FolderResult(tmp_path / "negative", np.dtype(np.int8), overwrite=False) as result,
    ):
        result.write(Section(INLINE, 7, -section.values, section.live))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_only_a_folder_of_sections_is_replaced(tmp_path: Path):
    """Overwriting removes the whole folder, so a thesis that lies in it would be gone."""
    png(tmp_path / "out" / "il_1.png")
    dtype = np.dtype(np.uint8)
    with refused("exists already"):
        FolderResult(tmp_path / "out", dtype, overwrite=False)
    with FolderResult(tmp_path / "out", dtype, overwrite=True) as result:
        result.write(Section(INLINE, 2, GRAY, np.ones(4, bool)))
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["il_2.png"]
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    with refused("holds more than sections"):
        FolderResult(tmp_path / "out", dtype, overwrite=True)
    with refused("is a file"):
        FolderResult(tmp_path / "out" / "thesis.tex", dtype, overwrite=True)


def test_volume_survives_pickling(tmp_path: Path):
    volume = grid(tmp_path, range(10, 12), range(7, 10), CUBE)
    again = pickle.loads(pickle.dumps(volume))
    np.testing.assert_array_equal(again.section(INLINE, 11).values, CUBE[1].T)
    assert again.geometry.same_grid(volume.geometry)


def test_real_sections_of_f3_and_penobscot(shared_data: Path):
    """The pictures that people have: 255 x 701 for an F3 inline, rows are samples."""
    images, labels = (FolderVolume(shared_data / "f3_sections" / name) for name in ("images", "labels"))
    check_partners(images, labels)
    assert images.section(INLINE, 100).shape == (255, 701)
    assert images.section(CROSSLINE, 1001).shape == (255, 601)
    assert np.unique(labels.section(INLINE, 100).values).tolist() == [0, 1, 2, 3, 4, 5]
    assert not images.has_grid
    penobscot = FolderVolume(shared_data / "penobscot" / "images")
    check_partners(penobscot, FolderVolume(shared_data / "penobscot" / "labels"))
    assert str(penobscot.geometry) == "24 inlines 1075-1098, 512 crosslines 0-511, 1536 samples"
