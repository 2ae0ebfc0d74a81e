"""Interface of priors: the logits of a section come in; they go out with prior knowledge of the section added."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from sam_seismic.survey.splits import SectionRef


class Prior(nn.Module, ABC):
    """Knowledge of a section from training labels alone, without amplitudes, that is added to a network's logits."""

    @abstractmethod
    def forward(self, logits: Tensor, ref: SectionRef) -> Tensor:
        """Logits with the prior.

        Args:
            logits: float32[class, sample, trace] of one section, without padding.
            ref: which section.

        Returns:
            float32[class, sample, trace].
        """
