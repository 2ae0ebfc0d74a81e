"""Fixtures: a small task and its metadata."""

import numpy as np
import pytest
import torch

from sam_seismic.config import DataConfig, InputConfig, SamConfig
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.networks import build_network
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.tasks.checkpoint import CheckpointMetadata
from sam_seismic.tasks.facies import FaciesSegmentation


@pytest.fixture
def metadata() -> CheckpointMetadata:
    return CheckpointMetadata(
        data=DataConfig(source="synthetic"),
        inputs=InputConfig(side=64),
        model=SamConfig(size="vit_t", weights="random", encoder="frozen", decoder="full"),
        facies=FaciesTable(("sand", "shale", "salt"), (1, 2, 6), (0, 255)),
        scale=AmplitudeScale(center=0.0, clip=np.pi),
        split=("train: 1 inline", "val: 1 inline"),
        weights_hash=None,
        version="0.1.0",
    )


@pytest.fixture
def task(metadata: CheckpointMetadata) -> FaciesSegmentation:
    torch.manual_seed(0)
    return FaciesSegmentation(build_network(metadata.model, 3), metadata)
