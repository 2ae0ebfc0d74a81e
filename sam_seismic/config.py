"""The one YAML of an experiment: text comes in, a frozen and checked Config goes out, or all its problems at once."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sam_seismic.errors import ConfigError

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

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.regions is None:
            if self.val + self.test >= 1:
                raise ValueError(f"val and test must leave lines to train on, got {self.val} + {self.test}")
            return self
        extra = self.model_fields_set & {"along", "val", "test"}
        if extra:
            raise ValueError(f"{', '.join(sorted(extra))} cannot apply beside regions: remove one or the other")
        missing = {"train", "val"} - set(self.regions)
        if missing:
            raise ValueError(f"regions needs {' and '.join(sorted(missing))}")
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
    orientation: Literal["inline", "crossline", "both"] = "inline"
    split: SplitConfig = SplitConfig()
    every: int = Field(default=1, ge=1)
    """Train on every n-th line of the training region."""
    read: ReadOptions = ReadOptions()
    workers: int = Field(default=0, ge=0)
    """Processes that read sections."""

    @model_validator(mode="after")
    def _keys_of_the_source(self) -> Self:
        own = {
            "files": {"amplitude", "labels", "classes"},
            "f3": {"root"},
            "seam_ai": {"root"},
            "synthetic": set[str](),
        }
        needed = own[self.source]
        problems = [
            f"{name} is needed for source: {self.source}" for name in sorted(needed) if getattr(self, name) is None
        ]
        options = {"amplitude", "labels", "classes", "root", "label_values", "ignore_values", "read"}
        allowed = needed | ({"label_values", "ignore_values", "read"} if self.source == "files" else set[str]())
        allowed |= {"read"} if self.source == "seam_ai" else set[str]()
        problems += [
            f"{name} cannot apply to source: {self.source}"
            for name in sorted((options - allowed) & self.model_fields_set)
        ]
        if self.classes is not None:
            problems += _class_problems(self.classes, self.label_values)
        if problems:
            raise ValueError("; ".join(problems))
        return self


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


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read and check an experiment's YAML.

    Args:
        path: the YAML file.
        overrides: `dotted.key=value` each, the value in YAML.

    Raises:
        ConfigError: the file is missing, is no YAML mapping, or holds problems; all of them are listed.
    """
    tree = _read_yaml(path)
    for override in overrides:
        _apply(tree, override)
    return parse_config(tree, str(path))


def parse_config(tree: dict[str, Any], where: str) -> Config:
    """A Config from plain data, as it stands in a YAML or a checkpoint.

    Raises:
        ConfigError: all problems, with dotted keys.
    """
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        rows = [_explain(dict(problem)) for problem in error.errors()]
    width = max(len(key) for key, _ in rows)
    listing = "\n".join(f"  {key:<{width}}  {what}" for key, what in rows)
    count = "1 problem" if len(rows) == 1 else f"{len(rows)} problems"
    raise ConfigError(
        problem=f"{where}: {count}\n{listing}", fix="correct the keys above; README.md shows each by example"
    )


def dump_config(config: Config) -> str:
    """The whole configuration as YAML, defaults included."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _read_yaml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ConfigError(
            problem=f"{path}: there is no such configuration file", fix="give a YAML, e.g. configs/segy.yaml"
        )
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(problem=f"{path}: not valid YAML: {error}", fix="mend the line it names") from error
    if not isinstance(tree, dict):
        raise ConfigError(problem=f"{path}: expected keys such as data: and model:", fix="start from configs/segy.yaml")
    return tree


def _apply(tree: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(problem=f"--set {override}: not of the form key=value", fix="--set train.epochs=10")
    *parents, last = key.split(".")
    for parent in parents:
        below = tree.setdefault(parent, {})
        if not isinstance(below, dict):
            raise ConfigError(problem=f"--set {override}: {parent} holds no keys", fix="set the key itself")
        tree = below
    try:
        tree[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(problem=f"--set {override}: the value is not valid YAML", fix="quote it") from error


def _explain(problem: dict[str, Any]) -> tuple[str, str]:
    """A problem of pydantic's -> (dotted key, what to do) in this program's words."""
    location = [str(part) for part in problem["loc"]]
    key = ".".join(location) or "(whole file)"
    given = problem.get("input")
    if problem["type"] == "extra_forbidden":
        siblings = _keys_at(location[:-1])
        close = difflib.get_close_matches(location[-1], siblings, n=1)
        meant = ".".join([*location[:-1], *close])
        return key, f"unknown key; did you mean {meant}?" if close else f"unknown key; known: {', '.join(siblings)}"
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be ", "must be ")
    message = message.replace("greater than or equal to", "at least").replace("less than or equal to", "at most")
    if problem["type"] == "missing":
        message = "is needed"
    elif isinstance(given, str | int | float | bool) or given is None:
        message += f" (got {given!r})" if problem["type"] != "value_error" else ""
    return key, message


def _keys_at(location: Sequence[str]) -> list[str]:
    model: Any = Config
    for part in location:
        field = model.model_fields.get(part) if hasattr(model, "model_fields") else None
        model = field.annotation if field is not None else None
    return list(model.model_fields) if hasattr(model, "model_fields") else []
