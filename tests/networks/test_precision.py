"""The encoder in half precision gives nearly the same prediction, and no other weights are converted."""

import numpy as np
import pytest
import torch

from sam_seismic.config import DataConfig, InputConfig, Precision, SamConfig
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.inference import predict_sections
from sam_seismic.networks import build_network
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.volume import Section
from sam_seismic.tasks.checkpoint import CheckpointMetadata
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tuning.precision import ENCODER_DTYPES


def make_task(**model: object) -> FaciesSegmentation:
    torch.manual_seed(0)
    metadata = CheckpointMetadata(
        data=DataConfig(source="synthetic"),
        inputs=InputConfig(side=64, fit="resize"),
        model=SamConfig.model_validate({"size": "vit_t", "weights": "random", **model}),
        facies=FaciesTable(("sand", "shale", "salt")),
        scale=AmplitudeScale(center=0.0, clip=3.0),
        split=(),
        weights_hash=None,
        version="0.1.0",
    )
    return FaciesSegmentation(build_network(metadata.model, 3), metadata).eval()


@pytest.mark.parametrize(
    "model",
    [{"encoder": "frozen"}, {"encoder": {"kind": "last_blocks", "blocks": 2}}, {"encoder": "full"}],
    ids=["frozen", "last_blocks", "full"],
)
@pytest.mark.parametrize(
    ("precision", "dtype", "tolerance"),
    [("32", torch.float32, 0), ("bf16", torch.bfloat16, 0.05), ("16", torch.float16, 0.01)],
)
def test_only_the_encoder_is_converted_to_half_precision(
    model: dict[str, object], precision: Precision, dtype: torch.dtype, tolerance: float
):
    """On the CPU, for every tuning method."""
    values = np.random.default_rng(0).normal(size=(70, 90)).astype(np.float32)
    section = Section(Orientation.INLINE, 1, values, np.ones(90, bool))
    task = make_task(**model)
    expected = next(predict_sections(task, [section]))
    encoder = task.network.image_encoder
    task.network.set_encoder_precision(ENCODER_DTYPES[precision])
    assert {weights.dtype for weights in encoder.parameters()} == {dtype}
    others = {name: weights.dtype for name, weights in task.named_parameters() if "image_encoder." not in name}
    assert set(others.values()) == {torch.float32}
    found = next(predict_sections(task, [section]))
    assert found.dtype == np.float32
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(found, expected, atol=tolerance)
