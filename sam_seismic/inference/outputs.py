"""The paths that a user asks for come in; the outputs of a prediction go out, each with its result and product."""

from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np

from sam_seismic import __version__
from sam_seismic.config.choices import LabelFormat, WrittenHorizonFormat
from sam_seismic.errors import SurveyError
from sam_seismic.files.unfinished import Start
from sam_seismic.inference import Confidence, Entropy, Facies, FaciesIndex, Output, Probability, Product
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.formats import FORMATS, open_result
from sam_seismic.survey.horizons import HorizonFile, HorizonTable
from sam_seismic.survey.labels.horizon_files import places_of, writable_as
from sam_seismic.survey.result import Result, ResultRequest
from sam_seismic.survey.volume import Volume

FLOAT_NULL = -1.0
"""Value of dead traces in volumes of probability, confidence and entropy, whose own values lie between 0 and 1."""
_LABEL_NULLS = (-1, 255, -128, 127, 254)
"""Values for dead traces in facies volumes, the preferred one first; see `label_null`."""


@dataclass(frozen=True)
class OutputRequest:
    """Where the outputs of a prediction are written; the ending of a path names the format.

    Args:
        facies: the most probable class of each voxel.
        probabilities: float32, one volume a class, named STEM_CLASS.ENDING.
        confidence: float32, the probability of the most probable class.
        entropy: float32, from 0 (certain) to 1 (undecided).
        horizons: the time of the first sample of each class on each trace: CSV, or a file a class, STEM_CLASS.ENDING.
        sample_format: how classes are stored; None: int8, or int16 where a label value needs it. Float volumes are IEEE
            unless this is `ibm`.
        horizon_format: of the horizons; None: as the ending says, `.csv` or those of DUG.
    """

    facies: Path
    probabilities: Path | None = None
    confidence: Path | None = None
    entropy: Path | None = None
    horizons: Path | None = None
    sample_format: LabelFormat | None = None
    horizon_format: WrittenHorizonFormat | None = None

    def paths(self, facies: FaciesTable) -> list[Path]:
        """All files and folders that will be written, facies first.

        Raises:
            SurveyError: the name of a class cannot be part of a file name, or of a horizon the format is not known.
        """
        by_class = {} if self.probabilities is None else probability_paths(self.probabilities, facies)
        others = [path for path in (self.confidence, self.entropy) if path is not None]
        return [self.facies, *by_class.values(), *others, *self.horizon_paths(facies).values()]

    def horizon_paths(self, facies: FaciesTable) -> dict[str, Path]:
        """The files of horizons by class; one under the name `` where all are in one table.

        Raises:
            SurveyError: the format is not known, cannot have this ending, or is given without a path.
        """
        if self.horizons is None:
            if self.horizon_format is not None:
                raise SurveyError(
                    problem=f"--horizon-format {self.horizon_format} cannot apply without --horizons",
                    fix="leave it out, or add --horizons tops.dat",
                )
            return {}
        if writable_as(self.horizons, self.horizon_format) == "csv":
            return {"": self.horizons}
        return class_paths(self.horizons, facies, "--horizons")


def open_outputs(
    request: OutputRequest,
    source: Volume,
    facies: FaciesTable,
    *,
    overwrite: bool,
    start: Start,
    rescaled: bool = False,
) -> list[Output]:
    """The outputs of a prediction, facies first; entering their context creates or reopens the files.

    Args:
        request: where they are written.
        source: the volume that is predicted.
        facies: the classes.
        overwrite: whether existing files may be replaced.
        start: whether the outputs are created or resumed.
        rescaled: whether the amplitudes were scaled by their own center and percentile; SEG-Y and HDF5 results say so.

    Raises:
        SurveyError: an output exists, has an unknown ending, or cannot store its values.
    """
    dtype = label_type(facies, request.sample_format)
    null = label_null(facies, dtype)

    def output(path: Path, product: Product, stored: np.dtype[np.generic], title: str, null: float) -> Output:
        result = ResultRequest(
            path=path,
            source=source,
            dtype=stored,
            overwrite=overwrite,
            note=f"{title} BY SAM-SEISMIC {__version__}; DEAD TRACES HOLD {null:g}{'; RESCALED' * rescaled}",
            form=_form(path, request.sample_format, stored),
            start=start,
            null=null,
        )
        return Output(open_result(result), product)

    outputs = [output(request.facies, Facies(facies), dtype, "FACIES", null)]
    float_outputs: list[tuple[Path | None, Product, str]] = []
    if request.probabilities is not None:
        float_outputs += [
            (path, Probability(facies.names.index(name)), f"PROBABILITY OF {name}")
            for name, path in probability_paths(request.probabilities, facies).items()
        ]
    float_outputs += [(request.confidence, Confidence(), "CONFIDENCE"), (request.entropy, Entropy(), "ENTROPY")]
    float32 = np.dtype(np.float32)
    outputs += [
        output(path, product, float32, title, FLOAT_NULL) for path, product, title in float_outputs if path is not None
    ]
    tables = _horizons(request, source, facies, overwrite=overwrite, start=start)
    outputs += [Output(table, FaciesIndex()) for table in tables]
    return outputs


def _horizons(
    request: OutputRequest, source: Volume, facies: FaciesTable, *, overwrite: bool, start: Start
) -> list[Result]:
    """The results of horizons: one table, or a file a class."""
    paths = request.horizon_paths(facies)
    if "" in paths:
        return [HorizonTable(paths[""], source, facies, overwrite=overwrite, start=start)]
    places = cache(lambda: places_of(source))  # read once for all files
    return [
        HorizonFile(
            path,
            source,
            facies,
            name=name,
            format=writable_as(path, request.horizon_format),
            places=places,
            overwrite=overwrite,
            start=start,
        )
        for name, path in paths.items()
    ]


def _form(path: Path, asked: LabelFormat | None, dtype: np.dtype[np.generic]) -> Literal["ibm"] | None:
    """The SEG-Y sample format, if `dtype` does not determine it: float32 is IEEE or IBM."""
    if asked != "ibm" or dtype.kind != "f":
        return None
    if path.suffix.lower() not in FORMATS["segy"].suffixes:
        raise SurveyError(
            problem=f"{path}: --sample-format ibm cannot apply: only SEG-Y files store IBM floats",
            fix="use --sample-format ieee, or end the name in .sgy",
        )
    return "ibm"


def label_type(facies: FaciesTable, asked: LabelFormat | None = None) -> np.dtype[np.generic]:
    """The type in which classes are stored.

    Args:
        facies: the classes.
        asked: the user's choice; None: int8, which most interpretation software reads, or int16 if a value needs it.

    Raises:
        SurveyError: a label value does not fit the type that the user chose.
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
    """The value of dead traces in a facies volume: the first of `_LABEL_NULLS` that fits the type and is no class.

    If there is none, it is the lowest value of the type that is no class.
    """
    bounds = np.iinfo(dtype.type if issubclass(dtype.type, np.integer) else np.int16)
    preferred = [value for value in _LABEL_NULLS if bounds.min <= value <= bounds.max]
    possible = chain(preferred, range(bounds.min, bounds.max + 1))
    spare = next((value for value in possible if value not in facies.values), None)
    assert spare is not None, "there are at most 255 classes"
    return int(spare)


def probability_paths(path: Path, facies: FaciesTable) -> dict[str, Path]:
    """One path for each class: prob.sgy -> prob_salt.sgy, ...

    Raises:
        SurveyError: the path has no file name, or the name of a class cannot be part of one.
    """
    return class_paths(path, facies, "--probabilities")


def class_paths(path: Path, facies: FaciesTable, option: str) -> dict[str, Path]:
    """One path for each class, named after the path that an option gives; as `probability_paths`."""
    try:
        return {name: path.with_name(f"{path.stem}_{name}{path.suffix}") for name in facies.names}
    except ValueError as error:
        raise SurveyError(
            problem=f"{option} {path}: no file can be named after it and the classes {', '.join(facies.names)}",
            fix=f"give it a file name, such as class{path.suffix or '.sgy'}; a class whose name holds a / cannot be "
            "part of one",
        ) from error
