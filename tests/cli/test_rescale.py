"""`predict` and `eval` tell of amplitudes unlike those of the training, and --rescale scales them by their own."""

import json
from pathlib import Path

import numpy as np
import pytest
import segyio

from sam_seismic.config import ReadOptions
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.segy import write_segy
from tests.cli.running import Made, Run, configured, hashes, noting
from tests.cli.test_shared import tasks
from tests.programs import completed

GAIN = 2.0**-10
"""A power of two, so that scaled amplitudes are the same bits whatever they were multiplied by before."""
UNLIKE = "note: AMPLITUDES UNLIKE THOSE OF THE TRAINING"


@pytest.fixture(scope="module")
def quiet(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The survey of the training with other amplitudes and another sample interval."""
    volume = open_volume(made.amplitude, ReadOptions())
    values = np.stack([volume.section(Orientation.INLINE, int(line)).values.T for line in volume.geometry.inlines])
    path = tmp_path_factory.mktemp("quiet") / "quiet.sgy"
    write_segy(path, values * np.float32(GAIN), volume.geometry, format="ieee")
    return path


def predicting(made: Made, volume: Path, folder: Path, *more: str) -> list[str]:
    given = ("predict", "--checkpoint", made.best, "--input", volume, "--output", folder / "f.sgy", "--probabilities",
        folder / "p.sgy", "--device", "cpu", *more)  # fmt: skip
    return [str(word) for word in given]


@pytest.fixture(scope="module")
def rescaled(made: Made, quiet: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What predict makes of that survey, in one go."""
    folder = tmp_path_factory.mktemp("rescaled")
    assert completed(predicting(made, quiet, folder, "--rescale")).returncode == 0
    return hashes(folder)


def test_the_survey_of_the_training_is_no_news(made: Made, run: Run, tmp_path: Path):
    for words in (predicting(made, made.amplitude, tmp_path), ["eval", "--checkpoint", made.best]):
        found = run(*words)
        assert found.exit_code == 0
        assert "note:" not in found.stderr


def test_predict_tells_and_rescale_undoes_it(
    made: Made, run: Run, quiet: Path, rescaled: dict[str, str], tmp_path: Path
):
    """Rescaled, the same survey in other units has the same classes, to the last bit of their probabilities."""
    told = run(*predicting(made, quiet, tmp_path / "told"))
    assert told.exit_code == 0
    assert UNLIKE in told.stderr
    assert "--rescale" in told.stderr
    again = run(*predicting(made, made.amplitude, tmp_path / "again", "--rescale"))
    assert again.exit_code == 0
    assert UNLIKE not in again.stderr
    assert "becomes [-1, 1], as 0 +- " in again.stderr
    assert hashes(tmp_path / "again") == rescaled
    assert hashes(tmp_path / "told") != rescaled


def test_a_result_says_that_it_was_rescaled(made: Made, run: Run, tmp_path: Path):
    for name, more in (("as it is", ()), ("rescaled", ("--rescale",))):
        assert run(*predicting(made, made.amplitude, tmp_path / name, *more)).exit_code == 0
        for file in ("f.sgy", "p_salt.sgy"):
            with segyio.open(tmp_path / name / file) as result:
                assert ("HOLD -1; RESCALED" in segyio.tools.wrap(result.text[0])) is (name == "rescaled")


def test_tasks_share_a_rescaled_volume(made: Made, quiet: Path, rescaled: dict[str, str], tmp_path: Path):
    tasks(predicting(made, quiet, tmp_path, "--rescale"), count=2)
    assert hashes(tmp_path) == rescaled


def test_a_resumed_prediction_keeps_its_scale(made: Made, quiet: Path, rescaled: dict[str, str], tmp_path: Path):
    """Without --rescale the rest of the volume would be scaled in another way: that is refused."""
    words = predicting(made, quiet, tmp_path, "--rescale")
    assert completed(words, before=noting(0, killed_after=5)).returncode < 0
    found = completed([*predicting(made, quiet, tmp_path), "--resume"])
    assert found.returncode == 2
    assert "cannot be resumed, these have changed: scale" in found.stderr
    assert completed([*words, "--resume"]).returncode == 0
    assert hashes(tmp_path) == rescaled


def test_eval_tells_and_rescale_undoes_it(made: Made, run: Run, quiet: Path, tmp_path: Path):
    config = configured(made, tmp_path / "quiet.yaml", amplitude=str(quiet))
    scoring = ("eval", "--checkpoint", made.best, "--json")
    assert UNLIKE in run(*scoring, "--config", config).stderr
    own = run(*scoring, "--rescale")
    other = run(*scoring, "--config", config, "--rescale", "--output", tmp_path / "scores")
    assert UNLIKE not in other.stderr
    ours, theirs = json.loads(own.stdout), json.loads(other.stdout)
    assert theirs["confusion"] == ours["confusion"]
    assert theirs["rescaled_to"]["clip"] == ours["rescaled_to"]["clip"] * GAIN
    assert json.loads((tmp_path / "scores" / "metrics.json").read_text())["rescaled_to"] == theirs["rescaled_to"]
    assert "rescaled_to" not in json.loads(run(*scoring).stdout)


def test_a_volume_of_one_value_is_refused(made: Made, run: Run, tmp_path: Path):
    np.save(tmp_path / "constant.npy", np.full((8, 32, 48), 3.0, np.float32))
    found = run(*predicting(made, tmp_path / "constant.npy", tmp_path / "out"))
    assert found.exit_code == 2
    assert "hold no live trace (256 of 256 traces hold 3 alone" in found.stderr
    assert not (tmp_path / "out").exists()


def test_submit_tells_and_passes_it_on(made: Made, run: Run, quiet: Path, tmp_path: Path):
    config = configured(made, tmp_path / "quiet.yaml", amplitude=str(quiet))
    scoring = ["eval", "--checkpoint", str(made.best), "--config", str(config)]
    for words in (predicting(made, quiet, tmp_path), scoring):
        assert UNLIKE in run("submit", "--dry-run", *words).stderr
        found = run("submit", "--dry-run", *words, "--rescale")
        assert UNLIKE not in found.stderr
        assert "--rescale" in found.stdout
