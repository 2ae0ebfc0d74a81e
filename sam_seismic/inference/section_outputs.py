"""Probabilities of a section come in; what each result gets of them goes out, on any process, ready to be written."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import UserError
from sam_seismic.inference.merge import CrosslineProbabilities, waiting
from sam_seismic.inference.products import Probabilities, Product
from sam_seismic.survey.images import FolderResult
from sam_seismic.survey.result import Result
from sam_seismic.survey.volume import Orientation, Section


@dataclass(frozen=True, eq=False)
class Output:
    """A result and what it gets of the probabilities of each section."""

    result: Result
    product: Product

    @property
    def as_read(self) -> bool:
        """Whether it keeps each section as it was predicted: a folder has a place for either orientation."""
        return isinstance(self.result, FolderResult)


@dataclass(frozen=True, eq=False)
class SectionOutputs:
    """What a section brings to the results.

    Args:
        section: where it lies; its values are of no use any more.
        products: [sample, trace] for each output, by its position; an output that is not here gets none.
        kept: of a crossline that waits for the inlines through it, float16[inline, class, sample].
    """

    section: Section
    products: dict[int, NDArray[np.generic]]
    kept: NDArray[np.float16] | None = None


def outputs_of(
    section: Section, probabilities: Probabilities, outputs: Sequence[Output], kept: CrosslineProbabilities | None
) -> SectionOutputs:
    """What a section brings to each output.

    Args:
        section: as read.
        probabilities: float32[class, sample, trace]; they may be changed.
        outputs: of the job.
        kept: where crosslines wait, with all that cross this section if it is an inline; None where nothing is merged.

    Raises:
        UserError: the network gave no numbers for it.
    """
    check_no_overflow(section, probabilities)
    products = {
        position: _values(output, probabilities)
        for position, output in enumerate(outputs)
        if kept is None or output.as_read
    }
    if kept is None:
        return SectionOutputs(section, products)
    if section.orientation is Orientation.CROSSLINE:
        return SectionOutputs(section, products, waiting(probabilities))
    mean = kept.average(section, probabilities)
    merged = {position: _values(output, mean) for position, output in enumerate(outputs) if not output.as_read}
    return SectionOutputs(section, products | merged)


def check_no_overflow(section: Section, probabilities: Probabilities) -> None:
    """Refuse what is no number: it would become the first class.

    Raises:
        UserError: the network gave no numbers for the section.
    """
    if not np.isfinite(probabilities.sum()):
        raise UserError(
            problem=f"{section.name}: the network overflows, and gives no numbers for it",
            fix="--precision bf16 or 32 in place of 16; with these the checkpoint itself is damaged",
        )


def _values(output: Output, probabilities: Probabilities) -> NDArray[np.generic]:
    return output.product.of(probabilities).astype(output.result.dtype, copy=False)
