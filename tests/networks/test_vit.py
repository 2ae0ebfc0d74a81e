"""A plain ViT in place of SAM: logits at their pixels, canvases of several sizes, cut, store and training step."""

import numpy as np
import pytest
import torch

from sam_seismic.config import DataConfig, InputConfig, VitConfig
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.batches import CanvasBatch, EmbeddingBatch, Sample
from sam_seismic.data.canvas import frame_of, on_canvas
from sam_seismic.networks import VitNetwork, build_network
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.splits import SectionRef
from sam_seismic.tasks.checkpoint import CheckpointMetadata
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tuning.embedding_store import weights_hash

INPUTS = InputConfig(side=64, canvas="tight")
LAST = {"kind": "last_blocks", "blocks": 1}


def make_task(**model: object) -> FaciesSegmentation:
    torch.manual_seed(0)
    config = VitConfig.model_validate({"width": 24, "depth": 3, "heads": 2, "encoder": "full"} | model)
    metadata = CheckpointMetadata(
        data=DataConfig(source="synthetic"),
        inputs=INPUTS,
        model=config,
        facies=FaciesTable(("sand", "shale", "salt")),
        scale=AmplitudeScale(0.0, 1.0),
        split=(),
        weights_hash=None,
        version="0",
    )
    return FaciesSegmentation(build_network(config, 3), metadata)


def samples(shapes: list[tuple[int, int]]) -> list[Sample]:
    rng = np.random.default_rng(0)
    found = []
    for shape in shapes:
        frame = frame_of(shape, INPUTS)
        canvas = on_canvas(rng.uniform(-1, 1, shape).astype(np.float32), frame)
        labels = torch.from_numpy(rng.integers(0, 3, shape).astype(np.uint8))
        found.append(Sample(canvas, frame, labels, SectionRef(Orientation.INLINE, 1)))
    return found


def test_logits_are_at_the_pixels_of_their_token():
    """A head that copies one channel of the embedding to all logits of class 0 gives one constant value per patch."""
    network = make_task().network
    assert isinstance(network, VitNetwork)
    embedding = torch.arange(6.0).view(1, 1, 2, 3).expand(1, 24, 2, 3)
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.zero_()
        network.head.weight[:256, 0] = 1.0  # class 0
        logits = network.decode(embedding)
    assert tuple(logits.shape) == (1, 3, 32, 48)
    assert torch.equal(logits[0, 0, ::16, ::16], torch.arange(6.0).view(2, 3))
    assert torch.equal(
        logits[0, 0].view(2, 16, 3, 16).amax(dim=(1, 3)), logits[0, 0].view(2, 16, 3, 16).amin(dim=(1, 3))
    )
    assert not logits[0, 1:].any()
    assert tuple(network.decode(embedding, patches=(1, 2)).shape) == (1, 3, 16, 32)


def test_logits_of_sections_of_several_sizes_have_the_shapes_of_the_sections():
    task = make_task().eval()
    batch = CanvasBatch.of(samples([(40, 50), (64, 20)]))
    with torch.no_grad():
        found = task.section_logits(batch)
    assert [tuple(logits.shape) for logits in found] == [(3, 40, 50), (3, 64, 20)]


def test_a_training_step_changes_the_trained_part_only():
    """In training mode, a frozen batch norm would change its statistics, and dropout would change stored features."""
    task = make_task(encoder=LAST).train()
    before = {name: value.clone() for name, value in task.state_dict().items()}
    batch = CanvasBatch.of(samples([(40, 50), (30, 60)]))
    parameters = [parameter for parameter in task.parameters() if parameter.requires_grad]
    task.loss(task.section_logits(batch), batch).backward()
    assert all(parameter.grad is not None for parameter in parameters)
    torch.optim.SGD(parameters, lr=1.0).step()
    changed = {name for name, value in task.state_dict().items() if not torch.equal(value, before[name])}
    trained = tuple(f"network.{name}." for name in ("image_encoder.blocks.2", "image_encoder.neck", "head"))
    assert all(name.startswith(trained) for name in changed), changed
    assert all(any(name.startswith(prefix) for name in changed) for prefix in trained)


@pytest.mark.parametrize("encoder", ["frozen", LAST])
def test_stored_features_give_the_logits_of_the_canvas(encoder: object):
    task = make_task(encoder=encoder).eval()
    cut = task.network.cut
    assert cut is not None
    (sample,) = samples([(40, 50)])
    features = cut.run_frozen(sample.image[None])
    assert tuple(features.shape[1:]) == cut.feature_shape(sample.frame.canvas_shape)
    stored = EmbeddingBatch((features[0].half(),), (sample.frame,), (sample.ref,))
    with torch.no_grad():
        expected, found = (task.section_logits(each)[0] for each in (CanvasBatch.of([sample]), stored))
    torch.testing.assert_close(found, expected, atol=2e-2, rtol=2e-2)


def test_frozen_weights_have_a_hash():
    """Also the number of batches that the batch norm has seen, which has no dimension."""
    hashes = []
    for seen in (0, 0, 1):
        cut = make_task(encoder="frozen").network.cut
        assert cut is not None
        (counter,) = (tensor for _, tensor in cut.frozen_weights() if tensor.ndim == 0)
        counter.fill_(seen)
        hashes.append(weights_hash(cut))
    assert hashes[0] == hashes[1] != hashes[2]


def test_the_encoder_is_converted_to_half_precision():
    task = make_task(encoder="frozen").eval()
    (sample,) = samples([(40, 50)])
    with torch.no_grad():
        exact = task.section_logits(CanvasBatch.of([sample]))[0]
        task.network.set_encoder_precision(torch.bfloat16)
        found = task.section_logits(CanvasBatch.of([sample]))[0]
    assert {each.dtype for each in task.network.image_encoder.parameters()} == {torch.bfloat16}
    torch.testing.assert_close(found, exact, atol=0.1, rtol=0.1)
    assert not torch.equal(found, exact)
