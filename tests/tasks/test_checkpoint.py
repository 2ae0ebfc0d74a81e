"""A checkpoint is complete, is unchanged by saving and loading, and runs no code when it is loaded."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from sam_seismic.errors import WeightsError
from sam_seismic.tasks.checkpoint import CheckpointMetadata, read_checkpoint
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tasks.loading import load_task


def save(task: FaciesSegmentation, path: Path, **changes: Any) -> Path:
    checkpoint: dict[str, Any] = {"state_dict": task.state_dict(), "epoch": 0, "global_step": 1}
    task.on_save_checkpoint(checkpoint)
    torch.save(checkpoint | changes, path)
    return path


def test_a_loaded_task_equals_the_saved_one(task: FaciesSegmentation, tmp_path: Path):
    loaded = load_task(save(task, tmp_path / "best.ckpt"))
    assert loaded.metadata == task.metadata
    assert not loaded.training
    for name, value in task.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name]), name


def test_metadata_is_plain_data(metadata: CheckpointMetadata):
    def plain(value: object) -> bool:
        if isinstance(value, dict):
            return all(isinstance(key, str) and plain(item) for key, item in value.items())
        if isinstance(value, list):
            return all(plain(item) for item in value)
        return value is None or type(value) in (str, int, float, bool)

    assert plain(metadata.as_plain())
    assert CheckpointMetadata.from_plain(metadata.as_plain()) == metadata


class Bomb:
    """Pickles as a call that creates a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.trace,))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_malicious_pickle_is_refused_without_running_it(tmp_path: Path, zipped: bool):
    trace, path = tmp_path / "ran", tmp_path / "bomb.ckpt"
    if zipped:
        torch.save({"state_dict": {}, "sam_seismic": Bomb(trace)}, path)
    else:
        path.write_bytes(pickle.dumps({"state_dict": Bomb(trace)}))
    with pytest.raises(WeightsError) as caught:
        read_checkpoint(path)
    assert "could run code when opened; it was not run" in caught.value.problem
    assert not trace.exists()
    if zipped:
        torch.load(path, weights_only=False)
        assert trace.exists(), "the bomb must be a real one, or this test proves nothing"


def test_other_files_are_refused_as_checkpoints(task: FaciesSegmentation, tmp_path: Path):
    with pytest.raises(WeightsError, match=r"there is no such checkpoint"):
        read_checkpoint(tmp_path / "none.ckpt")
    torch.save({"state_dict": {"a": torch.zeros(1)}}, tmp_path / "other.ckpt")
    with pytest.raises(WeightsError, match=r"not a checkpoint of sam-seismic train: it has no metadata"):
        read_checkpoint(tmp_path / "other.ckpt")
    whole = save(task, tmp_path / "whole.ckpt").read_bytes()
    (tmp_path / "half.ckpt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match=r"half.ckpt: damaged: it ends early"):
        read_checkpoint(tmp_path / "half.ckpt")


def test_metadata_that_does_not_fit_the_weights_is_refused(task: FaciesSegmentation, tmp_path: Path):
    metadata = task.metadata.as_plain()
    metadata["facies"] = {"names": ["a", "b"], "values": [0, 1], "ignored": [255]}
    path = save(task, tmp_path / "odd.ckpt", sam_seismic=metadata)
    with pytest.raises(WeightsError, match=r"its weights do not fit vit_t with 2 classes"):
        load_task(path)
    path = save(task, tmp_path / "older.ckpt", sam_seismic={"version": "9"})
    with pytest.raises(WeightsError, match=r"its metadata cannot be read"):
        load_task(path)
