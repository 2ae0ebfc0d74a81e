"""The `data.split:` section: how the lines of a survey are divided into train, val and test."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from sam_seismic.config.base import Model

Lines = tuple[int, int]


class RegionConfig(Model):
    """A rectangle of the survey by line numbers, first and last line included; a range that is not set covers all."""

    inlines: Lines | None = None
    """First and last inline; if not set, all inlines."""
    crosslines: Lines | None = None
    """First and last crossline; if not set, all crosslines."""

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        for name in ("inlines", "crosslines"):
            lines: Lines | None = getattr(self, name)
            if lines is not None and lines[0] > lines[1]:
                raise ValueError(f"{name} must ascend, got [{lines[0]}, {lines[1]}]")
        return self


class SplitConfig(Model):
    """Which lines are used for training, validation and testing: blocks of lines with a guard gap between them.

    The blocks are given as shares of the survey along one axis, as regions by line numbers, or as the folds of a
    cross-validation.
    """

    along: Literal["inline", "crossline"] | None = None
    """The axis that is cut into blocks, in this order: train, gap, val, gap, test. If not set, it is
    `data.orientation`, or `inline` where that is `both`."""
    val: Annotated[float, Field(ge=0, lt=1)] = 0.15
    """Share of the interpreted lines used for validation, which selects the best epoch. Beside `folds` it is a share of
    the lines that a fold trains on, and 0 is allowed: no validation, and the weights after the last epoch are kept."""
    test: Annotated[float, Field(ge=0, lt=1)] = 0.15
    """Share of the interpreted lines reserved for `eval` and never used in training; 0 reserves none."""
    guard: int = Field(default=5, ge=0)
    """Lines of the survey left out between two blocks, since neighbouring lines are nearly identical."""
    folds: Annotated[int, Field(ge=2)] | Literal["lines"] | None = None
    """Cross-validation: the interpreted lines are cut into this many blocks, each of which is held out once for testing
    while a network is trained on the others. `lines` holds out one interpreted line at a time."""
    fold: Annotated[int, Field(ge=1)] | None = None
    """The fold to train, counted from 1; if not set, `train` trains all of them, one after another."""
    regions: dict[Literal["train", "val", "test"], RegionConfig] | None = None
    """Explicit regions by line numbers; `train` and `val` are required."""
    folders: bool = False
    """Take the split from the subfolders train, val and test (folders of sections only)."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.folders and self.model_fields_set - {"folders"}:
            raise ValueError("folders: true takes the split from subfolders; remove the other keys")
        if self.folds is not None or self.fold is not None:
            self._check_folds()
            return self
        if self.regions is None:
            if self.val == 0:
                raise ValueError("val: 0 applies beside folds only: the validation lines select the best epoch")
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

    def _check_folds(self) -> None:
        if self.folds is None:
            raise ValueError(f"fold: {self.fold} needs folds, the number of all folds")
        if extra := sorted(self.model_fields_set & {"test", "regions"}):
            raise ValueError(
                f"{' and '.join(extra)} cannot apply beside folds, of which each holds out a block of lines as its test"
            )
        if self.fold is not None and isinstance(self.folds, int) and self.fold > self.folds:
            raise ValueError(f"fold: {self.fold} is more than folds: {self.folds}")

    @property
    def has_all_folds(self) -> bool:
        """Whether it describes all folds of a cross-validation, and so no single division of the lines."""
        return self.folds is not None and self.fold is None

    @property
    def validates_nothing(self) -> bool:
        """Whether no lines are kept for validation."""
        return self.folds is not None and self.val == 0

    @model_serializer(mode="wrap")
    def _applicable_keys(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the keys that would be refused when the configuration is read again."""
        tree: dict[str, Any] = dump(self)
        if self.folders:
            return {"folders": True}
        kept = {"along", "val", "test", "guard"}
        if self.regions is not None:
            kept = {"regions"}
        elif self.folds is not None:
            kept = {"along", "val", "guard", "folds", "fold"}
        return {name: value for name, value in tree.items() if name in kept}
