"""A trained task <-> its checkpoint file: what travels beside the weights, and how it comes back safely."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from sam_seismic.config import DataConfig, InputConfig, NetworkConfig
from sam_seismic.config.earlier_versions import upgraded_model
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.canvas import CanvasTransform
from sam_seismic.errors import WeightsError
from sam_seismic.sam.weights import read_plain
from sam_seismic.survey.facies import FaciesTable

_NETWORK: TypeAdapter[NetworkConfig] = TypeAdapter(NetworkConfig)
KEY = "sam_seismic"
"""Where the metadata stands in the checkpoint."""


@dataclass(frozen=True)
class CheckpointMetadata:
    """What a checkpoint says of itself: all that `eval` and `predict` need beside the weights.

    Args:
        data: the survey it was trained on, and its split.
        inputs: scaling, canvas and frame.
        model: the network and what of it was trained.
        facies: classes by name and label value.
        scale: of the amplitudes, fitted on the training lines.
        split: what each part held, one line each.
        weights_hash: SHA-256 of the weights file that training started from; None for random weights.
        version: of sam-seismic that wrote it.
        task: what the network was trained for, a word of `tasks.loading.TASKS`.
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

    @property
    def transform(self) -> CanvasTransform:
        """From amplitudes to canvases, as in training."""
        return CanvasTransform(self.scale, self.inputs)

    def as_plain(self) -> dict[str, Any]:
        """Plain strings, numbers, lists and dicts, which load with `weights_only=True`."""
        return {
            "data": self.data.model_dump(mode="json"),
            "inputs": self.inputs.model_dump(mode="json"),
            "model": self.model.model_dump(mode="json"),
            "facies": {name: list(values) for name, values in asdict(self.facies).items()},
            "scale": asdict(self.scale),
            "split": list(self.split),
            "weights_hash": self.weights_hash,
            "version": self.version,
            "task": self.task,
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Self:
        """The inverse of `as_plain`.

        Raises:
            KeyError, TypeError, ValidationError: something is missing or of another form.
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
            task=plain.get("task", "facies"),  # version 0.1 knew no other
        )


def read_checkpoint(path: Path) -> tuple[CheckpointMetadata, dict[str, Any]]:
    """Read a checkpoint of `train`, without running anything that is in it.

    Args:
        path: the file, e.g. runs/f3/checkpoints/best.ckpt.

    Returns:
        Its metadata, and the whole checkpoint as Lightning wrote it.

    Raises:
        WeightsError: no such file; damaged; holding objects that could run code; or not written by sam-seismic.
    """
    if not path.is_file():
        raise WeightsError(
            problem=f"{path}: there is no such checkpoint", fix="give RUN/checkpoints/best.ckpt of a run"
        )
    checkpoint = read_plain(path)
    if not isinstance(checkpoint, dict) or KEY not in checkpoint or "state_dict" not in checkpoint:
        raise WeightsError(
            problem=f"{path}: not a checkpoint of sam-seismic train: it has no metadata",
            fix="give RUN/checkpoints/best.ckpt; weights of SAM itself go into model.weights of a configuration",
        )
    checkpoint["state_dict"] = named_as_today(checkpoint["state_dict"])
    try:
        return CheckpointMetadata.from_plain(checkpoint[KEY]), checkpoint
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        raise WeightsError(
            problem=f"{path}: its metadata cannot be read ({_first_line(error)})",
            fix="load it with the version of sam-seismic that wrote it",
        ) from error


_MOVED = {
    "image_encoder.": "network.image_encoder.",
    "prompt_encoder.": "network.prompt_encoder.",
    "decoder.": "network.head.",
}
"""Beginnings of the names of weights in version 0.1, and what they are now."""


def named_as_today(state: dict[str, Any]) -> dict[str, Any]:
    """The weights of a task under the names that they have now, whichever version wrote them."""
    return {_named_as_today(name): tensor for name, tensor in state.items()}


def _named_as_today(name: str) -> str:
    for old, new in _MOVED.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
