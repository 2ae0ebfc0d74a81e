"""Every configuration that is shipped trains through the command in its first comment, on small files in its format."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam_seismic.survey import catalog
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.synthetic import SyntheticSurvey, model_survey
from tests.cli.running import Run

CONFIGS = Path(__file__).parents[2] / "configs"
# The same experiment, small: a canvas of 64 pixels, one epoch on few lines, no half precision on the CPU.
SMALL = (
    *("--set", "input={fit: resize, side: 64}", "--set", "model={size: vit_t, weights: random, encoder: full}"),
    *("--set", "train.epochs=1", "--set", "data.every=9"),
    *("--set", "trainer={accelerator: cpu}", "--set", "data.workers=0"),
)


@pytest.fixture
def survey() -> SyntheticSurvey:
    return model_survey((48, 36, 40), 2)


def make_segy(survey: SyntheticSurvey, _: pytest.MonkeyPatch) -> None:
    """What configs/segy.yaml asks for: three classes."""
    Path("data").mkdir()
    write_segy(Path("data/amplitude.sgy"), survey.amplitude, survey.geometry)
    write_segy(Path("data/labels.sgy"), survey.labels // 2, survey.geometry, format="int8")


def make_f3(survey: SyntheticSurvey, monkeypatch: pytest.MonkeyPatch) -> None:
    """The training volume of the benchmark under its own names, float64 and uint8."""
    known = catalog.F3_VOLUMES["train"]
    small = catalog.F3Volume(known.files, survey.amplitude.shape, known.first_inline, known.first_crossline)
    monkeypatch.setattr(catalog, "F3_VOLUMES", {**catalog.F3_VOLUMES, "train": small})
    for file, values in zip(known.files, (survey.amplitude.astype(np.float64), survey.labels), strict=True):
        path = Path("data/f3") / file
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, values)


def make_seam_ai(survey: SyntheticSurvey, monkeypatch: pytest.MonkeyPatch) -> None:
    """The training volume of the challenge under its own names; labels are 1 to 6."""
    known = catalog.SEAM_AI_VOLUMES["train"]
    small = catalog.SeamAIVolume(known.segy, known.npz, survey.amplitude.shape)
    monkeypatch.setattr(catalog, "SEAM_AI_VOLUMES", {**catalog.SEAM_AI_VOLUMES, "train": small})
    Path("data/seam_ai").mkdir(parents=True)
    write_segy(Path("data/seam_ai") / known.segy[0], survey.amplitude, survey.geometry)
    write_segy(Path("data/seam_ai") / known.segy[1], survey.labels + 1, survey.geometry, format="int8")


def make_penobscot(survey: SyntheticSurvey, _: pytest.MonkeyPatch) -> None:
    """Inlines, file names and the eight classes of the real pair."""
    Path("data/penobscot").mkdir(parents=True)
    first = 1075 - int(survey.geometry.inlines[0])
    geometry = type(survey.geometry).complete(
        survey.geometry.inlines + first, survey.geometry.crosslines, survey.geometry.samples
    )
    write_segy(Path("data/penobscot/penobscot_amplitude.sgy"), survey.amplitude, geometry)
    labels = survey.labels.copy()
    labels[..., -4:-2], labels[..., -2:] = 6, 7
    write_segy(Path("data/penobscot/penobscot_labels.sgy"), labels, geometry, format="int8")


def make_f3_sections(survey: SyntheticSurvey, _: pytest.MonkeyPatch) -> None:
    """An inline and a crossline as 8-bit pictures."""
    gray = np.clip(survey.amplitude * 30 + 128, 0, 255).astype(np.uint8)
    for kind, values in (("images", gray), ("labels", survey.labels)):
        folder = Path("data/f3_sections") / kind
        folder.mkdir(parents=True)
        Image.fromarray(values[5].T).save(folder / "il_100.png")
        Image.fromarray(values[:, 9].T).save(folder / "xl_1001.png")


def make_nothing(_: SyntheticSurvey, __: pytest.MonkeyPatch) -> None:
    """The demo's survey is modelled."""


MAKERS: dict[str, Callable[[SyntheticSurvey, pytest.MonkeyPatch], None]] = {
    "segy": make_segy,
    "f3": make_f3,
    "seam_ai": make_seam_ai,
    "penobscot": make_penobscot,
    "f3_sections": make_f3_sections,
    "demo": make_nothing,
}


def test_every_configuration_is_tried():
    assert set(MAKERS) == {path.stem for path in CONFIGS.glob("*.yaml")}


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize("name", MAKERS)
def test_it_trains(name: str, survey: SyntheticSurvey, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    MAKERS[name](survey, monkeypatch)
    words = (CONFIGS / f"{name}.yaml").read_text().splitlines()[0].removeprefix("# sam-seismic ").split()
    assert words == ["train", "--config", f"configs/{name}.yaml"]
    # Crosslines of the large surveys would take most of the time; the loose sections are one of each.
    inline = () if name == "f3_sections" else ("--set", "data.orientation=inline")
    result = run("train", "--config", CONFIGS / f"{name}.yaml", *SMALL, *inline)
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "runs" / name / "checkpoints" / "best.ckpt").is_file()


def test_seam_ai_classes_come_back_as_their_label_values(
    survey: SyntheticSurvey, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Indices 0 to 5 inside, label values 1 to 6 in every file that is written."""
    monkeypatch.chdir(tmp_path)
    make_seam_ai(survey, monkeypatch)
    run("train", "--config", CONFIGS / "seam_ai.yaml", *SMALL, "--output", "run")
    arguments = ("--input", "data/seam_ai/TrainingData_Image.segy", "--output", "facies.npy")
    assert run("predict", "--checkpoint", "run/checkpoints/best.ckpt", *arguments).exit_code == 0
    written = np.load("facies.npy")
    assert written.dtype == np.int8
    assert set(np.unique(written)) <= {1, 2, 3, 4, 5, 6}
