"""`train.pictures` leaves a picture an epoch and a film, whatever happens on the way, and changes no weight."""

import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from sam_seismic.report import FilmFigure
from sam_seismic.runs.film import TAG
from tests.cli.running import Made, Run, invoke
from tests.cli.test_stopping import STEPS, same_run, signalled
from tests.programs import completed


def words(made: Made, folder: Path, *more: str) -> list[str]:
    given = ["train", "--config", made.config, "--output", folder, "--set", "train.epochs=3", "--set",
        "train.batch_size=1", *more]  # fmt: skip
    return [str(word) for word in given]


PICTURED = ("--set", "train.pictures=1")


@pytest.fixture(scope="module")
def filmed(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three pictured epochs."""
    folder = tmp_path_factory.mktemp("filmed") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sam_seismic.workflows.train.draw_run", lambda *_, **__: None)
        told = invoke(*words(made, folder, *PICTURED))
    assert told.exit_code == 0
    assert f"film of 3 epochs: {folder / 'report' / 'film.gif'}; " in told.stderr
    assert " % of the training was spent on pictures" in told.stderr
    return folder


def frames(run: Path) -> dict[str, np.ndarray]:
    """The pictures of a run by their names."""
    found = {}
    for path in sorted((run / "report" / "film").iterdir()):
        with Image.open(path) as picture:
            found[path.name] = np.asarray(picture)
    return found


def count(film: Path) -> int:
    with Image.open(film) as animation:
        return getattr(animation, "n_frames", 1)


def same_frames(one: Path, other: Path) -> None:
    mine, theirs = frames(one), frames(other)
    assert mine.keys() == theirs.keys()
    for name, pixels in mine.items():
        np.testing.assert_array_equal(pixels, theirs[name], name)


def test_a_picture_an_epoch_a_film_and_images_for_tensorboard(filmed: Path):
    assert list(frames(filmed)) == [f"epoch_{epoch:04d}.png" for epoch in (1, 2, 3)]
    assert count(filmed / "report" / "film.gif") == 3
    events = EventAccumulator(str(filmed / "tensorboard"))
    events.Reload()
    assert [image.step for image in events.Images(TAG)] == [STEPS, 2 * STEPS, 3 * STEPS]


def test_a_training_is_the_same_bit_by_bit_without_pictures(made: Made, filmed: Path, run: Run, tmp_path: Path):
    told = run(*words(made, tmp_path / "plain"))
    assert told.exit_code == 0
    assert "film" not in told.stderr
    assert not (tmp_path / "plain" / "report").exists()
    same_run(filmed, tmp_path / "plain")


@pytest.mark.parametrize(("what", "at", "kept"), [("training_step", STEPS + 2, 1), ("validation_step", STEPS + 3, 1)])
def test_a_resumed_run_goes_on_with_its_film(
    made: Made, filmed: Path, run: Run, tmp_path: Path, what: str, at: int, kept: int
):
    folder = tmp_path / "run"
    with signalled(what, signal.SIGTERM, at=at):
        stopped = run(*words(made, folder, *PICTURED))
    assert stopped.exit_code == 2
    assert len(frames(folder)) == count(folder / "report" / "film.gif") == kept, "a film of what there is"
    later = folder / "report" / "film" / "epoch_0002.png"
    later.write_bytes(b"of an epoch that is trained again")
    stale = later.with_name("epoch_0009.png")
    stale.touch()
    assert run(*words(made, folder, *PICTURED, "--resume")).exit_code == 0
    same_frames(filmed, folder)
    assert count(folder / "report" / "film.gif") == 3


def test_the_first_validation_every_nth_epoch_and_the_last_one(made: Made, run: Run, tmp_path: Path):
    changes = ("--set", "train.epochs=5", "--set", "train.pictures=3", "--set", "data.every=20")
    assert run(*words(made, tmp_path / "run", *changes)).exit_code == 0
    assert list(frames(tmp_path / "run")) == [f"epoch_{epoch:04d}.png" for epoch in (1, 3, 5)]


def test_a_picture_that_cannot_be_drawn_ends_no_training(
    made: Made, filmed: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def failing(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FilmFigure, "pixels", failing)
    told = run(*words(made, tmp_path / "run", *PICTURED))
    assert told.exit_code == 0
    assert told.stderr.count("the picture of an epoch could not be drawn: [Errno 28] No space left on device") == 1
    same_run(filmed, tmp_path / "run")
    assert not (tmp_path / "run" / "report").exists()


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_the_first_of_two_processes_draws_what_the_other_has_validated(made: Made, tmp_path: Path, strategy: str):
    """Of six validation sections the fourth is pictured, which the second process validates."""
    folder, trainer = tmp_path / "run", f"trainer={{accelerator: cpu, devices: 2, strategy: {strategy}}}"
    changes = ("--set", trainer, "--set", "train.epochs=2", *PICTURED)
    ended = completed(words(made, folder, *changes))
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("film of 2 epochs") == 1
    assert "could not be" not in ended.stderr
    assert list(frames(folder)) == ["epoch_0001.png", "epoch_0002.png"]
