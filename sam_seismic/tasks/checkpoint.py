"""Metadata of a trained task <-> plain data in its checkpoint file, which is read without running any code in it."""

import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self, cast

from pydantic import TypeAdapter, ValidationError

from sam_seismic.config import DataConfig, InputConfig, NetworkConfig
from sam_seismic.config.earlier_versions import upgraded_model
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.amplitude_distribution import AmplitudeDistribution
from sam_seismic.data.canvas import CanvasTransform
from sam_seismic.errors import WeightsError, first_line
from sam_seismic.files.user_paths import AnyPath
from sam_seismic.sam.weights import read_plain
from sam_seismic.scoring.fold_scores import FOLDS_FILE
from sam_seismic.survey.facies import FaciesTable

_NETWORK: TypeAdapter[NetworkConfig] = TypeAdapter(NetworkConfig)
KEY = "sam_seismic"
"""Key of the metadata in the checkpoint."""
NETWORK = "network."
"""Beginning of the names of the network's weights in the checkpoint."""


@dataclass(frozen=True)
class CheckpointMetadata:
    """Metadata of a checkpoint: all that `eval` and `predict` need besides the weights.

    Args:
        data: training survey and its split.
        inputs: scaling, canvas and frame.
        model: the network and which of its parts were trained.
        facies: names and label values of the classes.
        scale: amplitude scale, fitted on the training lines.
        split: a line of text for each part of the survey.
        weights_hash: SHA-256 of the file that training started from, `model.init_from` or `model.weights`; None for
            random weights.
        version: version of sam-seismic that wrote the checkpoint.
        task: what the network was trained for, a key of `tasks.loading.TASKS`.
        amplitudes: distribution of the amplitudes of the training lines; None in checkpoints of earlier versions.
        sample_interval_ms: sample interval of the training survey; None if its files do not state it.
        contents: hashes of the volumes by their names, see `survey.contents`; empty in checkpoints of earlier versions.
    """

    data: DataConfig
    inputs: InputConfig
    model: NetworkConfig
    facies: FaciesTable
    scale: AmplitudeScale
    split: tuple[str, ...]
    weights_hash: str | None
    version: str
    task: str = "facies"
    amplitudes: AmplitudeDistribution | None = None
    sample_interval_ms: float | None = None
    contents: Mapping[str, str] = field(default_factory=dict)

    @property
    def transform(self) -> CanvasTransform:
        """The transform from amplitudes to canvases, as in training."""
        return CanvasTransform(self.scale, self.inputs)

    def as_plain(self) -> dict[str, Any]:
        """Plain strings, numbers, lists and dicts, which load with `weights_only=True`."""
        return {
            "data": self.data.model_dump(mode="json"),
            "inputs": self.inputs.model_dump(mode="json"),
            "model": self.model.model_dump(mode="json"),
            "facies": _plain(self.facies),
            "scale": asdict(self.scale),
            "split": list(self.split),
            "weights_hash": self.weights_hash,
            "version": self.version,
            "task": self.task,
            "amplitudes": None if self.amplitudes is None else _plain(self.amplitudes),
            "sample_interval_ms": self.sample_interval_ms,
            "contents": dict(self.contents),
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Self:
        """The inverse of `as_plain`.

        Raises:
            KeyError, TypeError, ValidationError: a value is missing or invalid.
        """
        return cls(
            data=DataConfig.model_validate(plain["data"]),
            inputs=InputConfig.model_validate(plain["inputs"]),
            model=_NETWORK.validate_python(upgraded_model(plain["model"])),
            facies=FaciesTable(**{name: tuple(values) for name, values in plain["facies"].items()}),
            scale=AmplitudeScale(**plain["scale"]),
            split=tuple(plain["split"]),
            weights_hash=plain["weights_hash"],
            version=plain["version"],
            task=plain.get("task", "facies"),  # version 0.1 had no other task
            amplitudes=_distribution(plain.get("amplitudes")),
            sample_interval_ms=plain.get("sample_interval_ms"),
            contents=dict(plain.get("contents", {})),
        )


def _plain(values: FaciesTable | AmplitudeDistribution) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(values).items()}


def _distribution(plain: dict[str, Any] | None) -> AmplitudeDistribution | None:
    if plain is None:
        return None
    known = {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
    return AmplitudeDistribution(**cast("dict[str, Any]", known))


def read_checkpoint(path: AnyPath) -> tuple[CheckpointMetadata, dict[str, Any]]:
    """Read a checkpoint of `train` without running code in it.

    Args:
        path: the file, e.g. runs/f3/checkpoints/best.ckpt.

    Returns:
        Its metadata, and the whole checkpoint as Lightning wrote it.

    Raises:
        WeightsError: the file is missing, damaged, could run code, or was not written by sam-seismic.
    """
    path = Path(path)
    if (path / FOLDS_FILE).is_file() or (path / "fold-1").is_dir():
        raise WeightsError(
            problem=f"{path}: is a cross-validation, which has a network for each fold",
            fix=f"give one of them: {path / 'fold-1' / 'checkpoints' / 'best.ckpt'}; {path / FOLDS_FILE} has the "
            "scores of all on their held-out lines",
        )
    if not path.is_file():
        raise WeightsError(
            problem=f"{path}: there is no such checkpoint", fix="give RUN/checkpoints/best.ckpt of a run"
        )
    try:
        checkpoint = read_plain(path)
    except WeightsError as error:
        if zipfile.is_zipfile(path):
            raise
        # Another kind of file; that SAM's weights may be of other kinds does not help here.
        raise WeightsError(
            problem=error.problem.replace("not a weights file", "not a checkpoint of sam-seismic train"),
            fix="give RUN/checkpoints/best.ckpt of a run; if it was one, copy or download it again",
        ) from error
    if not isinstance(checkpoint, dict) or KEY not in checkpoint or "state_dict" not in checkpoint:
        raise WeightsError(
            problem=f"{path}: not a checkpoint of sam-seismic train: it has no metadata",
            fix="give RUN/checkpoints/best.ckpt; weights of SAM itself go into model.weights of a configuration",
        )
    checkpoint["state_dict"] = with_current_names(checkpoint["state_dict"])
    try:
        return CheckpointMetadata.from_plain(checkpoint[KEY]), checkpoint
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        raise WeightsError(
            problem=f"{path}: its metadata cannot be read ({first_line(error)[:200]})",
            fix="load it with the version of sam-seismic that wrote it",
        ) from error


_RENAMED_PREFIXES = {
    "image_encoder.": "network.image_encoder.",
    "prompt_encoder.": "network.prompt_encoder.",
    "decoder.": "network.head.",
}
"""Prefixes of weight names in version 0.1, and their current prefixes."""


def with_current_names(state: dict[str, Any]) -> dict[str, Any]:
    """The weights of a task with their current names, whichever version wrote them."""
    return {_current_name(name): tensor for name, tensor in state.items()}


def _current_name(name: str) -> str:
    for old, new in _RENAMED_PREFIXES.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name
