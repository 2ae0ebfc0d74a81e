"""What the README tells people to type works: its commands run as they stand."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from sam_seismic.sam import weights
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation
from tests.cli.running import Made, Run
from tests.docs.pages import commands


def test_there_are_commands_to_try():
    assert {words[0] for words in commands("README.md", "")} >= {
        *("inspect", "labels", "weights", "train", "eval", "predict", "score")
    }


@pytest.mark.usefixtures("pictures")
def test_the_commands_run_in_their_order(made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A survey under the README's names, and a small network in place of ViT-B, whose weights are not fetched here."""
    monkeypatch.chdir(tmp_path)
    lay_out(made)
    monkeypatch.setattr(weights, "fetch", lambda name, folder, *, progress: Path(f"{name}.pth"))
    for words in commands("README.md", ""):
        result = run(*words)
        assert result.exit_code == 0, f"{words}: {result.stderr}"
    assert Path("runs/my_survey/test/metrics.json").is_file()


def lay_out(made: Made) -> None:
    """The small survey, two horizons, pictures of two lines and its configuration, under the names of the pages."""
    shutil.copy(made.amplitude, "amplitude.sgy")
    shutil.copy(made.labels, "labels.sgy")
    grid = open_volume(made.amplitude).geometry
    for name, time in (("top", 40), ("chalk", 100)):
        rows = [f"{inline} {crossline} {time}" for inline in grid.inlines for crossline in grid.crosslines]
        Path(f"{name}.dat").write_text("\n".join(["IL XL TWT", *rows]))
    labels = open_volume(made.labels)
    Path("few_lines").mkdir()
    for line in labels.geometry.inlines[[2, -2]].tolist():
        values = labels.section(Orientation.INLINE, line).values.astype(np.uint8)  # [sample, trace]
        Image.fromarray(values).save(f"few_lines/il_{line}.png")
    config = yaml.safe_load(made.config.read_text())
    config["model"]["encoder"] = "frozen"  # as of the pages
    Path("my_survey.yaml").write_text(yaml.safe_dump(config))
