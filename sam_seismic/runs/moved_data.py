"""A checkpoint and a survey come in; whether they hold the same data goes out, wherever the files of the survey lie."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sam_seismic.config import DataConfig, InterpretationConfig
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.errors import SurveyError
from sam_seismic.files.several_paths import means_something
from sam_seismic.tasks.checkpoint import CheckpointMetadata

PATHS = ("amplitude", "labels", "root")
"""Keys below `data` that say where a survey lies."""


def data_paths(data: DataConfig) -> dict[str, Path]:
    """The paths of a survey by their keys: `data.amplitude`, `data.labels`, or `data.root`.

    Each file of a list has its key with a number: `data.labels.1`, `data.labels.bodies.files.0`.
    """
    named = {f"data.{key}": getattr(data, key) for key in PATHS}
    found = {key: path for key, path in named.items() if isinstance(path, Path)}
    for key, paths in named.items():
        if isinstance(paths, tuple):
            found |= {f"{key}.{at}": path for at, path in enumerate(paths)}
    if isinstance(data.labels, InterpretationConfig):
        for name, each in (("horizons", data.labels.horizons), ("bodies", data.labels.bodies)):
            files = () if each is None else each.files
            found |= {".".join(("data", "labels", name, "files", str(at))): path for at, path in enumerate(files)}
    return found


def check_data_is_there(data: DataConfig, trained: DataConfig, *, others: str = "") -> None:
    """Refuse paths that do not exist, with the options that name other ones.

    Args:
        data: the survey.
        trained: the survey that the run was trained on.
        others: another option that helps, for the message.

    Raises:
        SurveyError: a path does not exist.
    """
    paths, known = data_paths(data), data_paths(trained)
    if gone := [key for key, path in paths.items() if not means_something(path)]:
        lines = [
            f"{paths[key]}: there is no such file or folder"
            + ("; the run was trained on it" if paths[key] == known.get(key) else "")
            for key in gone
        ]
        options = " ".join(dict.fromkeys(_option(key, paths) for key in gone))
        raise SurveyError(problem="\n  ".join(lines), fix=f"if it was moved, say where it is now: {options}{others}")


def _option(key: str, paths: Mapping[str, Path]) -> str:
    """The option that names another path: `--set data.labels=PATH`, or all files of a list in their order."""
    listed, _, number = key.rpartition(".")
    if not number.isdigit():
        return f"--set {key}=PATH"
    count = sum(each.startswith(f"{listed}.") for each in paths)
    return f"--set {listed}=[{','.join(['PATH'] * count)}]"


@dataclass(frozen=True)
class DataComparison:
    """What a survey has in common with that of a checkpoint.

    Args:
        moved: keys of paths, each with the path that was trained on and the path now, where they differ.
        changed: volumes that hold something else than in training, in words: `labels`, `amplitudes of test1`.
        compared: whether contents could be compared: checkpoints of earlier versions do not have their hashes, and a
            survey that is modelled has none.
    """

    moved: Mapping[str, tuple[Path | None, Path | None]]
    changed: tuple[str, ...]
    compared: bool

    def lines(self) -> list[str]:
        """What moved, a line a path."""
        return [f"{key}: {now} in place of {then}" for key, (then, now) in self.moved.items()]


def compare_data(metadata: CheckpointMetadata, data: DataConfig, contents: Mapping[str, str]) -> DataComparison:
    """Compare a survey with that of a checkpoint, by its paths and by the hashes of its `survey_contents`."""
    then, now = data_paths(metadata.data), data_paths(data)
    moved = {key: (then.get(key), now.get(key)) for key in {**then, **now} if then.get(key) != now.get(key)}
    known = metadata.contents
    changed = tuple(_words(name) for name in known if name in contents and contents[name] != known[name])
    compared = bool(known.keys() & contents.keys()) or not (known or contents)
    return DataComparison(moved, changed, compared)


def _words(name: str) -> str:
    """`train amplitude` -> `amplitudes`, `test1 labels` -> `labels of test1`."""
    part, _, what = name.partition(" ")
    volume = "amplitudes" if what == "amplitude" else what
    return volume if part == "train" else f"{volume} of {part}"


def check_same_data(
    metadata: CheckpointMetadata,
    data: DataConfig,
    contents: Mapping[str, str],
    *,
    run: Path,
    scale: AmplitudeScale | None = None,
) -> list[str]:
    """Refuse to resume a run on other data than it was trained on.

    Args:
        metadata: of its last checkpoint.
        data: the survey to go on with.
        contents: its `survey_contents`.
        run: its folder.
        scale: fitted to the survey; with runs of earlier versions nothing else can be compared.

    Returns:
        What moved, a line a path.

    Raises:
        SurveyError: amplitudes or labels differ from those that the run was trained on.
    """
    found = compare_data(metadata, data, contents)
    changed = list(found.changed)
    if not found.compared and found.moved and scale is not None and not _alike(scale, metadata.scale):
        changed.append("amplitudes")
    if changed:
        where = found.lines() or [f"{key}: {path}" for key, path in data_paths(data).items()]
        raise SurveyError(
            problem=f"{run}: the {' and '.join(changed)} differ from those that the run was trained on\n  "
            + "\n  ".join(where),
            fix="go on with those; or start another run from its weights, without --resume: --output OTHER "
            f"--set model.init_from={shlex.quote(str(run))}",
        )
    same = "the same samples"
    if not found.compared:
        same = "not compared, since the run is of an earlier version; their amplitudes have the same scale"
    return [f"{line}: {same}" for line in found.lines()]


def _alike(scale: AmplitudeScale, other: AmplitudeScale) -> bool:
    """Whether two scales may be of the same amplitudes, fitted by two versions."""
    near = 0.01 * other.clip
    return abs(scale.center - other.center) <= near and abs(scale.clip - other.clip) <= near
