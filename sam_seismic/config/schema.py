"""What an experiment's YAML can say: every key with its type, its bounds and its default, as frozen models."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

Share = Annotated[float, Field(gt=0, lt=1)]
Lines = tuple[int, int]


class Model(BaseModel):
    """A part of the configuration: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class SegyOptions(Model):
    """What to believe about a SEG-Y file instead of finding it out."""

    inline_byte: int | None = Field(default=None, ge=1, le=237)
    """Byte position of the inline number in the trace header, counted from 1 as in the standard."""
    crossline_byte: int | None = Field(default=None, ge=1, le=237)
    """Byte position of the crossline number."""
    format: Literal["ibm", "ieee", "int32", "int16", "int8", "float64", "uint32", "uint16", "uint8"] | None = None
    """Sample format, whatever the binary header declares."""
    endian: Literal["big", "little"] | None = None
    """Byte order."""


class ReadOptions(Model):
    """How to open the volumes of a survey."""

    segy: SegyOptions = SegyOptions()
    axes: Literal["inline,crossline,sample", "sample,crossline,inline", "sample,inline,crossline"] | None = None
    """Axis order of a .npy, .npz or foreign .h5 volume."""
    key: str | None = None
    """Name of the array in an .npz or .h5 file."""


class RegionConfig(Model):
    """A rectangle of the survey, by line numbers, both ends included; what is not given runs over the whole survey."""

    inlines: Lines | None = None
    crosslines: Lines | None = None

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        for name in ("inlines", "crosslines"):
            lines: Lines | None = getattr(self, name)
            if lines is not None and lines[0] > lines[1]:
                raise ValueError(f"{name} must ascend, got [{lines[0]}, {lines[1]}]")
        return self


class SplitConfig(Model):
    """Which lines are trained on and which are kept to measure: blocks of neighbours, with a guard gap between.

    Either shares of the survey along one orientation, or regions by line numbers.
    """

    along: Literal["inline", "crossline"] = "inline"
    """The axis that is cut into blocks: train, gap, val, gap, test."""
    val: Share = 0.15
    test: Annotated[float, Field(ge=0, lt=1)] = 0.15
    guard: int = Field(default=5, ge=0)
    """Lines left out between two blocks: neighbours are near copies."""
    regions: dict[Literal["train", "val", "test"], RegionConfig] | None = None
    """Explicit regions; `train` and `val` are needed."""
    folders: bool = False
    """Section folders only: their subfolders train, val and test are the split."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.folders and self.model_fields_set - {"folders"}:
            raise ValueError("folders: true takes the split from subfolders; remove the other keys")
        if self.regions is None:
            if self.val + self.test >= 1:
                raise ValueError(f"val and test must leave lines to train on, got {self.val} + {self.test}")
            return self
        extra = self.model_fields_set & {"along", "val", "test", "guard"}
        if extra:
            raise ValueError(f"{', '.join(sorted(extra))} cannot apply beside regions: remove one or the other")
        missing = {"train", "val"} - set(self.regions)
        if missing:
            raise ValueError(f"regions needs {' and '.join(sorted(missing))}")
        return self

    @model_serializer(mode="wrap")
    def _what_applies(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the keys that would be refused when read back."""
        tree: dict[str, Any] = dump(self)
        if self.folders:
            return {"folders": True}
        other = {"along", "val", "test", "guard"} if self.regions is not None else {"regions"}
        return {name: value for name, value in tree.items() if name not in other | {"folders"}}


class SyntheticConfig(Model):
    """The forward-modelled survey of the demo."""

    shape: tuple[int, int, int] = (96, 128, 128)
    """Inlines, crosslines, samples."""
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _large_enough(self) -> Self:
        if min(self.shape) < 32:
            raise ValueError(f"shape must be at least 32 along each axis, got {list(self.shape)}")
        return self


class DataConfig(Model):
    """Which survey, which classes, which sections."""

    source: Literal["files", "f3", "seam_ai", "synthetic"] = "files"
    """`files`: your own amplitude and labels; the others: a known survey."""
    amplitude: Path | None = None
    """Amplitude volume or folder of sections (source: files)."""
    labels: Path | None = None
    """Label volume or folder of sections (source: files)."""
    root: Path | None = None
    """Folder of the published files (source: f3, seam_ai)."""
    classes: tuple[str, ...] | None = None
    """Class names in the order of their label values (source: files)."""
    label_values: tuple[int, ...] | None = None
    """The label value of each class where they are not 0, 1, 2, ..."""
    ignore_values: tuple[int, ...] = (255,)
    """Label values that mean "not interpreted"."""
    synthetic: SyntheticConfig = SyntheticConfig()
    """The survey to model (source: synthetic)."""
    orientation: Literal["inline", "crossline", "both"] = "inline"
    split: SplitConfig = SplitConfig()
    every: int = Field(default=1, ge=1)
    """Train on every n-th line of the training region."""
    read: ReadOptions = ReadOptions()
    """How to open the amplitudes."""
    read_labels: ReadOptions | None = None
    """How to open the labels; nothing: as the amplitudes, but for the sample format (source: files)."""
    workers: int = Field(default=0, ge=0)
    """Processes that read sections."""

    @model_validator(mode="after")
    def _keys_of_the_source(self) -> Self:
        needed, optional = _SOURCE_KEYS[self.source]
        problems = [f"{name} is needed for source: {self.source}" for name in needed if getattr(self, name) is None]
        foreign = _PICKY_KEYS - {*needed, *optional}
        problems += [
            f"{name} cannot apply to source: {self.source}" for name in sorted(foreign & self.model_fields_set)
        ]
        if self.split.folders and self.source != "files":
            problems.append(f"split.folders cannot apply to source: {self.source}")
        if self.source == "f3" and "test" in self.split.model_fields_set:
            problems.append("split.test cannot apply to source: f3, whose test volumes are files of their own")
        if self.classes is not None:
            problems += _class_problems(self.classes, self.label_values)
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @model_serializer(mode="wrap")
    def _what_applies(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the keys that would be refused when read back."""
        tree: dict[str, Any] = dump(self)
        needed, optional = _SOURCE_KEYS[self.source]
        foreign = _PICKY_KEYS - {*needed, *optional}
        tree = {name: value for name, value in tree.items() if name not in foreign}
        if self.source == "f3":
            tree["split"].pop("test", None)
        return tree


_SOURCE_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "files": (("amplitude", "labels", "classes"), ("label_values", "ignore_values", "read", "read_labels")),
    "f3": (("root",), ()),
    "seam_ai": (("root",), ("read",)),
    "synthetic": ((), ("synthetic",)),
}
"""For each source the keys that it needs, and those that it can have."""
_PICKY_KEYS = {key for keys in _SOURCE_KEYS.values() for group in keys for key in group}
"""All keys that some source cannot have."""


def _class_problems(classes: tuple[str, ...], values: tuple[int, ...] | None) -> list[str]:
    problems = []
    if len(classes) < 2:
        problems.append(f"classes must name at least 2 (got {len(classes)})")
    if len(set(classes)) != len(classes):
        problems.append("classes must differ")
    if values is not None and (len(values) != len(classes) or len(set(values)) != len(values)):
        problems.append(
            f"label_values must hold one value a class, all different (got {len(values)} for {len(classes)})"
        )
    return problems


class InputConfig(Model):
    """From amplitudes to the canvas that SAM sees."""

    clip_percentile: float = Field(default=99.5, gt=50, le=100)
    """Amplitudes are clipped at +- this percentile of |amplitude| over the training lines, then scaled to [-1, 1]."""
    channels: Literal["repeat"] = "repeat"
    """How one gray section becomes three channels."""
    fit: Literal["pad", "resize"] = "pad"
    """`pad`: as it is, zeros to the right and below; `resize`: the long side to the canvas, then pad."""
    side: int = Field(default=1024, ge=64, le=1024, multiple_of=16)
    """Side of the square canvas, in pixels; SAM was pretrained at 1024."""
    flip: float = Field(default=0.5, ge=0, le=1)
    """Chance of a horizontal flip of a training section."""
    jitter: float = Field(default=0.1, ge=0, lt=1)
    """Amplitudes of a training section are multiplied by 1 +- up to this."""


class ModelConfig(Model):
    """Which SAM, and which of its parts are trained."""

    size: Literal["vit_t", "vit_b", "vit_l", "vit_h"] = "vit_b"
    weights: Path | Literal["random"] | None = None
    """A checkpoint file in Meta's names; nothing: the official file of this size from the weights folder;
    `random`: none, for tests and for vit_t, which has no published weights."""
    encoder: Literal["frozen", "full"] = "frozen"
    decoder: Literal["frozen", "full"] = "full"

    @model_validator(mode="after")
    def _something_to_train(self) -> Self:
        if self.encoder == "frozen" and self.decoder == "frozen":
            raise ValueError("encoder and decoder cannot both be frozen: nothing would be trained")
        if self.size == "vit_t" and self.weights is None:
            raise ValueError("weights: random is needed for vit_t: no weights are published for it")
        if self.weights == "random" and self.encoder == "frozen" and self.size != "vit_t":
            raise ValueError("a frozen encoder with random weights sees nothing: give weights, or encoder: full")
        return self


class TrainConfig(Model):
    """The optimisation."""

    epochs: int = Field(default=50, ge=1)
    batch_size: int = Field(default=2, ge=1)
    learning_rate: float = Field(default=1e-4, gt=0)
    """Peak rate of AdamW, reached after the warm-up, then a cosine down to 1 % of it."""
    encoder_rate: float = Field(default=1.0, gt=0)
    """The encoder's learning rate as a multiple of the decoder's, when it is trained."""
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Share of the steps over which the rate rises."""
    weight_decay: float = Field(default=0.01, ge=0)
    dice: float = Field(default=1.0, ge=0)
    """Weight of the Dice loss beside the cross-entropy."""
    patience: int | None = Field(default=None, ge=1)
    """Stop when the validation mean IoU has not risen for so many epochs."""
    seed: int = Field(default=0, ge=0)


class TrainerConfig(Model):
    """What Lightning's Trainer is given, in its own words."""

    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"] = "auto"
    devices: int | list[int] | Literal["auto"] = "auto"
    num_nodes: int = Field(default=1, ge=1)
    strategy: str = "auto"
    precision: Literal["32-true", "16-mixed", "bf16-mixed", "bf16-true", "64-true"] = "32-true"
    accumulate_grad_batches: int = Field(default=1, ge=1)
    gradient_clip_val: float | None = Field(default=1.0, gt=0)
    val_every_epochs: int = Field(default=1, ge=1)


class Config(Model):
    """One experiment."""

    data: DataConfig
    input: InputConfig = InputConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    trainer: TrainerConfig = TrainerConfig()
    output: Path | None = None
    """The run folder; by default runs/NAME-OF-THE-YAML."""
