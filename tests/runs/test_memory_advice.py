"""An out-of-memory error lists remedies in order, without options that are set already."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sam_seismic.config import Config
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.errors import UserError
from sam_seismic.runs.memory_advice import memory_advice, predicting_remedies, training_remedies
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.tasks.checkpoint import CheckpointMetadata

CUDA = (
    "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 15.77 GiB of which 1.2 GiB is free."
)


def configured(**parts: dict[str, object]) -> Config:
    return Config.model_validate({"data": {"source": "synthetic"}, **parts})


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (torch.OutOfMemoryError(CUDA), "out of memory on the GPU: 2.50 GiB more were needed"),
        (RuntimeError("CUDA error: out of memory"), "out of memory on the GPU"),
        (MemoryError("Unable to allocate 3 GiB"), "out of memory on this machine"),
    ],
)
def test_out_of_memory_becomes_a_user_error(error: Exception, message: str):
    with pytest.raises(UserError) as found, memory_advice(["less of a", "less of b"]):
        raise error
    assert found.value.problem == message
    assert found.value.fix == "try these in turn, until it fits: less of a; less of b"
    assert found.value.__cause__ is error


def test_messages_of_the_allocators_are_recognised():
    """The real messages, which change between versions."""
    message = r"out of memory on this machine: 1048576\.00 GiB more were needed"
    with pytest.raises(UserError, match=message), memory_advice([]):
        torch.empty(1 << 50, dtype=torch.uint8)
    with pytest.raises(UserError, match="out of memory on this machine"), memory_advice([]):
        np.empty(1 << 50, np.uint8)


def test_other_errors_are_not_changed():
    with pytest.raises(RuntimeError, match="shapes"), memory_advice(["less"]):
        raise RuntimeError("shapes do not match")


def test_notes_of_a_resumable_job_are_preserved():
    error = torch.OutOfMemoryError(CUDA)
    error.add_note("4 of 40 steps are finished")
    with pytest.raises(UserError) as found, memory_advice([]):
        raise error
    assert found.value.__notes__ == ["4 of 40 steps are finished"]


def test_order_of_remedies_for_training():
    config = configured(
        model={"size": "vit_h", "encoder": {"kind": "last_blocks", "blocks": 4}},
        train={"batch_size": 8, "cache": False},
        input={"jitter": 0.1},
    )
    assert training_remedies(config) == [
        "--set train.batch_size=4",
        "--set input.canvas=tight",
        "--set trainer.precision=bf16-mixed",
        "--set model.encoder.checkpointing=true",
        "--set train.cache=true --set input.jittered_copies=3",
        "--set model.size=vit_l",
    ]


def test_remedies_that_are_set_or_cannot_apply_are_omitted():
    done = configured(
        model={"size": "vit_b", "encoder": {"kind": "full", "checkpointing": True}},
        train={"batch_size": 1},
        input={"canvas": "tight"},
        trainer={"precision": "16-mixed"},
    )
    assert training_remedies(done) == []
    frozen = configured(model={"size": "vit_b"}, train={"batch_size": 1}, input={"canvas": "tight", "fit": "resize"})
    assert training_remedies(frozen) == ["--set input.side=512", "--set trainer.precision=bf16-mixed"]
    assert training_remedies(frozen, encoding=6) == ["--batch-size 3", *training_remedies(frozen)]


@pytest.mark.parametrize("remedy", ["input.side=512", "train.cache=true", "input.canvas=tight", "model.size=vit_l"])
def test_remedies_are_valid_keys(remedy: str, tmp_path: Path):
    key, _, value = remedy.partition("=")
    section, _, name = key.partition(".")
    given = {section: {name: True if value == "true" else int(value) if value.isdigit() else value}}
    assert str(getattr(getattr(configured(**given), section), name)).lower() == value


def metadata_of(config: Config) -> CheckpointMetadata:
    return CheckpointMetadata(
        data=config.data,
        inputs=config.input,
        model=config.model,
        facies=FaciesTable(("sand", "shale")),
        scale=AmplitudeScale(center=0.0, clip=1.0),
        split=(),
        weights_hash=None,
        version="0.1.0",
    )


def test_remedies_for_predicting_name_those_that_need_training():
    metadata = metadata_of(configured(model={"size": "vit_l"}))
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    assert predicting_remedies(metadata, batch_size=2, precision="32", device=gpu) == [
        "--batch-size 1",
        "--precision bf16",
        "--device cpu",
        "a checkpoint that was trained with --set input.canvas=tight",
        "a checkpoint that was trained with --set model.size=vit_b",
    ]
    small = metadata_of(configured(model={"size": "vit_b"}, input={"canvas": "tight"}))
    assert predicting_remedies(small, batch_size=1, precision="16", device=cpu) == []
    with pytest.raises(UserError, match="use a machine with more memory"), memory_advice([]):
        raise MemoryError
