"""The class probabilities of a section come in; the values that each output stores go out, on any rank."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.inference.merge import WaitingCrosslines, as_stored
from sam_seismic.inference.products import Probabilities, Product
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.result import Result
from sam_seismic.survey.volume import Section
from sam_seismic.tasks.finite_numbers import network_overflows


@dataclass(frozen=True, eq=False)
class Output:
    """A file or folder to write, and the product of the class probabilities that it stores."""

    result: Result
    product: Product

    @property
    def unmerged(self) -> bool:
        """Whether it stores each section as it was predicted: a folder can hold sections of both orientations."""
        return self.result.keeps_each_section


@dataclass(frozen=True, eq=False)
class SectionOutputs:
    """The values of one section that are written.

    Args:
        section: that was predicted; its amplitudes are no longer needed.
        values: [sample, trace] for each output, by the position of the output in the list of outputs. A crossline that
            is merged has no values for the outputs that store the mean.
        waiting: probabilities of a crossline that is merged, float16[inline, class, sample]; None for other sections.
    """

    section: Section
    values: dict[int, NDArray[np.generic]]
    waiting: NDArray[np.float16] | None = None


def section_outputs(
    section: Section,
    probabilities: Probabilities,
    outputs: Sequence[Output],
    waiting_crosslines: WaitingCrosslines | None,
) -> SectionOutputs:
    """Compute the values of one section that are written.

    Args:
        section: that was predicted.
        probabilities: float32[class, sample, trace]; the array may be changed.
        outputs: of the prediction.
        waiting_crosslines: None where orientations are not merged. For an inline, it must hold all crosslines.

    Raises:
        UserError: the probabilities are not finite; the section would be given the first class everywhere.
    """
    check_no_overflow(section, probabilities)
    by_position = dict(enumerate(outputs))
    if waiting_crosslines is None:
        return SectionOutputs(section, _values(by_position, probabilities))
    values = _values({position: output for position, output in by_position.items() if output.unmerged}, probabilities)
    if section.orientation is Orientation.CROSSLINE:
        return SectionOutputs(section, values, as_stored(probabilities))
    if values:  # an output of one class is a view of the probabilities, which the mean replaces
        probabilities = probabilities.copy()
    mean = waiting_crosslines.average(section, probabilities)
    merged = {position: output for position, output in by_position.items() if not output.unmerged}
    return SectionOutputs(section, values | _values(merged, mean))


def check_no_overflow(section: Section, probabilities: Probabilities) -> None:
    """Refuse probabilities that are not finite.

    Raises:
        UserError: they are not; the section would be given the first class everywhere.
    """
    if not np.isfinite(probabilities.sum()):
        raise network_overflows(section.name)


def _values(outputs: Mapping[int, Output], probabilities: Probabilities) -> dict[int, NDArray[np.generic]]:
    """Values [sample, trace] for some outputs, by their position."""
    return {
        position: output.product.of(probabilities).astype(output.result.dtype, copy=False)
        for position, output in outputs.items()
    }
