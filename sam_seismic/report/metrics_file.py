"""Scores come in; metrics.json goes out, and pictures of earlier scores in its folder are removed; it is read again."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sam_seismic.errors import UserError
from sam_seismic.files.atomic import write_text
from sam_seismic.scoring.scores import FaciesScores

METRICS = "metrics.json"
PICTURES = "pictures"
"""Key of metrics.json with the names of the pictures in its folder."""


def write_metrics(folder: Path, metrics: Mapping[str, Any], *, pictures: Sequence[Path] = ()) -> Path:
    """Write metrics.json, and remove the pictures that the replaced metrics.json lists.

    They would look like pictures of the new scores. Other files in the folder are not removed.

    Args:
        folder: an existing folder.
        metrics: plain data.
        pictures: pictures of these metrics, in the same folder.
    """
    path = folder / METRICS
    new = {picture.name for picture in pictures}
    for picture in _recorded_pictures(path):
        if picture.name not in new:
            picture.unlink()
    plain = dict(metrics) | ({PICTURES: [picture.name for picture in pictures]} if pictures else {})
    write_text(path, _as_text(plain))
    return path


def _as_text(plain: Mapping[str, Any]) -> str:
    """JSON with a line for each number of the scores, and one for each item of a list, such as the scores of a line."""
    rows = []
    for key, value in plain.items():
        if isinstance(value, list) and value:
            text = "[\n    " + ",\n    ".join(json.dumps(item) for item in value) + "\n  ]"
        else:
            text = json.dumps(value, indent=2).replace("\n", "\n  ")
        rows.append(f"  {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(rows) + "\n}\n"


def read_metrics(folder: Path) -> tuple[FaciesScores, dict[str, FaciesScores]]:
    """The scores of a metrics.json that `eval` wrote, and those of the guesses by name.

    Raises:
        UserError: it is missing or damaged.
    """
    path = folder / METRICS
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        return _scores(plain), {name: _scores(each) for name, each in plain["guesses"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            problem=f"{path}: the scores cannot be read ({type(error).__name__}: {error})",
            fix="remove it, and give the same command again with --resume: the lines are scored again",
        ) from error


def _scores(plain: Mapping[str, Any]) -> FaciesScores:
    names = tuple(plain["iou"])
    return FaciesScores(names, np.array(plain["confusion"], np.int64).reshape(len(names), len(names)))


def _recorded_pictures(metrics: Path) -> list[Path]:
    """The existing pictures that a metrics.json lists; none if the file is missing or not written by this program."""
    try:
        plain = json.loads(metrics.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    names = plain.get(PICTURES) if isinstance(plain, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return []
    inside = [metrics.parent / name for name in names if name == Path(name).name and name.endswith(".png")]
    return [picture for picture in inside if picture.is_file()]
