"""A trained task <-> its checkpoint file: what travels beside the weights, and how it comes back safely."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from sam_seismic.config import DataConfig, InputConfig, ModelConfig
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.errors import WeightsError
from sam_seismic.sam.weights import read_plain
from sam_seismic.survey.facies import FaciesTable

KEY = "sam_seismic"
"""Where the metadata stands in the checkpoint."""


@dataclass(frozen=True)
class CheckpointMetadata:
    """What a checkpoint says of itself: all that `eval` and `predict` need beside the weights.

    Args:
        data: the survey it was trained on, and its split.
        inputs: scaling, canvas and frame.
        model: size of SAM and what was trained.
        facies: classes by name and label value.
        scale: of the amplitudes, fitted on the training lines.
        split: what each part held, one line each.
        weights_hash: SHA-256 of the SAM weights that training started from; None for random ones.
        version: of sam-seismic that wrote it.
    """

    data: DataConfig
    inputs: InputConfig
    model: ModelConfig
    facies: FaciesTable
    scale: AmplitudeScale
    split: tuple[str, ...]
    weights_hash: str | None
    version: str

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
            model=ModelConfig.model_validate(plain["model"]),
            facies=FaciesTable(**{name: tuple(values) for name, values in plain["facies"].items()}),
            scale=AmplitudeScale(**plain["scale"]),
            split=tuple(plain["split"]),
            weights_hash=plain["weights_hash"],
            version=plain["version"],
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
    try:
        return CheckpointMetadata.from_plain(checkpoint[KEY]), checkpoint
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        raise WeightsError(
            problem=f"{path}: its metadata cannot be read ({_first_line(error)})",
            fix="load it with the version of sam-seismic that wrote it",
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
