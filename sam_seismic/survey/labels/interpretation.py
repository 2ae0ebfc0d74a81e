"""A survey and an interpreter's horizons and bodies come in; labels go out, with what is known of each file."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import HorizonsConfig, InterpretationConfig
from sam_seismic.errors import SurveyError
from sam_seismic.survey.facies import IGNORE, FaciesTable
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.labelled import LabelledVolume, labelled
from sam_seismic.survey.labels.affine_grid import AffineGrid, TraceLine, fit_lines
from sam_seismic.survey.labels.bodies import Body, read_body
from sam_seismic.survey.labels.gaps import without_gaps
from sam_seismic.survey.labels.horizon_files import PickOptions, Picks, read_horizons
from sam_seismic.survey.labels.order import check_order, first_samples, resolved
from sam_seismic.survey.labels.surfaces import Surface, place
from sam_seismic.survey.labels.volume import InterpretedVolume
from sam_seismic.survey.volume import Volume


@dataclass(frozen=True, eq=False)
class Interpretation:
    """Labels, and what they are made from.

    Args:
        labels: on the grid of the survey.
        surfaces: from top to bottom, as they bound the classes.
        bodies: laid over them.
    """

    labels: InterpretedVolume
    surfaces: tuple[Surface, ...]
    bodies: tuple[Body, ...]


def interpret(survey: Volume, config: InterpretationConfig) -> Interpretation:
    """Make labels from horizons and bodies.

    The classes are, in this order: all above the first surface (where asked for), between each two surfaces, all below
    the last one (where asked for), and the bodies. A class between surfaces has the name of its upper one.

    Args:
        survey: the amplitudes: their grid, and their coordinates.
        config: the files, and how they are read.

    Raises:
        SurveyError: a file cannot be read or does not fit the survey, surfaces cross, or there are no classes.
    """
    if not survey.has_grid:
        raise SurveyError(
            problem=f"{survey.path}: its sections form no grid, on which horizons could lie",
            fix="give the volume as SEG-Y, HDF5 or an array",
        )
    surfaces, notes = ([], []) if config.horizons is None else _surfaces(survey, config.horizons)
    later = later_starts(survey)
    files = () if config.bodies is None else config.bodies.files
    bodies = [read_body(path, survey.geometry, config.bodies, later) for path in files if config.bodies is not None]
    names = class_names(surfaces, bodies, config)
    if not 1 <= len(names) < IGNORE:
        raise SurveyError(
            problem=f"{len(surfaces)} horizon and no body make no class: a class lies between two horizons"
            if not names
            else f"the horizons and bodies make {len(names)} classes, where {IGNORE - 1} are the most",
            fix="give a second horizon, or add --below for all below it, or --above"
            if not names
            else "give fewer files",
        )
    notes += [note for body in bodies for note in body.notes]
    notes += _sparse_bodies(surfaces, bodies)
    horizons = config.horizons
    all_files = (*(horizons.files if horizons else ()), *(config.bodies.files if config.bodies else ()))
    grid = survey.geometry
    empty = np.empty((0, *grid.live.shape), np.int32)
    labels = InterpretedVolume(
        all_files,
        grid,
        tops=np.stack([first_samples(each, grid) for each in surfaces]) if surfaces else empty,
        bodies=bodies,
        class_names=names,
        above=horizons is not None and horizons.above,
        below=horizons is not None and horizons.below,
        notes=notes,
    )
    return Interpretation(labels, tuple(surfaces), tuple(bodies))


def labelled_by(survey: Volume, config: InterpretationConfig, facies: FaciesTable) -> LabelledVolume:
    """Amplitudes with labels from horizons and bodies.

    Raises:
        SurveyError: as `interpret`, or there are not as many classes as the horizons and bodies make.
    """
    labels = interpret(survey, config).labels
    found = labels.class_names
    if len(found) != len(facies):
        raise SurveyError(
            problem=f"data.classes names {len(facies)} classes, and the horizons and bodies of data.labels make "
            f"{len(found)}: {', '.join(found)}",
            fix=f"name as many, from top to bottom: data.classes: {json.dumps(list(found), ensure_ascii=False)}; "
            "data.labels.horizons.above and data.labels.horizons.below make classes of what lies outside",
        )
    return labelled(survey, labels, facies)


def class_names(surfaces: Sequence[Surface], bodies: Sequence[Body], config: InterpretationConfig) -> list[str]:
    """A name for each class, in the order of the label values."""
    names = [each.name for each in surfaces]
    if not names:
        return [body.name for body in bodies]
    assert config.horizons is not None, "they are read from it"
    between = names if config.horizons.below else names[:-1]
    first = [f"above {names[0]}"] if config.horizons.above else []
    return [*first, *between, *(body.name for body in bodies)]


def _surfaces(survey: Volume, config: HorizonsConfig) -> tuple[list[Surface], list[str]]:
    """The surfaces of all files, from top to bottom, in order on each trace; and notes."""
    options = PickOptions(config.columns or (), config.null)
    read = [picks for path in config.files for picks in read_horizons(path, options, format=config.format)]

    @cache
    def fitted() -> AffineGrid | TraceLine:
        return fit_lines(survey, config.max_residual)

    grid = survey.geometry
    along = None if config.along is None else Orientation(config.along)
    named = _named(read)
    placed = (
        place(picks, grid, fitted, config, beside=[each for each in named if each.path == picks.path])
        for picks in named
    )
    surfaces = [without_gaps(surface, config.max_gap, along) for surface in placed]
    notes = [note for each in surfaces for note in each.notes]
    if config.priority:
        surfaces, cut = resolved(surfaces, config.priority)
        notes += cut
    later = later_starts(survey)
    if later is not None:
        surfaces = [replace(each, times=each.times - later) for each in surfaces]
        notes.append("traces have starts of their own, from which the times of horizons are counted")
    check_order(surfaces, grid)
    return surfaces, notes


def later_starts(survey: Volume) -> NDArray[np.float64] | None:
    """How much later than the volume each trace begins, ms: float64[inline, crossline]; None where all begin alike.

    Raises:
        SurveyError: the file is damaged.
    """
    grid = survey.geometry
    starts: list[NDArray[np.float64]] = []
    for line in grid.inlines.tolist():
        along = survey.starts_ms(Orientation.INLINE, line)  # [trace]
        if along is None:
            return None
        starts.append(along - grid.start_ms)
    return np.stack(starts)


def _named(read: Sequence[Picks]) -> list[Picks]:
    """The same surfaces with different names: those that share one get that of their file, too."""
    counts = Counter(picks.name for picks in read)
    named = [
        picks if counts[picks.name] == 1 else replace(picks, name=f"{picks.path.stem} {picks.name}") for picks in read
    ]
    again = [name for name, count in Counter(picks.name for picks in named).items() if count > 1]
    if again:
        raise SurveyError(problem=f"two horizons are called {again[0]}", fix="give each file once, or rename one")
    return named


def _sparse_bodies(surfaces: Sequence[Surface], bodies: Sequence[Body]) -> list[str]:
    """Notes on bodies that are drawn on fewer lines than the surfaces, which label the others without them."""
    picked = int(np.any([each.picked.any(axis=1) for each in surfaces], axis=0).sum()) if surfaces else 0
    notes = []
    for body in bodies:
        drawn = sum(orientation is Orientation.INLINE for orientation, _ in body.lines)
        if 0 < drawn < picked:
            notes.append(
                f"{body.name} is drawn on {drawn} inlines, and horizons are picked on {picked}: the others are "
                "labelled without it; --lines limits the labels to the lines where it is drawn"
            )
    return notes
