"""An older run is not lost if the run that should replace it is killed at any time."""

from pathlib import Path

import pytest

from sam_seismic.config import Config
from sam_seismic.errors import UserError
from sam_seismic.runs.run_folder import RunFolder

DATA = {"source": "synthetic"}
SMALL = {"size": "vit_t", "weights": "random"}


def older_run(path: Path) -> RunFolder:
    folder = RunFolder(path)
    folder.write_config(Config.model_validate({"data": DATA, "model": SMALL}))
    folder.checkpoints.mkdir()
    folder.last.write_text("the older one")
    return folder


def killed_while_replacing(folder: RunFolder) -> None:
    """Leave the files of a process that was killed before its first checkpoint."""
    folder._move_away()
    folder.config.write_text("half of the new one")
    (folder.path / "tensorboard").mkdir()
    (folder.path / "tensorboard" / "events").touch()


def test_failed_replacements_restore_the_older_run(tmp_path: Path):
    """After a killed and a failed replacement, the first run is complete again."""
    folder = older_run(tmp_path / "run")
    before = folder.config.read_text()
    killed_while_replacing(folder)
    with pytest.raises(UserError, match="the run that was to be replaced"):
        folder.check_resume(Config.model_validate({"data": DATA, "model": SMALL}))
    folder.check_new(overwrite=True)
    with folder.replacing_run():
        assert not folder.config.exists()
        folder.write_config(Config.model_validate({"data": DATA, "model": SMALL, "train": {"epochs": 3}}))
    assert folder.config.read_text() == before
    assert folder.last.read_text() == "the older one"
    assert {path.name for path in folder.path.iterdir()} == {"config.yaml", "checkpoints"}


def test_a_replacement_with_a_checkpoint_removes_the_older_run(tmp_path: Path):
    folder = older_run(tmp_path / "run")
    killed_while_replacing(folder)
    with folder.replacing_run():
        folder.checkpoints.mkdir()
        folder.last.write_text("the new one")
    assert folder.last.read_text() == "the new one"
    assert not folder.older_run.exists()


def test_a_run_of_an_older_version_resumes_without_a_cache(tmp_path: Path):
    """Its configuration has jitter, the default then, and no `train.cache` key."""
    folder = older_run(tmp_path / "run")
    now = {"data": DATA, "model": SMALL, "input": {"jitter": 0.1}, "train": {"cache": False}}
    config = Config.model_validate(now)
    folder.write_config(config)
    older = "\n".join(line for line in folder.config.read_text().splitlines() if "cache" not in line)
    folder.config.write_text(older)
    folder.check_resume(config)
