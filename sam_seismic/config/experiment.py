"""The YAML of an experiment as frozen models: a base configuration, methods to compare, and axes to vary."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from sam_seismic.config.base import ExpandedPath, Model
from sam_seismic.config.choices import OrientationChoice
from sam_seismic.config.training import Precision

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")]
"""Names become parts of the names of folders: letters, digits and _ . + -"""
Share = Annotated[float, Field(gt=0, le=1)]
Seed = Annotated[int, Field(ge=0)]
Keys = dict[str, Any]
"""Dotted keys of the run's YAML, and their values."""
ALL = "all"
"""The word of `facies:` for all classes of the survey."""
OWN_AXES = {
    "train.seed": "seeds",
    "data.share": "share",
    "data.orientation": "orientation",
    "data.against_rest": "facies",
    "output": "output",
}
"""Keys of the run's YAML that an experiment sets by a key of its own."""


def _one_method() -> dict[str, Keys]:
    """The base alone."""
    return {"base": {}}


class EvaluateConfig(Model):
    """What each trained network is scored on."""

    split: str = "test"
    """`test` (test1, test2, ... together), `val`, or the name of a part."""
    batch_size: int = Field(default=2, ge=1)
    """Number of sections predicted together."""
    device: str | None = None
    """`cpu`, `cuda`, ...; if not set, the one of the training."""
    precision: Precision = "32"
    """Precision of the image encoder."""


class CrossConfig(EvaluateConfig):
    """Another survey that the trained networks are scored on; its classes must fit."""

    config: ExpandedPath
    """YAML of a run whose `data:` names the survey; relative to the file of the experiment."""
    rescale: bool = False
    """Scale its amplitudes by their own center and percentile, not by those of the training."""


class ExperimentConfig(Model):
    """An experiment: runs that differ in some keys, and their comparison."""

    base: ExpandedPath | Keys
    """YAML of a run, relative to this file; or the keys of one."""
    common: Keys = Field(default_factory=dict)
    """Dotted keys in which all cells differ from `base`."""
    methods: dict[Name, Keys] = Field(default_factory=_one_method, min_length=1)
    """What is compared: for each method the dotted keys in which it differs from `base`."""
    grid: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = Field(default_factory=dict)
    """Further keys, each with all of its values; each method is tried with each combination of them."""
    orientation: Annotated[tuple[OrientationChoice, ...], Field(min_length=1)] | None = None
    """Orientations of the sections that are trained on and scored; if not set, that of `base`."""
    facies: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """`all` for all classes of the survey, and names of classes that are each told from the rest."""
    share: Annotated[tuple[Share, ...], Field(min_length=1)] | None = None
    """Shares of the training lines, evenly spaced (`data.share`)."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0,)
    """Each run is repeated with each of these seeds (`train.seed`)."""
    skip: tuple[Keys, ...] = ()
    """Combinations that are left out: each names values of `method`, `orientation`, `facies`, `share`, `seed`, or of
    keys of `grid`."""
    equal_steps: bool = False
    """Give each share as many steps as all lines have: `train.epochs` and `trainer.val_every_epochs` are divided by the
    share. If not set, all cells have as many epochs, and those with fewer lines fewer steps."""
    evaluate: EvaluateConfig = EvaluateConfig()
    """What each trained network is scored on."""
    cross: dict[Name, CrossConfig] = Field(default_factory=dict)
    """Other surveys that each trained network is scored on, by name."""
    keep_last: bool = True
    """Keep `checkpoints/last.ckpt` of finished cells, which is up to four times as large as `best.ckpt`."""
    output: ExpandedPath | None = None
    """Folder of the experiment; if not set, experiments/NAME-OF-THE-YAML."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = list(_repeated(self)) + list(_foreign_keys(self))
        problems += [
            f"cross.{name}: is the name of the split that is scored: choose another one"
            for name in self.cross
            if name == self.evaluate.split
        ]
        known = {"method", "orientation", "facies", "share", "seed", *self.grid}
        problems += [
            f"skip: {key} is none of {', '.join(sorted(known))}"
            for key in {key: None for each in self.skip for key in each}
            if key not in known
        ]
        if any(not each for each in self.skip):
            problems.append("skip: an entry without keys would leave out everything")
        if self.equal_steps and not self.share:
            problems.append("equal_steps cannot apply without share")
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _repeated(given: ExperimentConfig) -> Iterable[str]:
    """A sentence for each value that stands twice in a list."""
    lists: dict[str, Iterable[Any]] = {
        "orientation": given.orientation or (),
        "facies": given.facies or (),
        "share": given.share or (),
        "seeds": given.seeds,
    } | {f"grid.{key}": values for key, values in given.grid.items()}
    for key, values in lists.items():
        twice = [text for text, count in Counter(map(repr, values)).items() if count > 1]
        if twice:
            yield f"{key}: {twice[0]} stands twice"


def _foreign_keys(given: ExperimentConfig) -> Iterable[str]:
    """A sentence for each key that an axis of the experiment sets, or that methods and grid both set."""
    where = [(f"methods.{name}", key) for name, keys in given.methods.items() for key in keys]
    others = [("common", key) for key in given.common] + [("grid", key) for key in given.grid]
    for place, key in [*where, *others]:
        if key in OWN_AXES:
            yield f"{place}: {key} is set by {OWN_AXES[key]}"
    for place, key in where:
        if key in given.grid:
            yield f"{place}: {key} is set by grid, too"
