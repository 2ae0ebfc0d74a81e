"""An older run is never lost to one that was to replace it, whenever that one is killed."""

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
    """What a process leaves that is killed before its first checkpoint."""
    folder._move_away()
    folder.config.write_text("half of the new one")
    (folder.path / "tensorboard").mkdir()
    (folder.path / "tensorboard" / "events").touch()


def test_a_second_replacement_keeps_the_older_run(tmp_path: Path):
    """Killed once, failed once: the run that was there first is there again, whole."""
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


def test_a_replacement_that_has_a_checkpoint_replaces(tmp_path: Path):
    folder = older_run(tmp_path / "run")
    killed_while_replacing(folder)
    with folder.replacing_run():
        folder.checkpoints.mkdir()
        folder.last.write_text("the new one")
    assert folder.last.read_text() == "the new one"
    assert not folder.older_run.exists()


def test_a_run_of_an_older_version_can_go_on_without_a_cache(tmp_path: Path):
    """Its configuration has jitter, once the default, and knows nothing of what is kept."""
    folder = older_run(tmp_path / "run")
    now = {"data": DATA, "model": SMALL, "input": {"jitter": 0.1}, "train": {"cache": False}}
    config = Config.model_validate(now)
    folder.write_config(config)
    older = "\n".join(line for line in folder.config.read_text().splitlines() if "cache" not in line)
    folder.config.write_text(older)
    folder.check_resume(config)
