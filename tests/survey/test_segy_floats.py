"""IBM floats that are declared IEEE, and the reverse, are refused; honest ones are believed."""

from pathlib import Path

import numpy as np
import pytest

from sam_seismic.config import SegyOptions
from sam_seismic.survey.segy import SegyVolume, write_segy
from tests.survey.segy_files import Parts, changed, cube, grid, refusal, smooth


@pytest.mark.parametrize(("written", "declared", "code"), [("ieee", "IBM float (1)", 1), ("ibm", "IEEE float (5)", 5)])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e5])
@pytest.mark.parametrize("endian", ["big", "little"])
def test_floats_that_are_not_what_they_say(
    tmp_path: Path, written: str, declared: str, code: int, scale: float, endian: str
):
    """IBM labelled as IEEE, and the reverse, at any amplitude; the option named in the fix reads the right values."""
    path, values = tmp_path / "a.sgy", np.random.default_rng(0).normal(size=(6, 5, 40)) * scale
    write_segy(path, values, grid(), format=written, endian=endian)  # type: ignore[arg-type]
    parts = Parts.of(path, 400, order=">" if endian == "big" else "<")
    parts.set_binary(3225, code)
    parts.save(path)
    error = refusal(path)
    assert (
        f"its header declares {declared}, but the bits of its samples are those of {written.upper()}" in error.problem
    )
    assert error.fix == f"--format {written} (YAML: data.read.segy.format: {written})"
    volume = SegyVolume(path, SegyOptions.model_validate({"format": written}))
    assert np.allclose(cube(volume), values, rtol=1e-5)


@pytest.mark.parametrize("kind", ["seismic", "density", "constant", "labels", "quantised", "probabilities"])
@pytest.mark.parametrize("name", ["ieee", "ibm"])
def test_honest_floats_are_believed(tmp_path: Path, kind: str, name: str):
    """What narrow, stepped or constant properties look like raises no false alarm."""
    random, shape = np.random.default_rng(0), (6, 5, 40)
    values = {
        "seismic": random.normal(size=shape) * 1000,
        "density": random.uniform(2.3, 2.9, shape),
        "constant": np.ones(shape),
        "labels": random.integers(0, 7, shape),
        "quantised": random.integers(-127, 128, shape) / 127,
        "probabilities": random.uniform(0, 1, shape),
    }[kind].astype(np.float32)
    write_segy(tmp_path / "a.sgy", values, grid(), format=name)  # type: ignore[arg-type]
    assert np.allclose(cube(SegyVolume(tmp_path / "a.sgy", SegyOptions())), values, rtol=1e-6)


def test_labels_in_ieee_floats_labelled_ibm(tmp_path: Path):
    path = tmp_path / "a.sgy"
    write_segy(path, np.random.default_rng(0).integers(0, 7, (6, 5, 40)).astype(np.float32), grid())
    changed(path, lambda parts: parts.set_binary(3225, 1))
    assert refusal(path).fix == "--format ieee (YAML: data.read.segy.format: ieee)"


def test_samples_that_are_no_floats_at_all(tmp_path: Path):
    """Bytes in the wrong order make amplitudes of 1e-40 beside 1e+38."""

    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid())

    def noise(parts: Parts) -> None:
        parts.traces[:, 240:] = np.random.default_rng(0).integers(0, 256, (30, 160))

    error = refusal(changed(path, noise))
    assert "decoded as IEEE float (5), its amplitudes make no sense" in error.problem
    assert SegyVolume(path, SegyOptions(format="ieee")).geometry.shape == (6, 5, 40)
