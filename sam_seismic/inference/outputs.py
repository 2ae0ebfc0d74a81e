"""What a user wants of a prediction goes in; opened results come out, each with what it gets of the probabilities."""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np

from sam_seismic import __version__
from sam_seismic.config.choices import LabelFormat
from sam_seismic.errors import SurveyError
from sam_seismic.files.unfinished import Start
from sam_seismic.inference import Confidence, Entropy, Facies, FaciesIndex, Output, Probability, Product
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.formats import FORMATS, open_result
from sam_seismic.survey.horizons import HorizonTable
from sam_seismic.survey.result import ResultRequest
from sam_seismic.survey.volume import Volume

FLOAT_NULL = -1.0
"""Marks dead traces among probabilities, confidences and entropies, which lie in 0 to 1."""
_LABEL_NULLS = (-1, 255, -128, 127, 254)
"""Marks dead traces among classes: the first one that is no class and has a place in the type, or the lowest such."""


@dataclass(frozen=True)
class OutputRequest:
    """The outputs of a prediction; endings name the formats.

    Args:
        facies: the most probable class.
        probabilities: float32 volumes, one a class, named after it: STEM_CLASS.ENDING.
        confidence: float32, the probability of that class.
        entropy: float32, 0 certain to 1 undecided.
        horizons: CSV, where each class begins on each trace.
        sample_format: how classes are stored; None: int8, or int16 where a label value needs it. Float volumes are IEEE
            unless this is `ibm`.
    """

    facies: Path
    probabilities: Path | None = None
    confidence: Path | None = None
    entropy: Path | None = None
    horizons: Path | None = None
    sample_format: LabelFormat | None = None

    def paths(self, facies: FaciesTable) -> list[Path]:
        """All files that will be written.

        Raises:
            SurveyError: no file can be named after a class.
        """
        planes = {} if self.probabilities is None else probability_paths(self.probabilities, facies)
        others = (self.confidence, self.entropy, self.horizons)
        return [self.facies, *planes.values(), *(path for path in others if path is not None)]


def open_outputs(
    wanted: OutputRequest, source: Volume, facies: FaciesTable, *, overwrite: bool, start: Start
) -> list[Output]:
    """The results of a prediction, facies first, not entered yet.

    Args:
        wanted: what is to be written.
        source: the volume that is predicted.
        facies: the classes.
        overwrite: whether existing files may be replaced.
        start: anew, or resumed.

    Raises:
        SurveyError: an output exists, has no known ending, or cannot hold what it is to get.
    """
    dtype = label_type(facies, wanted.sample_format)
    null = label_null(facies, dtype)

    def result(path: Path, product: Product, kind: np.dtype[np.generic], what: str, null: float) -> Output:
        form = _form(path, wanted.sample_format, kind)
        note = f"{what} BY SAM-SEISMIC {__version__}; DEAD TRACES HOLD {null:g}"
        request = ResultRequest(
            path=path,
            source=source,
            dtype=kind,
            overwrite=overwrite,
            note=note,
            form=form,
            start=start,
            null=null,
        )
        return Output(open_result(request), product)

    outputs = [result(wanted.facies, Facies(facies), dtype, "FACIES", null)]
    floats: list[tuple[Path | None, Product, str]] = []
    if wanted.probabilities is not None:
        planes = probability_paths(wanted.probabilities, facies).items()
        floats = [(path, Probability(facies.names.index(name)), f"PROBABILITY OF {name}") for name, path in planes]
    floats += [(wanted.confidence, Confidence(), "CONFIDENCE"), (wanted.entropy, Entropy(), "ENTROPY")]
    real = np.dtype(np.float32)
    outputs += [result(path, product, real, what, FLOAT_NULL) for path, product, what in floats if path is not None]
    if wanted.horizons is not None:
        table = HorizonTable(wanted.horizons, source, facies, overwrite=overwrite, start=start)
        outputs.append(Output(table, FaciesIndex()))
    return outputs


def _form(path: Path, asked: LabelFormat | None, dtype: np.dtype[np.generic]) -> Literal["ibm"] | None:
    """The SEG-Y format, where the type of the samples does not say it."""
    if asked != "ibm" or dtype.kind != "f":
        return None
    if path.suffix.lower() not in FORMATS["segy"].suffixes:
        raise SurveyError(
            problem=f"{path}: --sample-format ibm cannot apply: IBM floats are found in SEG-Y only",
            fix="--sample-format ieee, or end the name in .sgy",
        )
    return "ibm"


def label_type(facies: FaciesTable, asked: LabelFormat | None = None) -> np.dtype[np.generic]:
    """The type of stored classes: as asked for, else int8, which interpretation software reads best, or int16.

    Raises:
        SurveyError: a label value has no place in the type asked for.
    """
    low, high = min(facies.values), max(facies.values)
    if asked is None:
        fits = np.iinfo(np.int8).min <= low and high <= np.iinfo(np.int8).max
        return np.dtype(np.int8 if fits else np.int16)
    if asked in ("ieee", "ibm"):
        return np.dtype(np.float32)
    bounds = np.iinfo(asked)
    if low < bounds.min or high > bounds.max:
        raise SurveyError(
            problem=f"label values {low} to {high} do not fit --sample-format {asked}, {bounds.min} to {bounds.max}",
            fix="choose int16, or leave the option out",
        )
    return np.dtype(asked)


def label_null(facies: FaciesTable, dtype: np.dtype[np.generic]) -> int:
    """What dead traces hold among classes: a value that no class has."""
    bounds = np.iinfo(dtype.type if issubclass(dtype.type, np.integer) else np.int16)
    usual = [value for value in _LABEL_NULLS if bounds.min <= value <= bounds.max]
    possible = chain(usual, range(bounds.min, bounds.max + 1))
    spare = next((value for value in possible if value not in facies.values), None)
    assert spare is not None, "there are at most 255 classes"
    return int(spare)


def probability_paths(path: Path, facies: FaciesTable) -> dict[str, Path]:
    """One path a class: prob.sgy -> prob_salt.sgy, ...

    Raises:
        SurveyError: the path has no name, or that of a class cannot be part of one.
    """
    try:
        return {name: path.with_name(f"{path.stem}_{name}{path.suffix}") for name in facies.names}
    except ValueError as error:
        raise SurveyError(
            problem=f"--probabilities {path}: no file can be named after it and the classes {', '.join(facies.names)}",
            fix="give it a name, as probability.sgy; a / in a class name cannot stand in one",
        ) from error
