"""Interface of losses: each section gives a vector of partial results; the sum of all vectors gives the loss."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor


class Loss(ABC):
    """A loss over the labelled voxels of many sections, which may lie in several batches and on several ranks.

    `partial` reads one section at a time, which fits the processor's cache. Partial results are vectors that can be
    added: over sections, batches and ranks. `total` computes the loss from their sum. Each loss defines the content of
    its vector, whose length depends only on the number of classes.

    Args:
        config: options of the loss.
    """

    def __init__(self, config: Any) -> None:
        self.config = config

    @abstractmethod
    def partial(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Partial result of one section.

        Args:
            logits: float[class, voxel].
            labels: uint8[voxel], class indices; IGNORE is not counted.

        Returns:
            float32[k].
        """

    @abstractmethod
    def total(self, sums: Tensor) -> Tensor:
        """The loss of all sections whose partial results were added: a scalar.

        It is 0, with a gradient of 0, if no voxel has a label.

        Args:
            sums: float32[k], the sum of the partial results.
        """
