"""Interface of class heads on SAM: an embedding and the encoded empty prompt come in, class logits go out."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor, nn

from sam_seismic.sam import Sam


class Head(nn.Module, ABC):
    """A class head on SAM's image embedding.

    Each class must have rows of its own along the first axis of a weight, class after class, or modules of its own in a
    list: `class_weights` finds them, so that another training can take them by the name of the class.

    Args:
        config: options of the head, the section `model.head:`.
        sam: the SAM whose mask decoder is used, without copying.
        classes: number of facies.
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
            dense_pe: float[1, 256, h, w], the positional encoding of each token.
            dense_prompt: float[1 or section, 256, h, w], added to the embedding.
            patches: (rows, columns) of the embedding whose logits are needed; None for (h, w).

        Returns:
            float[section, class, 16 / stride * rows, 16 / stride * columns].
        """

    @abstractmethod
    def train_decoder(self, trained: bool) -> None:
        """Train or freeze the modules taken from SAM's mask decoder; new parameters are always trained."""
