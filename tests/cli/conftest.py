"""A small survey as SEG-Y and a run trained on it, made once for all tests of the command line."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
import yaml

from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.synthetic import model_survey
from tests.cli.running import Made, Run, Undisturbed, hashes, invoke, predicting


@pytest.fixture
def run() -> Run:
    return invoke


@pytest.fixture
def pictures() -> None:
    """Asked for by tests whose trainings draw their pictures, as those of users do."""


@pytest.fixture(autouse=True)
def few_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other trainings draw none in this process: it takes longer than all the rest of such small ones."""
    if "pictures" not in request.fixturenames:
        monkeypatch.setattr("sam_seismic.workflows.train.draw_run", lambda *_, **__: None)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    survey = model_survey((40, 32, 48), 1)
    amplitude, labels = folder / "amplitude.sgy", folder / "labels.sgy"
    write_segy(amplitude, survey.amplitude, survey.geometry, format="ieee")
    write_segy(labels, survey.labels, survey.geometry, format="int8")
    config = folder / "small.yaml"
    config.write_text(yaml.safe_dump(small_config(amplitude, labels, survey.facies.names)))
    result = invoke("train", "--config", config, "--output", folder / "run")
    assert result.exit_code == 0, result.stderr
    return Made(amplitude, labels, config, folder / "run")


@pytest.fixture(scope="session")
def undisturbed(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    @cache
    def predicted(ending: str, orientation: str) -> dict[str, str]:
        folder = tmp_path_factory.mktemp("undisturbed")
        assert invoke(*predicting(made, folder, ending, orientation)).exit_code == 0
        return hashes(folder)

    return predicted


def small_config(amplitude: Path, labels: Path, classes: Sequence[str]) -> dict[str, object]:
    return {
        "data": {
            "amplitude": str(amplitude),
            "labels": str(labels),
            "classes": list(classes),
            "orientation": "inline",
            "split": {"val": 0.15, "test": 0.15, "guard": 2},
            "every": 4,
        },
        "input": {"fit": "pad", "side": 64},
        "model": {"size": "vit_t", "weights": "random", "encoder": "full"},
        "train": {"epochs": 2, "batch_size": 2},
        "trainer": {"accelerator": "cpu"},
    }
