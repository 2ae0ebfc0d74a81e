"""What a configuration says of the initial weights comes in; the network that training starts from goes out."""

import shlex
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from sam_seismic.config import NetworkConfig
from sam_seismic.errors import WeightsError
from sam_seismic.networks import Network, build_network, find_weights
from sam_seismic.networks.warm_start import NetworkSource, WarmStart, take_weights
from sam_seismic.sam.weights import file_hash, read_plain
from sam_seismic.tasks.checkpoint import KEY, NETWORK, CheckpointMetadata, read_checkpoint

PUT_BACK = "put that file back to where it was"
_SHOWN = 3


@dataclass(frozen=True)
class InitialWeights:
    """The files that a training starts from.

    Args:
        weights: of `model.weights`, or the official ones; None for random weights.
        checkpoint: of `model.init_from`; None if it is not set.
    """

    weights: Path | None
    checkpoint: Path | None

    @property
    def file(self) -> Path | None:
        """The file that decides on the encoder; None for random weights."""
        return self.checkpoint or self.weights

    @property
    def hash(self) -> str | None:
        """SHA-256 of that file; None for random weights.

        Raises:
            WeightsError: there is no such file.
        """
        if self.file is None:
            return None
        if not self.file.is_file():
            what = "is a folder, where a file is expected" if self.file.is_dir() else "there is no such file"
            raise WeightsError(
                problem=f"model.weights: {self.file}: {what}",
                fix="name the file of the weights there; --set model.weights=random starts from random weights, "
                "--set model.weights=null from the published ones of vit_b, vit_l or vit_h",
            )
        return file_hash(self.file)


def find_initial_weights(model: NetworkConfig) -> InitialWeights:
    """The files of the initial weights, of which a checkpoint was looked at.

    Raises:
        WeightsError: a file does not exist; or `init_from` is no checkpoint, or of another network.
    """
    weights = find_weights(model)
    if weights is not None and is_own_checkpoint(weights):
        raise WeightsError(
            problem=f"model.weights: {weights}: is a checkpoint of sam-seismic train, not a file of SAM's weights",
            fix=f"--set model.init_from={shlex.quote(str(weights))} --set model.weights=null starts from it",
        )
    if model.init_from is None:
        return InitialWeights(weights, None)
    path = model.init_from / "checkpoints" / "best.ckpt" if model.init_from.is_dir() else model.init_from
    if not path.is_file():
        raise WeightsError(
            problem=f"model.init_from: {path}: there is no such checkpoint",
            fix="give RUN/checkpoints/best.ckpt of a run, or its folder RUN",
        )
    try:
        theirs = read_checkpoint(path)[0].model
    except WeightsError as error:
        raise WeightsError(problem=f"model.init_from: {error.problem}", fix=error.fix) from error
    _check_same_structure(path, theirs, model)
    return InitialWeights(weights, path)


def _check_same_structure(path: Path, theirs: NetworkConfig, model: NetworkConfig) -> None:
    """Refuse a checkpoint of a network of another kind or size.

    Raises:
        WeightsError: it is.
    """
    if theirs.kind == model.kind and theirs.structure == model.structure:
        return
    if theirs.kind == model.kind:
        change = " ".join(f"--set model.{key}={value}" for key, value in theirs.structure.items())
    else:
        keys = {"kind": theirs.kind, **theirs.structure, "init_from": path}
        change = "--set " + shlex.quote(f"model={{{', '.join(f'{key}: {value}' for key, value in keys.items())}}}")
    raise WeightsError(
        problem=f"model.init_from: {path}: holds {_described(theirs)}, but {_described(model)} is to be trained",
        fix=f"train the network that it holds: {change}; or choose a checkpoint of the other one",
    )


def is_own_checkpoint(path: Path) -> bool:
    """Whether a file is a checkpoint of `train`; one that PyTorch cannot map into memory is none."""
    if not zipfile.is_zipfile(path):
        return False
    content = read_plain(path)
    return isinstance(content, dict) and KEY in content


def _described(model: NetworkConfig) -> str:
    """`sam (size: vit_t)`."""
    return f"{model.kind} ({', '.join(f'{key}: {value}' for key, value in model.structure.items())})"


def initial_network(
    model: NetworkConfig, classes: Sequence[str], files: InitialWeights
) -> tuple[Network, WarmStart | None]:
    """The network that a training starts from, and what it took from `model.init_from`.

    Args:
        model: the section `model:`.
        classes: names of the classes.
        files: of the initial weights.

    Raises:
        WeightsError: a file is damaged, unsafe or of another network, or lacks weights that are in no other file.
    """
    network = build_network(model, len(classes), weights=files.weights)
    if files.checkpoint is None:
        return network, None
    metadata, checkpoint = read_checkpoint(files.checkpoint)
    outline = build_network(metadata.model, len(metadata.facies), initialise=False)
    state = whole_state(metadata, checkpoint["state_dict"], outline, files.checkpoint)
    source = NetworkSource(metadata.model, metadata.facies.names, state)
    return network, take_weights(network, model, classes, source)


def whole_state(metadata: CheckpointMetadata, saved: dict[str, Any], network: Network, path: Path) -> dict[str, Tensor]:
    """The weights of a checkpoint's network; those that it does not save, from the file that training started from.

    Args:
        metadata: of the checkpoint.
        saved: its weights, under the names of its task.
        network: says which of its weights a checkpoint saves; not changed.
        path: of the checkpoint, for messages.

    Raises:
        WeightsError: the file that training started from is missing, or another one.
    """
    state = {name.removeprefix(NETWORK): weight for name, weight in saved.items() if name.startswith(NETWORK)}
    omitted = {name for name in network.state_dict() if name not in state and not network.saves(name)}
    if not omitted:
        return state
    needed = (
        f"{path}: does not hold all weights: the file that training started from is needed, which had SHA-256 "
        f"{metadata.weights_hash}"
    )
    try:
        files = find_initial_weights(metadata.model)
    except WeightsError as error:
        raise WeightsError(problem=f"{needed}: {error.problem}", fix=error.fix) from error
    if files.file is None or not files.file.is_file():
        raise WeightsError(problem=f"{needed}: {files.file} is not there", fix=PUT_BACK)
    if files.hash != metadata.weights_hash:
        raise WeightsError(problem=f"{needed}: {files.file} has {files.hash}", fix=PUT_BACK)
    started, _ = initial_network(metadata.model, metadata.facies.names, files)
    return state | {name: weight for name, weight in started.state_dict().items() if name in omitted}


def warm_start_lines(start: WarmStart, files: InitialWeights, model: NetworkConfig) -> list[str]:
    """What was taken from `model.init_from`, what not, and why, in one or two lines."""
    count = len(start.taken) + len(start.unused)
    classes = (
        f"those of the classes {', '.join(start.classes)}" if start.classes else "none of a class: all names differ"
    )
    lines = [
        f"init_from: {files.checkpoint}: {len(start.taken):,} of {count:,} common weights are taken, and {classes}"
    ]
    otherwise = "random weights" if files.weights is None else str(files.weights)
    left = [
        (f"new classes start from {otherwise}", start.new_classes),
        ("classes that are not used", start.unused_classes),
        (f"weights that it lacks start from {otherwise}", start.lacking),
        (f"its weights that {model.name} {model.trained_words} does not have are not used", start.unused),
    ]
    rest = [f"{what}: {_listed(names)}" for what, names in left if names]
    return [*lines, *(["init_from: " + "; ".join(rest)] if rest else [])]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
