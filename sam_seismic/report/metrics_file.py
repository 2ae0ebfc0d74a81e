"""Scores come in; metrics.json goes out, and pictures of earlier scores beside it are removed."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sam_seismic.files.atomic import write_text

METRICS = "metrics.json"
PICTURES = "pictures"
"""The key of metrics.json under which it names the pictures that were drawn beside it."""


def write_metrics(folder: Path, metrics: Mapping[str, Any], *, pictures: Sequence[Path] = ()) -> Path:
    """Write metrics.json, and remove the pictures that were drawn beside the one it replaces.

    Those would be taken for pictures of the new scores. metrics.json lists its own pictures, so no other file of the
    folder is removed.

    Args:
        folder: an existing one.
        metrics: plain data.
        pictures: drawn from these metrics, in the same folder.
    """
    path = folder / METRICS
    new = {picture.name for picture in pictures}
    for picture in _recorded_pictures(path):
        if picture.name not in new:
            picture.unlink()
    plain = dict(metrics) | ({PICTURES: [picture.name for picture in pictures]} if pictures else {})
    write_text(path, json.dumps(plain, indent=2))
    return path


def _recorded_pictures(metrics: Path) -> list[Path]:
    """The existing pictures that a metrics.json lists; none if the file is missing or is not one of ours."""
    try:
        plain = json.loads(metrics.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    names = plain.get(PICTURES) if isinstance(plain, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return []
    inside = [metrics.parent / name for name in names if name == Path(name).name and name.endswith(".png")]
    return [picture for picture in inside if picture.is_file()]
