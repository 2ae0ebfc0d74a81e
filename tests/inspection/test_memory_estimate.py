"""The memory estimates of `inspect` are compared with real networks, gradients and tensors."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from sam_seismic.config import Config
from sam_seismic.inspection.device_memory import DeviceMemory, device_memories, machine_bytes
from sam_seismic.inspection.dry_run import dry_run, meta_task
from sam_seismic.inspection.memory_estimate import MemoryEstimate, prediction_memory, training_memory
from sam_seismic.inspection.op_counter import OpCounter
from sam_seismic.networks import build_network
from sam_seismic.sam import build_sam
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tuning.parameters import count_parameters
from tests.inspection.configurations import FACIES, configured

MIB = 1 << 20
SECTION = (64, 64)


def training(config: Config, shape: tuple[int, int] = SECTION, *, gpu: bool = False) -> MemoryEstimate:
    return training_memory(dry_run(config, FACIES, shape, gpu=gpu), config, gpu=gpu)


def predicting(config: Config, shape: tuple[int, int] = SECTION, *, gpu: bool = False) -> MemoryEstimate:
    return prediction_memory(dry_run(config, FACIES, shape, gpu=gpu), gpu=gpu)


@pytest.mark.parametrize("encoder", ["full", "frozen"])
def test_parameters_are_those_of_the_real_network(encoder: str):
    blank = meta_task(configured(encoder=encoder), FACIES)
    real = FaciesSegmentation(build_network(blank.metadata.model, len(FACIES)), blank.metadata)
    assert count_parameters(blank) == count_parameters(real)
    assert {name: each.shape for name, each in blank.state_dict().items()} == {
        name: each.shape for name, each in real.state_dict().items()
    }
    assert all(each.is_meta for each in blank.parameters())


@pytest.mark.parametrize("encoder", ["full", "frozen"])
def test_weights_gradients_and_moments_have_the_size_of_real_tensors(encoder: str):
    config = configured(encoder=encoder)
    metadata = meta_task(config, FACIES).metadata
    real = FaciesSegmentation(build_network(metadata.model, len(FACIES)), metadata)
    trained = [each for each in real.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(trained)
    for each in trained:
        each.grad = torch.zeros_like(each)
    optimizer.step()
    moments = sum(each.nbytes for state in optimizer.state.values() for each in state.values() if each.ndim)
    found = training(config, (60, 64))
    buffers = sum(each.nbytes for each in real.network.prompt_encoder.buffers())
    weights = sum(each.nbytes for each in real.parameters()) + buffers
    assert found.weights == pytest.approx(weights, rel=1e-4)  # the scores are a buffer of the task, too
    assert found.gradients_and_moments == sum(each.nbytes for each in trained) + moments


def test_a_counter_counts_live_bytes():
    with OpCounter() as counter:
        tensor = torch.zeros(MIB, dtype=torch.float32)
        assert counter.live == 4 * MIB
        view = tensor[10:]
        doubled = view * 2
        assert counter.live == doubled.nbytes + 4 * MIB
        peak = counter.live
        del doubled
        assert (counter.live, counter.peak) == (4 * MIB, peak)


def test_activations_saved_for_the_backward_pass_are_counted():
    """Each of ten layers saves its input until the gradients have been computed."""
    layers = nn.Sequential(*[nn.Sigmoid() for _ in range(10)])
    with OpCounter() as counter:
        x = torch.zeros(MIB, requires_grad=True)
        layers(x)  # nothing holds the result
        assert counter.live == 4 * MIB
        assert counter.peak == pytest.approx(4 * MIB * 11)


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ({"side": 384}, {"side": 256}),
        ({"batch_size": 3}, {"batch_size": 1}),
        ({"encoder": "full"}, {"encoder": "frozen"}),
        ({"side": 512}, {"side": 512, "precision": "bf16-mixed"}),
        ({"side": 256}, {"side": 256, "canvas": "tight"}),
        ({"side": 256}, {"side": 256, "checkpointing": True}),
        ({"side": 256}, {"side": 256, "encoder": "last_blocks", "blocks": 2}),
    ],
    ids=str,
)
@pytest.mark.parametrize("gpu", [False, True])
def test_estimates_grow_with_what_needs_more_memory(more: dict[str, object], less: dict[str, object], gpu: bool):
    def at(changes: dict[str, object]) -> int:
        return training(configured(**({"side": 256} | changes)), gpu=gpu).activations

    assert at(more) > 1.2 * at(less)


@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize("peak", [training, predicting])
def test_attention_scores_take_no_memory(peak: Callable[..., MemoryEstimate], gpu: bool):
    """Four times the tokens take four times the memory; scores of tokens x tokens would take sixteen times."""
    small, large = (peak(configured(side=side), gpu=gpu).activations for side in (256, 512))
    assert 3 * small < large < 5 * small


@pytest.mark.parametrize("peak", [training, predicting])
def test_estimating_allocates_nothing(peak: Callable[..., MemoryEstimate]):
    """vit_h at 1024 x 1024 would need some GB."""
    assert peak(configured(size="vit_h", side=1024), (255, 701)).peak > 4 << 30


def test_frozen_weights_are_counted_in_half_precision():
    """Half precision applies to the image encoder only, not to the decoder and the prompt encoder."""
    whole, half = (training(configured(encoder="frozen", precision=each)).weights for each in ("32-true", "bf16-mixed"))
    encoder = sum(each.nbytes for each in build_sam("vit_t").image_encoder.parameters())
    assert whole - half == encoder // 2


def test_a_store_reduces_activations_and_adds_its_filling():
    large = configured(size="vit_b", encoder="frozen", side=512)
    assert training(large, (300, 500)).filling is not None
    assert (
        training(large, (300, 500)).activations
        < training(
            large.model_copy(update={"train": large.train.model_copy(update={"cache": False})}), (300, 500)
        ).activations
    )
    assert training(configured(encoder="frozen", cache=False)).filling is None
    assert training(configured(encoder="full")).filling is None


@pytest.mark.parametrize("gpu", [False, True])
def test_checkpointing_reduces_activations(gpu: bool):
    """Checkpointing frees activations of blocks; on a GPU, recomputed blocks also use the GPU's attention."""
    full, twice = (training(configured(side=512, checkpointing=each), gpu=gpu) for each in (False, True))
    assert twice.activations < 0.5 * full.activations
    assert twice.gradients_and_moments == full.gradients_and_moments


def test_devices_are_those_that_the_accelerator_may_select(tmp_path: Path):
    assert [device.gpu for device in device_memories("auto")] == [False, True]
    assert [device.gpu for device in device_memories("cpu")] == [False]
    assert [device.gpu for device in device_memories("gpu")] == [True]
    assert (DeviceMemory(gpu=True, total=1).name, DeviceMemory(gpu=False, total=1).name) == ("one GPU", "CPU")
    limit = tmp_path / "memory.max"
    limit.write_text("1048576\n")
    assert machine_bytes(limit) == MIB
    limit.write_text("max\n")
    assert machine_bytes(limit) == machine_bytes(tmp_path / "none") > MIB
