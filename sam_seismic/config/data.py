"""The `data:` section: the survey, how its files are read, the classes, and the split into train, val and test."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)

from sam_seismic.config.base import Model, PathOrModel, Paths, UserPath
from sam_seismic.config.choices import AxesChoice, ByteOrder, DuplicateChoice, FormatName, OrientationChoice
from sam_seismic.config.labels import InterpretationConfig
from sam_seismic.config.null_numbers import as_number, plain_number
from sam_seismic.config.split import SplitConfig

MOST_CLASSES = 255
"""Class indices are uint8, and the value 255 is reserved for "not interpreted"."""
LABEL_RANGE = (-32768, 32767)
"""Smallest and largest label value: labels are stored as int16."""
REST = "rest"
"""Name of the class that holds all others beside the one of `data.against_rest`."""


class SegyOptions(Model):
    """Properties of a SEG-Y file that replace automatic detection."""

    inline_byte: int | None = Field(default=None, ge=1, le=237)
    """Byte position of the inline number in the trace header, counted from 1 as in the SEG-Y standard."""
    crossline_byte: int | None = Field(default=None, ge=1, le=237)
    """Byte position of the crossline number in the trace header, counted from 1."""
    format: FormatName | None = None
    """Sample format; replaces the one in the binary header."""
    endian: ByteOrder | None = None
    """Byte order of the file."""
    duplicates: DuplicateChoice | None = None
    """Which trace to read where several have the same line numbers; if not set, such a file is refused."""
    grid_from_coordinates: bool | None = None
    """Fit a regular grid to X and Y and number its lines from 1, where the headers hold no line numbers."""
    traces_per_line: int | None = Field(default=None, ge=1)
    """Number the lines by the order of the traces, this many a line, where the headers hold no line numbers."""
    samples: int | None = Field(default=None, ge=1)
    """Samples a trace; replaces the count in the headers, whose 16 bits end at 65535 in revisions 0 and 1."""
    tail: Literal["drop"] | None = None
    """`drop` reads the whole traces of a file that ends inside one; if not set, such a file is refused."""
    sample_interval: float | None = Field(default=None, gt=0, le=1e5)
    """Time between samples in ms (in depth: metres or feet); replaces the one in the headers."""
    start: float | None = Field(default=None, ge=-1e6, le=1e6)
    """Time of the first sample in ms (in depth: metres or feet), the same for all traces; replaces the headers'."""


class ReadOptions(Model):
    """How the volumes of a survey are read."""

    segy: SegyOptions = SegyOptions()
    """Options for SEG-Y files."""
    axes: AxesChoice | None = None
    """Axis order of a .npy or .npz volume, or of an .h5 volume that sam-seismic did not write."""
    key: str | None = None
    """Name of the array in an .npz or .h5 file."""
    null: Annotated[float, Field(allow_inf_nan=True)] | None = None
    """A value that means "nothing was recorded" (`.nan` too): amplitudes become 0 there, a trace of nothing else is
    dead, labels are not interpreted. Without it, constant traces and NaN, -999.25 and 1e30 in padding are found."""

    @field_validator("null", mode="before")
    @classmethod
    def _read_null(cls, given: Any) -> Any:
        return as_number(given)

    @field_serializer("null", when_used="json")
    def _write_null(self, null: float | None) -> float | str | None:
        return plain_number(null)


class SyntheticConfig(Model):
    """The forward-modelled survey used by the demo."""

    shape: tuple[int, int, int] = (96, 128, 128)
    """Number of inlines, crosslines and samples."""
    seed: int = Field(default=0, ge=0)
    """Seed of the random geology."""

    @model_validator(mode="after")
    def _large_enough(self) -> Self:
        if min(self.shape) < 32:
            raise ValueError(f"shape must be at least 32 along each axis, got {list(self.shape)}")
        return self


class DataConfig(Model):
    """The survey, its classes, and the sections that are read."""

    source: Literal["files", "f3", "seam_ai", "synthetic"] = "files"
    """`files` reads your own amplitudes and labels; the other values name a built-in survey."""
    amplitude: Annotated[UserPath | Paths, PathOrModel()] | None = None
    """Amplitude volume, or folder of amplitude sections; or the SEG-Y files of one survey: a list of them, a pattern
    such as `survey_*.sgy`, or their folder (source: files)."""
    labels: Annotated[UserPath | Paths | InterpretationConfig, PathOrModel()] | None = None
    """Label volume, or folder of label sections, which may hold only some lines or samples; a list of them, of which
    the first that interprets a voxel counts; or the keys `horizons` and `bodies`, of which labels are made (source:
    files)."""
    root: UserPath | None = None
    """Folder that holds the published files (source: f3, seam_ai)."""
    classes: tuple[str, ...] | None = None
    """Class names in the order of their label values (source: files)."""
    label_values: tuple[int, ...] | None = None
    """Label value of each class; if not set, 0, 1, 2, ... in the order of `classes`."""
    ignore_values: tuple[int | Annotated[float, Field(allow_inf_nan=True)], ...] | None = None
    """Label values that mean "not interpreted"; if not set, 255, unless 255 is a class. NaN (`.nan`), infinity,
    -999.25, 1e30, 9999 and the like always do, unless they are a class."""
    synthetic: SyntheticConfig = SyntheticConfig()
    """The survey that is modelled (source: synthetic)."""
    orientation: OrientationChoice = "inline"
    """Which sections are read: inlines, crosslines, or both."""
    split: SplitConfig = SplitConfig()
    """Which lines are used for training, validation and testing."""
    every: int = Field(default=1, ge=1)
    """Train on every n-th interpreted line of the training region, in each orientation, from the first one on."""
    share: float = Field(default=1.0, gt=0, le=1)
    """Train on this share of the interpreted lines of the training region, in each orientation: at least one, evenly
    spaced, each in the middle of its interval. Validation and test lines stay as they are."""
    against_rest: str | None = None
    """Train on one class against all others: the name of that class. The survey then has the classes `rest`, label
    value 0, and this one, label value 1."""
    read: ReadOptions = ReadOptions()
    """How the amplitudes are read."""
    read_labels: ReadOptions | None = None
    """How the labels are read; if not set, like the amplitudes except for the sample format (source: files)."""
    workers: int = Field(default=0, ge=0)
    """Number of worker processes that read sections; 0 reads them in a thread of the main process."""

    @field_validator("ignore_values", mode="before")
    @classmethod
    def _read_ignored(cls, given: Any) -> Any:
        return [as_number(each) for each in given] if isinstance(given, list | tuple) else given

    @field_serializer("ignore_values", when_used="json")
    def _write_ignored(self, values: tuple[float, ...] | None) -> list[int | float | str | None] | None:
        return None if values is None else [plain_number(each) for each in values]

    @model_validator(mode="after")
    def _keys_of_the_source(self) -> Self:
        needed, optional = _SOURCE_KEYS[self.source]
        problems = [f"{name} is needed for source: {self.source}" for name in needed if getattr(self, name) is None]
        foreign = _SOURCE_SPECIFIC_KEYS - {*needed, *optional}
        problems += [
            f"{name} cannot apply to source: {self.source}" for name in sorted(foreign & self.model_fields_set)
        ]
        if self.split.folders and isinstance(self.amplitude, tuple):
            problems.append("split.folders cannot apply to a list of amplitude files")
        if self.split.folders and self.source != "files":
            problems.append(f"split.folders cannot apply to source: {self.source}")
        if self.source == "f3":
            given = ["split.test"] if "test" in self.split.model_fields_set else []
            given += ["split.regions.test"] if "test" in (self.split.regions or {}) else []
            problems += [
                f"{key} cannot apply to source: f3, whose test volumes are files of their own" for key in given
            ]
        if self.every > 1 and self.share < 1:
            problems.append("every and share cannot apply together: remove one of them")
        if isinstance(self.labels, InterpretationConfig):
            problems += self._label_volume_keys()
        problems += self._against_rest_problems()
        if self.classes is not None:
            problems += _name_problems(self.classes)
            problems += _value_problems(len(self.classes), self.label_values, self.ignore_values or ())
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def has_label_files(self) -> bool:
        """Whether the labels are a volume or folder of the user, with label values of its own."""
        return self.source == "files" and not isinstance(self.labels, InterpretationConfig)

    @property
    def has_own_label_values(self) -> bool:
        """Whether the classes have the label values of the user's own files."""
        return self.has_label_files and self.against_rest is None

    def _against_rest_problems(self) -> list[str]:
        """Problems with the class that is told from the rest; those of published surveys are known on opening."""
        if self.against_rest == REST:
            return [f"against_rest: {REST} is the name of all other classes: give the class another name"]
        if self.against_rest is None or self.classes is None or self.against_rest in self.classes:
            return []
        return [f"against_rest must be one of the classes {', '.join(self.classes)} (got {self.against_rest!r})"]

    def _label_volume_keys(self) -> list[str]:
        """Problems with keys that apply to label volumes, beside labels that are made of horizons and bodies."""
        given = [key for key in ("label_values", "ignore_values", "read_labels") if getattr(self, key) is not None]
        problems = [f"{key} cannot apply to labels that are made of horizons and bodies" for key in given]
        if self.split.folders:
            problems.append("split.folders cannot apply to labels that are made of horizons and bodies")
        return problems

    @model_serializer(mode="wrap")
    def _applicable_keys(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the keys that would be refused when the configuration is read again."""
        tree: dict[str, Any] = dump(self)
        needed, optional = _SOURCE_KEYS[self.source]
        foreign = _SOURCE_SPECIFIC_KEYS - {*needed, *optional}
        tree = {name: value for name, value in tree.items() if name not in foreign}
        if self.source == "f3":
            tree["split"].pop("test", None)
        return tree

    def of_fold(self, number: int) -> Self:
        """The same with one fold of its cross-validation, counted from 1."""
        return self.model_copy(update={"split": self.split.model_copy(update={"fold": number})})


_SOURCE_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "files": (("amplitude", "labels", "classes"), ("label_values", "ignore_values", "read", "read_labels")),
    "f3": (("root",), ()),
    "seam_ai": (("root",), ("read",)),
    "synthetic": ((), ("synthetic",)),
}
"""By source: its required keys, and its optional keys."""
_SOURCE_SPECIFIC_KEYS = {key for keys in _SOURCE_KEYS.values() for group in keys for key in group}
"""All keys that apply to some sources only."""


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


def _value_problems(classes: int, values: tuple[int, ...] | None, ignored: tuple[float, ...]) -> list[str]:
    problems = []
    if values is not None and (len(values) != classes or len(set(values)) != len(values)):
        problems.append(f"label_values must hold one value a class, all different (got {len(values)} for {classes})")
    low, high = LABEL_RANGE
    if wide := [value for value in values or () if not low <= value <= high]:
        problems.append(f"label_values must lie in {low} to {high} (got {wide[0]})")
    if both := sorted(set(ignored) & set(range(classes) if values is None else values)):
        problems.append(f"ignore_values must be no values of classes (got {both[0]})")
    return problems
