"""What every loss answers: what it needs to know of one section, and what it makes of the sum over all of them."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor


class Loss(ABC):
    """A loss over the labelled voxels of many sections, which may lie in several batches and on several ranks.

    `partial` sees one section at a time, which stays in the processor's cache. Partial results are vectors that can be
    added up: over sections, over batches and over ranks. `total` makes one number of their sum. Each loss decides what
    its vector holds; its length depends on nothing but the number of classes.

    Args:
        config: its options.
    """

    def __init__(self, config: Any) -> None:
        self.config = config

    @abstractmethod
    def partial(self, logits: Tensor, labels: Tensor) -> Tensor:
        """What one section adds.

        Args:
            logits: float[class, voxel].
            labels: uint8[voxel], class indices; IGNORE does not count.

        Returns:
            float32[k].
        """

    @abstractmethod
    def total(self, sums: Tensor) -> Tensor:
        """The loss of all sections whose partial results were added up: a scalar.

        It is 0, with a gradient of 0, where no voxel has a label.

        Args:
            sums: float32[k].
        """
