"""The screens of `inspect`: every number that an interpreter reads is the one that the file was made with."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from sam_seismic.inspection import run_costs
from sam_seismic.inspection.device_memory import DeviceMemory
from sam_seismic.survey.geometry import Geometry
from sam_seismic.survey.segy import write_segy
from tests.cli.running import Made, Run, configured
from tests.survey.segy_files import Parts

CONTRACT = {
    *("shape", "inlines", "crosslines", "sample_interval_ms", "format", "byte_order", "inline_byte", "crossline_byte"),
    *("live_traces", "warnings", "amplitude"),
}


def odd_survey(path: Path) -> tuple[NDArray[np.float32], Geometry]:
    """A SEG-Y of 20 x 30 traces: a corner missing, clipped above 6, five empty traces and three that are not finite."""
    geometry = Geometry.complete(range(100, 120), range(300, 360, 2), 50, sample_interval_ms=4.0)
    live = geometry.live.copy()
    live[:10, :10] = False
    geometry = replace(geometry, live=live)
    rng = np.random.default_rng(0)
    values = np.minimum(rng.normal(0, 3, geometry.shape), 6).astype(np.float32)
    values[15, 3:8] = 0
    values[12, 20, 30:34], values[13, 4, 0], values[14, 9, 7] = np.nan, np.inf, -np.inf
    write_segy(path, values, geometry, format="ieee")
    return values, geometry


def screen(run: Run, *words: str | Path) -> str:
    result = run("inspect", *words)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def facts(run: Run, *words: str | Path) -> Any:
    return json.loads(screen(run, *words, "--json"))


def said(text: str, name: str) -> str:
    """What stands beside a name on the screen."""
    found = re.search(rf"^{re.escape(name)}  +(.*)$", text, re.MULTILINE)
    assert found, f"{name} is not on the screen:\n{text}"
    return found.group(1).strip()


# volumes


def test_programs_are_told_the_numbers_of_the_file(run: Run, tmp_path: Path):
    values, geometry = odd_survey(tmp_path / "odd.sgy")
    found = facts(run, tmp_path / "odd.sgy")
    assert set(found) >= CONTRACT
    assert found["shape"] == [20, 30, 50]
    assert found["crosslines"] == {"first": 300, "last": 358, "step": 2}
    assert found["live_traces"] == 500
    assert found["measured_lines"] == 20
    amplitude = found["amplitude"]
    used = values[geometry.live]
    used = used[(used != 0).any(axis=1)]
    finite = used[np.isfinite(used)].astype(np.float64)
    assert (amplitude["min"], amplitude["max"]) == (finite.min(), 6)
    assert (amplitude["mean"], amplitude["std"]) == pytest.approx((finite.mean(), finite.std()))
    expected = np.percentile(finite, [0.1, 1, 25, 50, 75, 99, 99.9])
    assert list(amplitude["percentiles"].values()) == pytest.approx(expected.tolist(), rel=1e-5)
    assert (amplitude["p1"], amplitude["p99"]) == (amplitude["percentiles"]["p1"], amplitude["percentiles"]["p99"])
    assert (amplitude["nan"], amplitude["infinite"], amplitude["traces_not_finite"]) == (4, 2, 3)
    assert amplitude["not_finite"] == 6
    assert amplitude["first_not_finite"] == "IL 112, XL 340, 120 ms"
    assert amplitude["constant_traces"] == {"0": 5}
    assert amplitude["clipped"]["low"] is None
    assert amplitude["clipped"]["high"]["value"] == 6
    assert amplitude["clipped"]["high"]["sample_share"] == pytest.approx((finite == 6).mean())
    assert amplitude["clipped"]["high"]["trace_share"] == pytest.approx((used == 6).any(axis=1).mean())
    histogram = amplitude["histogram"]
    counts, _ = np.histogram(finite, histogram["edges"])
    assert histogram["counts"] == counts.tolist()


def test_people_are_told_the_same(run: Run, tmp_path: Path):
    odd_survey(tmp_path / "odd.sgy")
    text = screen(run, tmp_path / "odd.sgy")
    assert said(text, "crosslines") == "30: 300-358 step 2"
    assert said(text, "samples") == "50 every 4 ms, 0-196 ms"
    assert said(text, "traces") == "500 of 600 live (83.3 %)"
    assert said(text, "format") == "IEEE float (5), big endian, SEG-Y, revision 1.0"
    assert said(text, "line numbers") == "inline at byte 189, crossline at byte 193"
    assert said(text, "because").startswith("at the standard bytes 189/193: 20 x 30 lines")
    assert said(text, "coordinates") == "none in the headers"
    assert said(text, "constant traces") == "5 of 500 hold zeros alone"
    assert said(text, "NaN, infinite").startswith("4 NaN and 2 infinite samples in 3 traces, the first at")
    assert re.search(r"2\.\d % of the samples, in \d+ % of the traces, are 6$", said(text, "clipped"))
    assert "training and prediction will refuse these lines" in text


def test_the_map_shows_where_there_is_no_data(run: Run, tmp_path: Path):
    """The missing corner, and empty traces of which no header tells; 20 inlines in 16 rows, one column a crossline."""
    odd_survey(tmp_path / "odd.sgy")
    text = screen(run, tmp_path / "odd.sgy")
    drawn = text[text.index("Traces that hold data (all 20 inlines)") :].splitlines()
    assert drawn[1].split() == ["XL", "300", "358"]
    rows = drawn[2:18]
    assert drawn[18].strip() == "█ all  ▓▒░ some  · none"
    assert rows[0] == "IL 100 " + "·" * 10 + "█" * 20
    assert rows[-1] == "IL 119 " + "█" * 30
    assert rows[12].strip() == "███" + "·" * 5 + "█" * 22  # inline 115 alone
    assert "▓" not in "".join(rows)


def test_a_survey_that_is_all_live_needs_no_map(made: Made, run: Run):
    text = screen(run, made.amplitude)
    assert said(text, "traces") == "1,280, all live"
    assert "XL 300" not in text
    assert said(text, "clipped") == "no"


@pytest.mark.parametrize("columns", [80, 120])
def test_the_screen_fits_the_terminal(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int
):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.chdir(tmp_path)
    odd_survey(tmp_path / "odd.sgy")
    for path in (Path("odd.sgy"), made.amplitude, made.labels, made.config, made.best):
        lines = screen(run, path).splitlines()
        assert max(len(line) for line in lines if not line.startswith("note: ")) <= columns
        assert len(lines) < 70
        assert not any("\x1b" in line for line in lines)


def test_the_likeness_of_neighbours_is_told_with_what_it_means(run: Run, tmp_path: Path):
    """Inlines fade slowly; crosslines are noise to each other."""
    rng = np.random.default_rng(0)
    lines = [rng.normal(size=(30, 60))]
    for _ in range(39):
        lines.append(0.98 * lines[-1] + np.sqrt(1 - 0.98**2) * rng.normal(size=(30, 60)))
    np.save(tmp_path / "v.npy", np.stack(lines).astype(np.float32))
    correlation = facts(run, tmp_path / "v.npy")["correlation"]
    assert list(correlation["inlines"].values()) == pytest.approx([0.98**lag for lag in (1, 5, 10, 20)], abs=0.05)
    assert list(correlation["crosslines"].values()) == pytest.approx([0, 0, 0, 0], abs=0.1)
    text = screen(run, tmp_path / "v.npy")
    assert re.search(r"^inlines +0\.98 +0\.9\d +0\.8\d +0\.[67]\d$", text, re.MULTILINE)
    assert re.search(r"20 lines apart correlate 0\.[67]\d: a random split of lines leaks", text)


def test_coordinates_units_and_the_text_header_are_shown(run: Run, tmp_path: Path):
    path = tmp_path / "placed.sgy"
    geometry = Geometry.complete(range(4), range(5), 40)
    write_segy(path, np.random.default_rng(0).normal(size=geometry.shape).astype(np.float32), geometry, format="ieee")
    parts = Parts.of(path, 400)
    inline, crossline = np.divmod(np.arange(20), 5)
    parts.set_field(71, 1, "i2")
    parts.set_field(181, 6000 + 25 * crossline)
    parts.set_field(185, 9000 + 50 * inline)
    parts.set_binary(3255, 2)
    parts.head[:80] = "C 1 CLIENT ACME   AREA NORTH".ljust(80).encode("cp037")
    text = screen(run, parts.save(path))
    assert said(text, "coordinates") == "X 6,000 to 6,100, Y 9,000 to 9,150 ft"
    assert said(text, "bin") == "50 ft between inlines, 25 ft between crosslines"
    assert said(text, "text header") == "CLIENT ACME AREA NORTH"
    assert facts(run, path)["coordinates"]["x"] == [6000, 6100]


@pytest.mark.parametrize("value", [0.0, 3.5])
def test_a_constant_volume_is_told(run: Run, tmp_path: Path, value: float):
    np.save(tmp_path / "c.npy", np.full((4, 5, 6), value, np.float32))
    found = facts(run, tmp_path / "c.npy")
    assert f"all measured amplitudes are {value:g}" in found["warnings"]
    assert (found["amplitude"]["min"], found["amplitude"]["max"]) == (value, value)
    assert "Histogram" not in screen(run, tmp_path / "c.npy")


def test_a_single_line_is_measured_along_itself(run: Run, tmp_path: Path):
    np.save(tmp_path / "line.npy", np.random.default_rng(0).normal(size=(90, 1, 40)).astype(np.float32))
    text = screen(run, tmp_path / "line.npy")
    assert "Amplitudes (the one crossline)" in text
    assert re.search(r"^inlines +-?0\.0", text, re.MULTILINE)
    assert not re.search(r"^crosslines +-?\d\.\d\d", text, re.MULTILINE)


# labels


def test_a_configuration_names_the_labels(made: Made, run: Run, tmp_path: Path):
    text = screen(run, made.labels, "--config", made.config)
    assert "Labels (all 40 inlines)" in text
    names = yaml.safe_load(made.config.read_text())["data"]["classes"]
    found = facts(run, made.labels, "--config", made.config)
    assert found["class_names"] == {str(value): name for value, name in enumerate(names)}
    for value, name in enumerate(names):
        count, lines = found["classes"][str(value)], found["inlines_with_class"][str(value)]
        row = re.search(rf"^{value} +{name} +([\d,]+) +([\d.]+) % +(\d+) of 40", text, re.MULTILINE)
        assert row
        assert row.groups() == (f"{count:,}", f"{100 * count / 61440:.1f}", str(lines))
    assert found["warnings"] == []


def test_values_beside_the_classes_are_marked(made: Made, run: Run, tmp_path: Path):
    labels = np.zeros((5, 6, 7), np.uint8)
    labels[0], labels[1], labels[2, 0, 0] = 1, 255, 9
    np.save(tmp_path / "labels.npy", labels)
    config = configured(made, tmp_path / "c.yaml", classes=["sand", "clay", "salt"])
    order = ("--axes", "inline,crossline,sample")
    text = screen(run, tmp_path / "labels.npy", "--config", config, *order)
    for row in (r"^255 +\(not interpreted\) +42 ", r"^9 +not among the classes +1 ", r"^2 +salt +0 +0\.0 % +0 of 5"):
        assert re.search(row, text, re.MULTILINE)
    assert "label values 9 are neither classes nor ignored" in text
    found = facts(run, tmp_path / "labels.npy", *order)
    assert found["classes"] == {"0": 125, "1": 42, "9": 1, "255": 42}
    assert found["class_names"] is None


def test_a_configuration_that_does_not_fit_is_refused(made: Made, run: Run, tmp_path: Path):
    other = configured(made, tmp_path / "c.yaml", classes=["a", "b"], label_values=[40, 41])
    for words, told in (
        ((made.amplitude, "--config", made.config), "this looks like amplitudes"),
        ((made.labels, "--config", other), "none of which is a class"),
        ((made.config, "--config", made.config), "--config apply to volumes only"),
        ((made.best, "--picture", "x.png"), "--picture apply to volumes only"),
        ((made.labels, "--config", tmp_path / "none.yaml"), "no such configuration file"),
    ):
        result = run("inspect", *words)
        assert result.exit_code == 2
        assert told in " ".join(result.stderr.split())
        assert "fix: " in result.stderr


# configurations and checkpoints


def test_a_configuration_tells_what_it_would_do(made: Made, run: Run):
    text, found = screen(run, made.config), facts(run, made.config)
    assert found["sections"] == {"train": 6, "val": 6, "test": 6}
    assert (found["steps_an_epoch"], found["steps"]) == (3, 6)
    assert found["files"] == {str(path): path.stat().st_size for path in (made.amplitude, made.labels)}
    assert found["parameters"]["trainable"] > 1e6
    assert set(found["memory"]) == {"CPU"}
    memory = found["memory"]["CPU"]
    assert memory["weights"] + memory["gradients_and_moments"] + memory["activations"] < memory["training"]
    for shares in found["class_shares"].values():
        assert sum(shares) == pytest.approx(1, abs=1e-5)
    time = found["time"]["CPU"]
    assert time["run"] == pytest.approx(2 * time["epoch"], rel=0.02)
    assert (time["section"], time["filling"], memory["filling"], found["store"]) == (None, None, None, None)
    assert said(text, "all 2 epochs").split()[-1] in ("s", "min", "h")
    assert said(text, "steps") == "3 an epoch, 6 in 2 epochs (batch 2, one device)"
    assert said(text, "train") == "6 inlines 100-120 step 4"
    assert "6 of 6 of train, 6 of 6 of val, 6 of 6 of test" in " ".join(text.split())


def test_what_a_training_keeps_is_told_before_it_is(made: Made, run: Run, tmp_path: Path):
    """Two variants of 6 training sections, which may be flipped, and 6 validation sections of 3 x 2 patches."""
    config = yaml.safe_load(made.config.read_text())
    config["input"]["canvas"] = "tight"
    config["model"]["encoder"] = "frozen"
    config["train"]["store"] = str(tmp_path / "store")
    path = tmp_path / "keeps.yaml"
    path.write_text(yaml.safe_dump(config))
    text, found = screen(run, path), facts(run, path)
    assert found["store"] | {"disk_free": 0} == {
        "folder": str(tmp_path / "store"),
        "sections": 12,
        "embeddings": 18,
        "bytes": 18 * (128 + 2 * 256 * 3 * 2),
        "kept": 0,
        "disk_free": 0,
    }
    assert said(text, "canvas") == "tight, at most 64 pixels, fit: pad"
    assert said(text, "stores") == "18 variants of 12 sections in 57.6 kB"
    assert said(text, "stored already") == "0 of 18"
    time, memory = found["time"]["CPU"], found["memory"]["CPU"]
    assert time["filling"] == pytest.approx(18 * time["section"], rel=0.02)
    assert time["run"] == pytest.approx(time["filling"] + 2 * time["epoch"], rel=0.02)
    assert memory["weights"] < memory["filling"] <= memory["training"]
    assert len(text.splitlines()) < 70


def test_too_little_memory_is_told_before_it_is_met(made: Made, run: Run, monkeypatch: pytest.MonkeyPatch):
    small = [DeviceMemory(gpu=False, total=100 << 20), DeviceMemory(gpu=True, total=None)]
    monkeypatch.setattr(run_costs, "device_memories", lambda _: small)
    text = " ".join(screen(run, made.config).split())
    assert "of this machine's memory, which has 105 MB: lower train.batch_size" in text
    assert "predict with --batch-size 1" in text
    assert "no GPU" in text


def test_sections_that_do_not_fit_the_canvas_are_met_here(made: Made, run: Run, tmp_path: Path):
    config = yaml.safe_load(made.config.read_text())
    config["data"]["orientation"] = "crossline"
    config["input"]["side"] = 64
    config["data"]["split"] = {"along": "crossline", "val": 0.1, "test": 0.1, "guard": 1}
    (tmp_path / "fits.yaml").write_text(yaml.safe_dump(config))
    assert run("inspect", tmp_path / "fits.yaml").exit_code == 0
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(20, 80, 70)).astype(np.float32))
    np.save(tmp_path / "l.npy", np.zeros((20, 80, 70), np.uint8))
    big = configured(made, tmp_path / "big.yaml", amplitude=str(tmp_path / "a.npy"), labels=str(tmp_path / "l.npy"))
    result = run("inspect", big)
    assert result.exit_code == 2
    assert "does not fit the 64 x 64 canvas" in result.stderr


def test_a_checkpoint_tells_what_it_is(made: Made, run: Run, tmp_path: Path):
    last = made.run / "checkpoints" / "last.ckpt"
    text, found = screen(run, last), facts(run, last)
    assert said(text, "trained") == "epoch 2, step 6"
    assert said(text, "started from") == "random weights: not SAM's"
    assert said(text, "canvas") == "64 x 64, fit: pad"
    assert "training can be resumed from it" in " ".join(text.split())
    assert said(text, "train").startswith("6 inlines 100-120 step 4")
    assert re.search(r"^255 +\(not interpreted\)$", text, re.MULTILINE)
    rows = (made.run / "metrics.csv").read_text().splitlines()
    column = rows[0].split(",").index("val_mean_iou")
    scores = [float(row.split(",")[column]) for row in rows[1:]]
    assert found["val_mean_iou"] == pytest.approx(scores[1], abs=1e-5)
    assert found["best_so_far"] == pytest.approx(max(scores), abs=1e-5)
    best = facts(run, made.best)
    assert best["val_mean_iou"] == pytest.approx(max(scores), abs=1e-5)
    assert best["resumable"] is False
    (tmp_path / "away.ckpt").write_bytes(made.best.read_bytes())
    assert facts(run, tmp_path / "away.ckpt")["val_mean_iou"] is None
