"""Description of a weights file: what is loaded from it, as `weights verify`, `inspect` and `train` report it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sam_seismic.config.sam_sizes import CANVAS, PATCH
from sam_seismic.sam.mask_decoder import MASKS
from sam_seismic.sam.weights.official import OFFICIAL

_SHOWN = 3


@dataclass(frozen=True)
class WeightsContent:
    """The SAM in a weights file, and what is loaded from it.

    Args:
        path: the file.
        size: the SAM it holds: vit_t, vit_b, vit_l or vit_h.
        names: whose names its weights have: `segment-anything` or `transformers`.
        place: the key and the prefix that all of them stand under, such as `model_state.sam`; empty for none.
        left_out: names of tensors that SAM does not have; of an optimizer and its like the key alone.
        missing: the parts of SAM that it does not hold, of `prompt_encoder` and `mask_decoder`.
        missing_from: the file that the missing parts come from; None for random weights.
        other_masks: number of masks of its mask decoder, if it is not SAM's: such a decoder is not loaded.
        lora_layers: number of layers that low-rank factors were merged into.
        lora_base: the file that these layers come from; None if they are in the file itself.
        grid: (rows, columns) of patches that its tables of positions were made for, if they were interpolated.
        precision: types of its numbers, such as `float16`, where they are not float32 alone.
    """

    path: Path
    size: str
    names: str
    place: str
    left_out: tuple[str, ...]
    missing: tuple[str, ...]
    missing_from: Path | None
    other_masks: int | None
    lora_layers: int
    lora_base: Path | None
    grid: tuple[int, int] | None
    precision: str | None

    @property
    def has_random_parts(self) -> bool:
        """Whether parts of the SAM start from random weights."""
        return bool(self.missing) and self.missing_from is None

    def rows(self) -> list[tuple[str, str]]:
        """Name and text of each property that differs from a published file."""
        rows = {
            "place": self.place,
            "names": "those of Hugging Face transformers" if self.names == "transformers" else "",
            "LoRA": self._lora(),
            "left out": self._left_out(),
            "missing": self._missing(),
            "positions": self._positions(),
            "precision": self.precision and f"{self.precision}: converted to float32",
        }
        return [(name, text) for name, text in rows.items() if text]

    def notes(self) -> list[str]:
        """The rows as lines for the log of a training, without `place`."""
        return [f"{self.path}: {name}: {text}" for name, text in self.rows() if name != "place"]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "size": self.size,
            "names": self.names,
            "place": self.place,
            "left_out": list(self.left_out),
            "missing": {part: str(self.missing_from or "random") for part in self.missing},
            "other_masks": self.other_masks,
            "lora": (self.lora_layers and {"layers": self.lora_layers, "base": str(self.lora_base or self.path)})
            or None,
            "interpolated_from": None if self.grid is None else [side * PATCH for side in self.grid],
            "precision": self.precision or "float32",
        }

    def _lora(self) -> str:
        if not self.lora_layers:
            return ""
        return f"merged into {self.lora_layers} layers of the image encoder" + (
            f" of {self.lora_base}" if self.lora_base is not None else ""
        )

    def _lora_as_dict(self) -> dict[str, object] | None:
        if not self.lora_layers:
            return None
        return {"layers": self.lora_layers, "base": str(self.lora_base or self.path)}

    def _left_out(self) -> str:
        if not self.left_out:
            return ""
        encoder = sum("image_encoder." in name or "vision_encoder." in name for name in self.left_out)
        warning = f"; {encoder} of them in the image encoder, whose output is another without them" if encoder else ""
        return f"{listed(self.left_out)}: not recognised as a part of SAM{warning}"

    def _missing(self) -> str:
        if not self.missing:
            return ""
        parts = " and ".join(part.replace("_", " ") for part in self.missing)
        if self.other_masks is not None:
            parts += f" (the file's is for {self.other_masks} masks instead of {MASKS})"
        if self.missing_from is not None:
            return f"{parts}: taken from {self.missing_from}"
        fetch = f"; sam-seismic weights fetch {self.size} gets SAM's" if self.size in OFFICIAL else ""
        return f"{parts}: random weights, not SAM's{fetch}"

    def _positions(self) -> str:
        if self.grid is None:
            return ""
        rows, columns = (side * PATCH for side in self.grid)
        return f"tables for images of {rows} x {columns} pixels: interpolated to {CANVAS} x {CANVAS}"


def listed(names: Sequence[str]) -> str:
    """`4: a, b, c, ...`, the first few only; `a` where there is one."""
    if len(names) == 1:
        return names[0]
    return f"{len(names)} ({', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''})"


def type_words(types: Iterable[str]) -> str | None:
    """`float16`, or `bfloat16 and float32`; None for float32 alone."""
    return None if set(types) <= {"float32"} else " and ".join(sorted(set(types)))
