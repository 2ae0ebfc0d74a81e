"""The notes of several files come in; the same with the names of the files go out, each text once."""

from collections.abc import Sequence

from sam_seismic.survey.volume import Volume

_MOST = 12
"""Texts that are told; files of a line each may differ in all of them."""


def joint_notes(volumes: Sequence[Volume]) -> list[str]:
    """The notes of all files: a text that several of them have is told once, with the number of files."""
    files: dict[str, list[str]] = {}
    for volume in volumes:
        for note in volume.notes:
            files.setdefault(note, []).append(volume.path.name)
    told = [f"{_named(names, len(volumes))}: {note}" for note, names in files.items()]
    if len(told) > _MOST:
        told = [*told[:_MOST], f"{len(told) - _MOST} other notes on single files: inspect shows those of one file"]
    return told


def _named(names: Sequence[str], files: int) -> str:
    if len(names) == files:
        return f"all {files} files"
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} other files"
