"""What every class head on SAM answers: an embedding and the empty prompt come in, one logit plane a class goes out."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor, nn

from sam_seismic.sam import Sam


class Head(nn.Module, ABC):
    """A class head.

    Args:
        config: its options, the section `model.head:`.
        sam: whose decoder is taken over (not copied).
        classes: how many facies.
    """

    stride: ClassVar[int]
    """Pixels of the canvas from one logit to the next."""

    @abstractmethod
    def __init__(self, config: Any, sam: Sam, classes: int) -> None:
        super().__init__()

    @abstractmethod
    def forward(
        self,
        embedding: Tensor,
        dense_pe: Tensor,
        dense_prompt: Tensor,
        *,
        patches: tuple[int, int] | None = None,
    ) -> Tensor:
        """Logits of every class.

        Args:
            embedding: float[section, 256, h, w], from the image encoder.
            dense_pe: float[1, 256, h, w], the position of each place.
            dense_prompt: float[1 or section, 256, h, w], added to the embedding.
            patches: (rows, columns) of the embedding that logits are wanted of; None for (h, w).

        Returns:
            float[section, class, 16 / stride * rows, 16 / stride * columns].
        """

    @abstractmethod
    def train_decoder(self, trained: bool) -> None:
        """Let what is SAM's own of the head train, or freeze it; what is new always trains."""
