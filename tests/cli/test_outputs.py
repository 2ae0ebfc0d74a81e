"""Outputs of `predict` agree with each other, and dead traces hold a value that no class has."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import segyio

from sam_seismic.errors import SurveyError
from sam_seismic.inference.outputs import label_null, label_type
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.segy import SegyVolume, write_segy
from tests.cli.running import Made, Run
from tests.survey.segy_files import Parts, cube

CLASSES = ("overburden", "deltaic", "channel", "shale", "chalk", "salt")
DEAD, MISSING = 5, 40
"""Positions of a trace that is marked as dead, and of one that is left out of the file."""


@pytest.fixture
def gappy(made: Made, tmp_path: Path) -> Path:
    """The survey with a dead trace, at IL 100 XL 305, and a missing one, at IL 101 XL 308."""
    parts = Parts.of(made.amplitude, 240 + 48 * 4)
    parts.set_field(29, np.where(np.arange(len(parts.traces)) == DEAD, 2, 1), "i2")
    parts.traces[DEAD, 240:] = 0
    parts.traces = np.delete(parts.traces, MISSING, axis=0)
    return parts.save(tmp_path / "gappy.sgy")


def predict(run: Run, made: Made, gappy: Path, output: Path, *more: str | Path) -> None:
    result = run("predict", "--checkpoint", made.best, "--input", gappy, "--output", output, *more)
    assert result.exit_code == 0, result.stderr


def test_the_volumes_agree(made: Made, run: Run, gappy: Path, tmp_path: Path):
    out = tmp_path / "out"
    more = ("--probabilities", out / "p.sgy", "--confidence", out / "c.sgy", "--entropy", out / "e.sgy")
    predict(run, made, gappy, out / "f.sgy", *more, "--horizons", out / "h.csv")
    facies, confidence, entropy = (SegyVolume(out / f"{name}.sgy") for name in "fce")
    planes = np.stack([cube(SegyVolume(out / f"p_{name}.sgy")) for name in CLASSES])
    live = facies.geometry.live
    assert live.sum() == 40 * 32 - 2
    np.testing.assert_array_equal(planes[:, live].argmax(axis=0), cube(facies)[live])
    np.testing.assert_array_equal(planes[:, live].max(axis=0), cube(confidence)[live])
    expected = -(planes[:, live] * np.log(planes[:, live])).sum(axis=0) / np.log(6)
    np.testing.assert_allclose(cube(entropy)[live], expected, atol=1e-5)
    with (out / "h.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == live.sum()
    row = next(row for row in rows if (row["IL"], row["XL"]) == ("117", "321"))
    trace = facies.section(Orientation.INLINE, 117).values[:, 21]
    for index, name in enumerate(CLASSES):
        found = np.flatnonzero(trace == index)
        assert row[f"{name}_ms"] == (f"{4 * found[0]:g}" if found.size else "")
    assert int(row["out_of_order"]) == np.count_nonzero(np.diff(trace) < 0)


def test_dead_traces_hold_a_declared_null(made: Made, run: Run, gappy: Path, tmp_path: Path):
    """0 is the first class: a dead trace of zeros would show as a column of overburden in interpretation software."""
    predict(run, made, gappy, tmp_path / "f.sgy", "--confidence", tmp_path / "c.sgy")
    for name, null in (("f", -1), ("c", -1.0)):
        with segyio.open(tmp_path / f"{name}.sgy", ignore_geometry=True) as file:
            assert (file.trace[DEAD] == null).all()
            assert (file.trace[DEAD - 1] != null).all()
            assert file.header[DEAD][segyio.TraceField.TraceIdentificationCode] == 2
            assert file.tracecount == 40 * 32 - 1
            assert "DEAD TRACES HOLD -1" in segyio.tools.wrap(file.text[0])
    predict(run, made, gappy, tmp_path / "f.npy")
    facies = np.load(tmp_path / "f.npy")
    assert (facies[0, 5] == -1).all()
    assert (facies[1, 8] == -1).all()
    assert np.count_nonzero((facies == -1).any(axis=2)) == 2


def test_a_converted_survey_gives_the_same_files(made: Made, run: Run, gappy: Path, tmp_path: Path):
    """Predictions from the HDF5 copy of a survey are, byte for byte, those from the original SEG-Y file."""
    assert run("convert", gappy, tmp_path / "a.h5").exit_code == 0
    for source in (gappy, tmp_path / "a.h5"):
        out = tmp_path / source.suffix
        more = ("--entropy", out / "e.sgy", "--horizons", out / "h.csv", "--orientation", "both")
        predict(run, made, source, out / "f.sgy", *more)
    for name in ("f.sgy", "e.sgy", "h.csv"):
        assert (tmp_path / ".h5" / name).read_bytes() == (tmp_path / ".sgy" / name).read_bytes(), name


def test_repeated_traces_are_read_as_asked(made: Made, run: Run, tmp_path: Path):
    """They are refused with a fix; with that option, both traces of the position get the same facies."""
    parts = Parts.of(made.amplitude, 240 + 48 * 4)
    parts.traces = np.insert(parts.traces, 70, parts.traces[69], axis=0)
    doubled, facies = parts.save(tmp_path / "doubled.sgy"), tmp_path / "f.sgy"
    words = ("predict", "--checkpoint", made.best, "--input", doubled, "--output", facies)
    refused = run(*words)
    assert refused.exit_code == 2
    assert "traces 70 and 71 are both" in refused.stderr
    assert "--duplicates first" in refused.stderr
    taken = run(*words, "--duplicates", "first")
    assert taken.exit_code == 0, taken.stderr
    assert "1 trace is passed over" in taken.stderr
    with segyio.open(facies, ignore_geometry=True) as file:
        assert file.tracecount == 40 * 32 + 1
        np.testing.assert_array_equal(file.trace[69], file.trace[70])
        assert np.unique(file.trace[69]).size > 1


@pytest.mark.parametrize(("ending", "stored"), [(".sgy", "int8"), (".npy", "int8"), (".npy", "uint8")])
def test_dead_traces_are_not_scored(made: Made, run: Run, gappy: Path, tmp_path: Path, ending: str, stored: str):
    """Where the interpreter labelled a dead trace, nothing was predicted, which must not count as an error."""
    predict(run, made, gappy, tmp_path / f"f{ending}", "--sample-format", stored)
    truth = made.labels
    if ending == ".npy":  # arrays have no line numbers, so the truth must be one too
        np.save(tmp_path / "truth.npy", cube(SegyVolume(made.labels)))
        truth = tmp_path / "truth.npy"
    scored = run("score", "--truth", truth, "--prediction", tmp_path / f"f{ending}", "--json")
    assert scored.exit_code == 0, scored.stderr
    assert json.loads(scored.stdout)["voxels"] == (40 * 32 - 2) * 48
    assert "2 interpreted traces are dead in the prediction, and are not scored" in scored.stderr


@pytest.mark.parametrize(
    ("asked", "code", "dtype", "null"),
    [("int16", 3, np.int16, -1), ("int32", 2, np.int32, -1), ("uint8", 16, np.uint8, 255),
     ("ieee", 5, np.float32, -1), ("ibm", 1, np.float32, -1)],
)  # fmt: skip
def test_sample_formats_for_programs_that_dislike_int8(
    made: Made, run: Run, gappy: Path, tmp_path: Path, asked: str, code: int, dtype: type, null: int
):
    predict(run, made, gappy, tmp_path / "plain.sgy")
    more = ("--sample-format", asked, "--confidence", tmp_path / "c.sgy")
    predict(run, made, gappy, tmp_path / "f.sgy", *more)
    facies, plain = SegyVolume(tmp_path / "f.sgy"), SegyVolume(tmp_path / "plain.sgy")
    assert (facies.layout.form.code, facies.dtype) == (code, dtype)
    live = facies.geometry.live
    np.testing.assert_array_equal(cube(facies)[live], cube(plain)[live])
    assert SegyVolume(tmp_path / "c.sgy").layout.form.code == (1 if asked == "ibm" else 5)
    raw = facies.section(Orientation.INLINE, 100)
    assert not raw.live[5]
    parts = Parts.of(tmp_path / "f.sgy", 240 + 48 * facies.layout.form.size)
    stored = parts.traces[DEAD, 240:].view(np.dtype(facies.layout.form.stored).newbyteorder(">"))
    assert (stored == (0xC1100000 if asked == "ibm" else null)).all()  # -1 as an IBM float


def test_reading_options_apply_to_the_truth_only(made: Made, run: Run, tmp_path: Path):
    """The truth has its line numbers in other bytes, or another axis order; this program wrote the prediction."""
    labels = cube(SegyVolume(made.labels))
    grid = SegyVolume(made.labels).geometry
    write_segy(tmp_path / "odd.sgy", labels, grid, format="int8", inline_byte=17, crossline_byte=25)
    np.save(tmp_path / "first.npy", labels.transpose(2, 0, 1))
    np.save(tmp_path / "own.npy", labels)
    assert run("convert", made.labels, tmp_path / "own.h5").exit_code == 0
    odd = ("--truth", tmp_path / "odd.sgy", "--inline-byte", "17", "--crossline-byte", "25")
    first = ("--truth", tmp_path / "first.npy", "--axes", "sample,inline,crossline")
    for words in ((*odd, "--prediction", tmp_path / "own.h5"), (*first, "--prediction", tmp_path / "own.npy")):
        scored = run("score", *words, "--json")
        assert scored.exit_code == 0, scored.stderr
        assert json.loads(scored.stdout)["pixel_accuracy"] == 1
    neither = run("score", *first[:2], "--prediction", tmp_path / "own.h5", "--inline-byte", "17")
    assert neither.exit_code == 2
    assert "segy.inline_byte cannot apply" in neither.stderr


def test_what_a_format_cannot_hold_is_refused(made: Made, run: Run, gappy: Path, tmp_path: Path):
    words = ("predict", "--checkpoint", made.best, "--input", gappy, "--output")
    refused = run(*words, tmp_path / "f.sgy", "--sample-format", "ibm", "--entropy", tmp_path / "e.npy")
    assert refused.exit_code == 2
    assert "only SEG-Y files store IBM floats" in refused.stderr
    refused = run(*words, tmp_path / "f.sgy", "--horizons", tmp_path / "h.txt")
    assert refused.exit_code == 2
    assert "horizons are written as CSV" in refused.stderr
    refused = run(*words, tmp_path / "f.sgy", "--entropy", tmp_path / "f.sgy")
    assert refused.exit_code == 2
    assert "two outputs" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["gappy.sgy"]


def test_types_and_nulls_of_labels():
    assert label_type(FaciesTable(("a", "b"))) == np.int8
    assert label_type(FaciesTable(("a", "b"), (0, 200))) == np.int16
    with pytest.raises(SurveyError, match="label values 0 to 200 do not fit --sample-format int8, -128 to 127"):
        label_type(FaciesTable(("a", "b"), (0, 200)), "int8")
    assert label_null(FaciesTable(("a", "b")), np.dtype(np.int8)) == -1
    assert label_null(FaciesTable(("a", "b"), (-1, 0)), np.dtype(np.int8)) == -128
    assert label_null(FaciesTable(("a", "b"), (0, 255)), np.dtype(np.uint8)) == 127
    assert label_null(FaciesTable(tuple("abcd"), (255, 127, 254, 0)), np.dtype(np.uint8)) == 1
    assert label_null(FaciesTable(tuple("abcde"), (-1, 255, -128, 127, 254)), np.dtype(np.int16)) == -32768
