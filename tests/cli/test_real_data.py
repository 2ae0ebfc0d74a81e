"""The whole road on real seismic, as small as it gets: it opens, lines up and comes back."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import segyio
import yaml

from tests.cli.running import Run, invoke

CONFIGS = Path(__file__).parents[2] / "configs"
F3 = ["upper_ns", "middle_ns", "lower_ns", "rijnland_chalk", "scruff", "zechstein"]


@pytest.fixture(scope="module")
def penobscot(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Amplitudes of the real survey, and the facies that a network of one epoch finds in them."""
    folder, source = tmp_path_factory.mktemp("penobscot"), shared_data / "penobscot"
    amplitude, facies = source / "penobscot_amplitude.sgy", folder / "facies.sgy"
    changes = (f"data.amplitude={amplitude}", f"data.labels={source / 'penobscot_labels.sgy'}")
    changes += ("train.epochs=1", "input.side=64", "trainer.accelerator=cpu")
    words = [word for change in changes for word in ("--set", change)]
    trained = invoke("train", "--config", CONFIGS / "penobscot.yaml", "--output", folder / "run", *words)
    assert trained.exit_code == 0, trained.stderr
    best = folder / "run" / "checkpoints" / "best.ckpt"
    predicted = invoke("predict", "--checkpoint", best, "--input", amplitude, "--output", facies)
    assert predicted.exit_code == 0, predicted.stderr
    return amplitude, facies


def test_penobscot_opens_strictly_and_lines_up(penobscot: tuple[Path, Path]):
    amplitude, facies = penobscot
    with segyio.open(amplitude, strict=True) as source, segyio.open(facies, strict=True) as result:
        assert int(result.format) == 8
        np.testing.assert_array_equal(result.ilines, np.arange(1075, 1099))
        np.testing.assert_array_equal(result.xlines, source.xlines)
        np.testing.assert_array_equal(result.samples, source.samples)
        assert all(dict(a) == dict(b) for a, b in zip(source.header, result.header, strict=True))
        traces, classes = source.trace.raw[:], result.trace.raw[:]  # [trace, sample]
        dead = (traces == traces[:, :1]).all(axis=1)  # 23 traces hold -50 alone
        assert (classes[dead] == -1).all()
        assert set(np.unique(classes[~dead])) <= set(range(8))
        changed = [line for line in range(40) if card(source, line) != card(result, line)]
        assert [card(result, line)[4:26] for line in changed] == ["FACIES BY SAM-SEISMIC "]


def card(file: segyio.SegyFile, line: int) -> str:
    return bytes(file.text[0])[80 * line : 80 * line + 80].decode()


def test_penobscot_headers_in_a_second_reader(penobscot: tuple[Path, Path]):
    with warnings.catch_warnings():
        # obspy's own imports are not up to date with its dependencies.
        warnings.simplefilter("ignore")
        from obspy.io.segy.segy import _read_segy  # noqa: PLC0415

        source, result = (_read_segy(str(path), headonly=True) for path in penobscot)
    assert result.binary_file_header.data_sample_format_code == 8
    assert len(result.traces) == len(source.traces) == 24 * 256
    for ours, theirs in zip(result.traces, source.traces, strict=True):
        assert bytes(ours.header.unpacked_header) == bytes(theirs.header.unpacked_header)


def test_f3_sections_train_and_score_as_a_folder(shared_data: Path, run: Run, tmp_path: Path):
    """An inline and a crossline of different widths, 8 bit, without a common grid."""
    sections = shared_data / "f3_sections"
    config = {
        "data": {
            "amplitude": str(sections / "images"),
            "labels": str(sections / "labels"),
            "classes": F3,
            "orientation": "both",
            "split": {"regions": {"train": {"inlines": [100, 100]}, "val": {"crosslines": [1001, 1001]}}},
        },
        "input": {"fit": "resize", "side": 112},
        "model": {"size": "vit_t", "weights": "random", "encoder": "full"},
        "train": {"epochs": 1, "batch_size": 1},
        "trainer": {"accelerator": "cpu"},
    }
    (tmp_path / "f3.yaml").write_text(yaml.safe_dump(config))
    trained = run("train", "--config", tmp_path / "f3.yaml", "--output", tmp_path / "run")
    assert trained.exit_code == 0, trained.stderr
    assert "split train: 1 inline 100 of" in trained.stderr
    assert "split val: 1 crossline 1001 of" in trained.stderr
    assert "has no guard gap: crosslines of val cross inlines of train" in trained.stderr
    best = tmp_path / "run" / "checkpoints" / "best.ckpt"
    predicted = run("predict", "--checkpoint", best, "--input", sections / "images", "--output", tmp_path / "facies")
    assert predicted.exit_code == 0, predicted.stderr
    assert sorted(path.name for path in (tmp_path / "facies").iterdir()) == ["il_100.png", "xl_1001.png"]
    scored = run(
        "score", "--truth", sections / "labels", "--prediction", tmp_path / "facies", "--classes", "6", "--json"
    )
    assert yaml.safe_load(scored.stdout)["voxels"] == 255 * (701 + 601)
