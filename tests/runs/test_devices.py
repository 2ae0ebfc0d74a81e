"""The encoder in half precision: everywhere it is run, with nearly the same result, and nothing else is touched."""

import numpy as np
import pytest
import torch

from sam_seismic.config import DataConfig, InputConfig, ModelConfig
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.inference import predict_sections
from sam_seismic.runs.devices import Precision, hold_encoder
from sam_seismic.sam import build_sam
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.volume import Orientation, Section
from sam_seismic.tasks.checkpoint import CheckpointMetadata
from sam_seismic.tasks.facies import FaciesSegmentation


def made_task(**model: object) -> FaciesSegmentation:
    torch.manual_seed(0)
    metadata = CheckpointMetadata(
        data=DataConfig(source="synthetic"),
        inputs=InputConfig(side=64, fit="resize"),
        model=ModelConfig.model_validate({"size": "vit_t", "weights": "random", **model}),
        facies=FaciesTable(("sand", "shale", "salt")),
        scale=AmplitudeScale(center=0.0, clip=3.0),
        split=(),
        weights_hash=None,
        version="0.1.0",
    )
    return FaciesSegmentation(build_sam("vit_t"), metadata).eval()


@pytest.mark.parametrize(
    "model",
    [{"encoder": "frozen"}, {"encoder": "last_blocks", "blocks": 2}, {"encoder": "full"}],
    ids=lambda model: model["encoder"],
)
@pytest.mark.parametrize(
    ("precision", "dtype", "near"),
    [("32", torch.float32, 0), ("bf16", torch.bfloat16, 0.05), ("16", torch.float16, 0.01)],
)
def test_the_encoder_alone_is_held_in_half(
    model: dict[str, object], precision: Precision, dtype: torch.dtype, near: float
):
    """On the CPU, too, and whatever part of it was trained."""
    values = np.random.default_rng(0).normal(size=(70, 90)).astype(np.float32)
    section = Section(Orientation.INLINE, 1, values, np.ones(90, bool))
    task = made_task(**model)
    expected = next(predict_sections(task, [section]))
    hold_encoder(task.image_encoder, precision)
    assert {weights.dtype for weights in task.image_encoder.parameters()} == {dtype}
    others = {name: weights.dtype for name, weights in task.named_parameters() if not name.startswith("image_encoder.")}
    assert set(others.values()) == {torch.float32}
    found = next(predict_sections(task, [section]))
    assert found.dtype == np.float32
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(found, expected, atol=near)
