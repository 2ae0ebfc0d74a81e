"""`train`, `inspect`, `eval` and `--resume` with labels that are made of horizons and bodies."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from sam_seismic.config import (
    BodiesConfig,
    HorizonsConfig,
    InterpretationConfig,
    dump_config,
    load_config,
    parse_config,
)
from sam_seismic.errors import ConfigError
from sam_seismic.survey.contents import WHOLE, content_hash
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Geometry
from sam_seismic.survey.labels.bodies import read_body
from sam_seismic.survey.labels.interpretation import interpret
from tests.cli.running import Made, Run, configured
from tests.docs.pages import fences
from tests.survey.labels.surfaces import PlacedVolume

CLASSES = ["a", "b", "salt"]


def write_surface(path: Path, grid: Geometry, time: float) -> Path:
    rows = [f"{inline} {crossline} {time}" for inline in grid.inlines for crossline in grid.crosslines]
    path.write_text("\n".join(["IL XL TWT", *rows]) + "\n")
    return path


@pytest.fixture
def labels(made: Made, tmp_path: Path) -> dict[str, Any]:
    """Two horizons, and salt on every inline."""
    grid = open_volume(made.amplitude).geometry
    files = [write_surface(tmp_path / f"{name}.dat", grid, time) for name, time in (("a", 20.0), ("b", 90.0))]
    x0, x1 = int(grid.crosslines[4]), int(grid.crosslines[12])
    boxes = [f"{i},{x0},100\n{i},{x1},100\n{i},{x1},140\n{i},{x0},140\n" for i in grid.inlines]
    (tmp_path / "salt.csv").write_text("il,xl,time\n" + "\n".join(boxes))
    return {
        "horizons": {"files": [str(path) for path in files], "below": True},
        "bodies": {"files": [str(tmp_path / "salt.csv")]},
    }


@pytest.fixture
def config(made: Made, tmp_path: Path, labels: dict[str, Any]) -> Path:
    path = configured(made, tmp_path / "horizons.yaml", labels=labels, classes=CLASSES)
    tree = yaml.safe_load(path.read_text())
    tree["train"]["epochs"] = 1
    path.write_text(yaml.safe_dump(tree))
    return path


def test_the_whole_road_from_horizons(made: Made, run: Run, tmp_path: Path, config: Path):
    inspected = run("inspect", config, "--json")
    assert inspected.exit_code == 0, inspected.stderr
    facts = json.loads(inspected.stdout)
    assert {Path(path).name for path in facts["files"]} == {"amplitude.sgy", "a.dat", "b.dat", "salt.csv"}
    assert facts["classes"] == CLASSES
    assert all(share > 0 for share in facts["class_shares"]["train"])
    folder = tmp_path / "run"
    trained = run("train", "--config", config, "--output", folder)
    assert trained.exit_code == 0, trained.stderr
    scored = run("eval", "--checkpoint", folder / "checkpoints" / "best.ckpt", "--json")
    assert scored.exit_code == 0, scored.stderr
    assert list(json.loads(scored.stdout)["class_accuracy"]) == CLASSES
    again = load_config(folder / "config.yaml")
    assert again.data.labels == load_config(config).data.labels


@pytest.mark.follows("runs/moved_data.py", "--set {}=[{}]")
def test_resuming_notices_another_pick(made: Made, run: Run, tmp_path: Path, config: Path, labels: dict[str, Any]):
    folder = tmp_path / "run"
    assert run("train", "--config", config, "--output", folder).exit_code == 0
    more = ("train", "--config", config, "--output", folder, "--resume", "--set", "train.epochs=2")
    path = Path(labels["horizons"]["files"][1])
    text = path.read_text()
    path.write_text(text.replace(" 90.0", " 98.0", 1))
    changed = run(*more)
    assert changed.exit_code == 2
    assert "the labels differ from those that the run was trained on" in changed.stderr
    path.write_text(text)
    moved = path.rename(tmp_path / "c.dat")
    gone = run(*more)
    assert gone.exit_code == 2
    assert "b.dat: there is no such file or folder; the run was trained on it" in gone.stderr
    assert "--set data.labels.horizons.files=[PATH,PATH]" in gone.stderr
    found = run(*more, "--set", f"data.labels.horizons.files=[{labels['horizons']['files'][0]},{moved}]")
    assert found.exit_code == 0, found.stderr


def test_a_label_volume_of_the_same_horizons_has_the_same_content(
    made: Made, run: Run, tmp_path: Path, config: Path, labels: dict[str, Any]
):
    """A run that was trained on horizons can be scored on the volume that `labels` makes of them."""
    folder = tmp_path / "run"
    assert run("train", "--config", config, "--output", folder).exit_code == 0
    made_of = run("labels", "--volume", made.amplitude, "--horizons", *labels["horizons"]["files"], "--below",
                  "--bodies", *labels["bodies"]["files"], "--output", tmp_path / "l.sgy")  # fmt: skip
    assert made_of.exit_code == 0, made_of.stderr
    scored = run("eval", "--checkpoint", folder / "checkpoints" / "best.ckpt", "--set",
                 f"data.labels={tmp_path / 'l.sgy'}")  # fmt: skip
    assert scored.exit_code == 0, scored.stderr
    assert "the same" in scored.stderr
    assert "differ" not in scored.stderr


@pytest.mark.follows("survey/labels/interpretation.py", "name as many, from top to bottom")
def test_the_number_of_classes_must_be_that_of_the_surfaces(
    made: Made, run: Run, tmp_path: Path, labels: dict[str, Any]
):
    path = configured(made, tmp_path / "c.yaml", labels=labels, classes=["a", "b"])
    refused = run("inspect", path)
    assert refused.exit_code == 2
    assert "names 2 classes, and the horizons and bodies of data.labels make 3: a, b, salt" in refused.stderr
    names = refused.stderr.partition("data.classes: ")[2].partition(";")[0]
    assert load_config(path, [f"data.classes={names}"]).data.classes == ("a", "b", "salt")
    tree = yaml.safe_load(path.read_text())
    tree["data"]["classes"] = json.loads(names)
    path.write_text(yaml.safe_dump(tree))
    assert run("inspect", path).exit_code == 0


def test_labels_of_horizons_are_written_as_they_are_read(config: Path, tmp_path: Path):
    loaded = load_config(config)
    assert isinstance(loaded.data.labels, InterpretationConfig)
    (tmp_path / "again.yaml").write_text(dump_config(loaded))
    assert load_config(tmp_path / "again.yaml") == loaded


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"labels": {"horizon": {"files": ["a"]}}},
            "data.labels.horizon  unknown key; did you mean data.labels.horizons?",
        ),
        ({"labels": {"horizons": {"files": []}}}, "data.labels.horizons.files"),
        ({"labels": {"horizons": {"file": ["a"]}}}, "did you mean data.labels.horizons.files?"),
        ({"labels": {}}, "labels needs horizons, bodies or both"),
        ({"labels": 3}, "data.labels  must be a path"),
        ({"labels": "$UNSET/x.sgy"}, "the variable UNSET"),
        ({"label_values": [0, 1, 2]}, "label_values cannot apply to labels that are made of horizons"),
        ({"split": {"folders": True}}, "split.folders cannot apply to labels that are made of horizons"),
        ({"labels": {"horizons": {"files": ["a"], "max_gap": -1}}}, "data.labels.horizons.max_gap  must be at least 0"),
        ({"labels": {"horizons": {"files": ["a"], "columns": ["ilx"]}}}, "data.labels.horizons.columns"),
    ],
)
def test_problems_are_told_by_their_keys(
    made: Made,
    tmp_path: Path,
    labels: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    told: str,
):
    monkeypatch.delenv("UNSET", raising=False)
    path = configured(made, tmp_path / "c.yaml", **({"labels": labels, "classes": CLASSES} | changes))
    with pytest.raises(ConfigError) as refused:
        load_config(path)
    assert told in refused.value.problem
    assert "mapping" not in refused.value.problem


def test_only_lines_on_which_horizons_are_picked_are_trained_on(made: Made, run: Run, tmp_path: Path):
    """As of any sparse label volume: the split is drawn among them."""
    grid = open_volume(made.amplitude).geometry
    few = Geometry.complete(grid.inlines[3::4], grid.crosslines, grid.samples)
    files = [str(write_surface(tmp_path / f"{name}.dat", few, time)) for name, time in (("a", 20.0), ("b", 90.0))]
    horizons = {"horizons": {"files": files, "below": True}}
    path = configured(made, tmp_path / "c.yaml", labels=horizons, classes=["a", "b"], split={"guard": 1})
    result = run("inspect", path, "--json")
    assert result.exit_code == 0, result.stderr
    facts = json.loads(result.stdout)
    assert 3 <= sum(facts["sections"].values()) <= 10
    assert any("interpreted" in warning and "10" in warning for warning in facts["warnings"]), facts["warnings"]


def test_hashes_cover_every_pick_of_a_large_survey(tmp_path: Path):
    """Of a large volume only some sections are hashed; no pick may change unnoticed."""
    grid = Geometry.complete(range(100), range(40), 5000)
    assert np.prod(grid.shape) > WHOLE

    class Empty(PlacedVolume):
        def __init__(self) -> None:
            self._geometry, self.places, self.path = grid, None, Path("a.sgy")

    def hashed() -> str:
        config = InterpretationConfig(horizons=HorizonsConfig(files=(tmp_path / "a.dat",), below=True))
        return content_hash(interpret(Empty(), config).labels)

    text = write_surface(tmp_path / "a.dat", grid, 400.0).read_text()
    first = hashed()
    (tmp_path / "a.dat").write_text(text.replace("41 7 400.0", "41 7 420.0"))
    assert hashed() != first
    (tmp_path / "a.dat").write_text(text)
    assert hashed() == first


def test_the_page_on_formats_is_valid(tmp_path: Path):
    """Its YAML is a configuration, and its polygons are a body."""
    (text,) = (text for kind, text in fences("docs/formats.md") if kind == "yaml")
    labels = parse_config(yaml.safe_load(text), "formats.md").data.labels
    assert isinstance(labels, InterpretationConfig)
    assert labels.horizons is not None
    (polygons,) = (text for kind, text in fences("docs/formats.md") if kind == "csv")
    (tmp_path / "salt.csv").write_text(polygons)
    grid = Geometry.complete(range(100, 103), range(298, 307), 400)
    body = read_body(tmp_path / "salt.csv", grid, BodiesConfig(files=(tmp_path / "salt.csv",)))
    assert {(inline, crossline) for inline, crossline, *_ in body.spans.tolist()} == {(0, at) for at in range(3, 7)}
