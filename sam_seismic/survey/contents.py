"""A survey goes in; hashes of what its volumes hold come out, by which they are known again wherever they lie.

A `fingerprint` says that files were not changed; these hashes say that other files hold the same samples: a copy on
another machine, or the same volume in another format.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from sam_seismic.errors import SurveyError
from sam_seismic.survey.fingerprint import Digest, add_grid
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.parts import Survey
from sam_seismic.survey.volume import Volume

VERSION = 1
"""Raise it with every change of what is hashed."""
WHOLE = 2**24
"""Most samples of a volume that is hashed whole, which takes about a second."""
PROBED = 32
"""Sections of a larger volume that are hashed: the first, the last, and others spread evenly between them."""


def survey_contents(survey: Survey) -> dict[str, str]:
    """The hash of each volume that is read from files, by name: `train amplitude`, `train labels`, `test1 amplitude`.

    The parts of one volume have one entry, under the name of the first of them.
    """
    found: dict[str, str] = {}
    seen = set()
    for name, part in survey.parts.items():
        if id(part.volume) in seen:
            continue
        seen.add(id(part.volume))
        for what, volume in (("amplitude", part.volume.amplitude), ("labels", part.volume.labels)):
            if volume is not None and volume.files:  # a modelled survey is known by its configuration
                found[f"{name} {what}"] = _hash_of_all(volume.sources)
    return found


def _hash_of_all(volumes: Sequence[Volume]) -> str:
    """The hash of a volume; of several ones, a hash of their hashes in their order."""
    hashes = [content_hash(volume) for volume in volumes]
    if len(hashes) == 1:
        return hashes[0]
    digest = Digest()
    for each in hashes:
        digest.add_text(each)
    return digest.hexdigest()


def content_hash(volume: Volume) -> str:
    """A hash of the grid and of the samples of a volume: 32 hexadecimal digits.

    The samples are those of its file, with null values. Of a large one PROBED sections are hashed, with all that its
    samples are made from where that is known: of labels from horizons, no pick can change unnoticed.
    """
    volume = volume.stored
    digest = Digest()
    digest.add_text(f"contents {VERSION}")
    orientations = tuple(Orientation) if volume.loose_sections else (volume.fast_orientation,)
    for orientation in orientations:
        add_grid(digest, volume, orientation)
    if _is_large(volume, orientations):
        for array in volume.made_from:
            digest.add(array, "<i4")
    for orientation, line in _probed(volume, orientations):
        try:
            section = volume.section(orientation, line)
        except SurveyError:  # a damaged line may be one that is not trained on
            digest.add_text("cannot be read")
            continue
        digest.add_text(section.name)
        digest.add(section.values, "<f4")
        digest.add(section.live, "u1")
    return digest.hexdigest()


def _is_large(volume: Volume, orientations: tuple[Orientation, ...]) -> bool:
    """Whether only some of its sections are hashed."""
    return sum(1 for _ in _probed(volume, orientations)) < sum(len(volume.lines(each)) for each in orientations)


def _probed(volume: Volume, orientations: tuple[Orientation, ...]) -> Iterator[tuple[Orientation, int]]:
    for orientation in orientations:
        lines = volume.lines(orientation)
        if len(lines) == 0:
            continue
        samples, traces = volume.section_shape(orientation, int(lines[0]))
        count = len(lines) if len(lines) * samples * traces <= WHOLE else min(PROBED, len(lines))
        for position in np.rint(np.linspace(0, len(lines) - 1, count)).astype(np.int64):
            yield orientation, int(lines[position])
