"""Each element of a Slurm array trains the configuration with its number."""

from pathlib import Path

import pytest

from sam_seismic.cli.array_element import ELEMENT, config_of_element
from sam_seismic.errors import UserError
from tests.cli.running import Made, Run

CONFIGS = [Path("a.yaml"), Path("b.yaml"), Path("c.yaml")]


def test_an_element_takes_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(ELEMENT, "1")
    assert config_of_element(CONFIGS) == Path("b.yaml")
    assert config_of_element(CONFIGS[:1]) == Path("a.yaml"), "every element of a script with one configuration uses it"


def test_more_elements_than_configurations(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(ELEMENT, "3")
    with pytest.raises(UserError, match="element 3 of the array") as caught:
        config_of_element(CONFIGS)
    assert caught.value.fix == "submit --array=0-2"


def test_outside_of_an_array_one_is_enough(made: Made, run: Run, tmp_path: Path):
    told = run("train", "--config", made.config, "--config", made.config)
    assert told.exit_code == 2
    assert "2 configurations are given, but one process can use only one" in told.stderr
    assert "--array=0-1" in told.stderr


def test_runs_of_an_array_need_folders_of_their_own(
    made: Made, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv(ELEMENT, "0")
    told = run("train", "--config", made.config, "--config", made.config, "--output", tmp_path / "run")
    assert told.exit_code == 2
    assert "--output cannot apply to several --config" in told.stderr


def test_a_finished_element_is_not_trained_again(made: Made, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """An array that is submitted again runs what is missing; another configuration is another run."""
    task = {"SLURM_JOB_ID": "8", "SLURM_STEP_ID": "0", "SLURM_PROCID": "0", ELEMENT: "0", "SLURM_ARRAY_JOB_ID": "7"}
    for name, value in task.items():
        monkeypatch.setenv(name, value)
    before = (made.run / "metrics.csv").stat().st_mtime_ns
    told = run("train", "--config", made.config, "--output", made.run)
    assert told.exit_code == 0, told.stderr
    assert "finished already" in told.stderr
    assert (made.run / "metrics.csv").stat().st_mtime_ns == before
    other = run("train", "--config", made.config, "--output", made.run, "--set", "train.epochs=3")
    assert other.exit_code == 2
    assert "holds files already" in other.stderr
