"""The place of a prior: the logits of a section come in, and go out with what is known before any amplitude is seen."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from sam_seismic.survey.splits import SectionRef


class Prior(nn.Module, ABC):
    """What is known of a section from the training labels alone, added to a network's logits."""

    @abstractmethod
    def forward(self, logits: Tensor, ref: SectionRef) -> Tensor:
        """Logits with the prior.

        Args:
            logits: float32[class, sample, trace] of one section; padding is gone.
            ref: which section.

        Returns:
            float32[class, sample, trace].
        """
