"""What the `data:` section can say: which survey, how to open it, which classes and which lines."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from sam_seismic.config.base import Model, UserPath
from sam_seismic.config.choices import AxesChoice, ByteOrder, DuplicateChoice, FormatName, OrientationChoice

Share = Annotated[float, Field(gt=0, lt=1)]
Lines = tuple[int, int]
MOST_CLASSES = 255
"""Class indices are uint8, and the last value means "not interpreted"."""
LABEL_RANGE = (-32768, 32767)
"""Label values are written as int16 at most."""


class SegyOptions(Model):
    """What to believe about a SEG-Y file instead of finding it out."""

    inline_byte: int | None = Field(default=None, ge=1, le=237)
    """Byte position of the inline number in the trace header, counted from 1 as in the standard."""
    crossline_byte: int | None = Field(default=None, ge=1, le=237)
    """Byte position of the crossline number."""
    format: FormatName | None = None
    """Sample format, whatever the binary header declares."""
    endian: ByteOrder | None = None
    """Byte order."""
    duplicates: DuplicateChoice | None = None
    """Which trace to read where several have the same line numbers; nothing: such a file is refused."""


class ReadOptions(Model):
    """How to open the volumes of a survey."""

    segy: SegyOptions = SegyOptions()
    """SEG-Y files only."""
    axes: AxesChoice | None = None
    """Axis order of a .npy, .npz or foreign .h5 volume."""
    key: str | None = None
    """Name of the array in an .npz or .h5 file."""


class RegionConfig(Model):
    """A rectangle of the survey, by line numbers, both ends included; what is not given runs over the whole survey."""

    inlines: Lines | None = None
    """First and last inline; nothing: all."""
    crosslines: Lines | None = None
    """First and last crossline; nothing: all."""

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

    along: Literal["inline", "crossline"] | None = None
    """The axis that is cut into blocks: train, gap, val, gap, test. Nothing: the orientation that is read, inlines
    where both are."""
    val: Share = 0.15
    """Share of the lines that are validated on, which chooses the best epoch."""
    test: Annotated[float, Field(ge=0, lt=1)] = 0.15
    """Share of the lines that are kept for `eval`, and never seen in training; 0: none."""
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
    """Of the random geology."""

    @model_validator(mode="after")
    def _large_enough(self) -> Self:
        if min(self.shape) < 32:
            raise ValueError(f"shape must be at least 32 along each axis, got {list(self.shape)}")
        return self


class DataConfig(Model):
    """Which survey, which classes, which sections."""

    source: Literal["files", "f3", "seam_ai", "synthetic"] = "files"
    """`files`: your own amplitude and labels; the others: a known survey."""
    amplitude: UserPath | None = None
    """Amplitude volume or folder of sections (source: files)."""
    labels: UserPath | None = None
    """Label volume or folder of sections (source: files)."""
    root: UserPath | None = None
    """Folder of the published files (source: f3, seam_ai)."""
    classes: tuple[str, ...] | None = None
    """Class names in the order of their label values (source: files)."""
    label_values: tuple[int, ...] | None = None
    """The label value of each class where they are not 0, 1, 2, ..."""
    ignore_values: tuple[int, ...] | None = None
    """Label values that mean "not interpreted"; nothing: 255, unless that is a class."""
    synthetic: SyntheticConfig = SyntheticConfig()
    """The survey to model (source: synthetic)."""
    orientation: OrientationChoice = "inline"
    """Which sections are read: inlines, crosslines, or both."""
    split: SplitConfig = SplitConfig()
    """Which lines are trained on, validated on and tested on."""
    every: int = Field(default=1, ge=1)
    """Train on every n-th line of the training region, in each orientation."""
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
        if self.source == "f3":
            given = ["split.test"] if "test" in self.split.model_fields_set else []
            given += ["split.regions.test"] if "test" in (self.split.regions or {}) else []
            problems += [
                f"{key} cannot apply to source: f3, whose test volumes are files of their own" for key in given
            ]
        if self.classes is not None:
            problems += _name_problems(self.classes)
            problems += _value_problems(len(self.classes), self.label_values, self.ignore_values or ())
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


def _name_problems(names: tuple[str, ...]) -> list[str]:
    problems = []
    if not 2 <= len(names) <= MOST_CLASSES:
        problems.append(f"classes must name at least 2 and at most {MOST_CLASSES} (got {len(names)})")
    if len(set(names)) != len(names):
        problems.append("classes must differ")
    # Names become parts of file names and of metric names.
    odd = [name for name in names if not name or name != name.strip() or name[0] == "." or "/" in name]
    odd += [name for name in names if not name.isprintable() and name not in odd]
    if odd:
        problems.append(f"classes must be printable names without /, a leading dot or outer blanks (got {odd[0]!r})")
    return problems


def _value_problems(classes: int, values: tuple[int, ...] | None, ignored: tuple[int, ...]) -> list[str]:
    problems = []
    if values is not None and (len(values) != classes or len(set(values)) != len(values)):
        problems.append(f"label_values must hold one value a class, all different (got {len(values)} for {classes})")
    low, high = LABEL_RANGE
    if wide := [value for value in values or () if not low <= value <= high]:
        problems.append(f"label_values must lie in {low} to {high} (got {wide[0]})")
    if both := sorted(set(ignored) & set(range(classes) if values is None else values)):
        problems.append(f"ignore_values must be no values of classes (got {both[0]})")
    return problems
