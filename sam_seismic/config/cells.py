"""The YAML of an experiment comes in; its cells, runs with validated configurations and stable names, go out."""

import copy
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sam_seismic.config.data import DataConfig
from sam_seismic.config.earlier_versions import upgraded
from sam_seismic.config.experiment import ALL, CrossConfig, ExperimentConfig
from sam_seismic.config.loading import applied, listed_problems, load_config, put_value, read_tree
from sam_seismic.config.problems import explain
from sam_seismic.config.schema import Config
from sam_seismic.config.yaml_text import Written
from sam_seismic.errors import ConfigError
from sam_seismic.files.user_paths import AnyPath

LONGEST_VALUE = 40
"""Characters of a value in the name of a cell; of longer ones a hash stands there."""
_FIX = (
    "correct the keys above; docs/experiments.md describes those of an experiment, docs/configuration.md those of a run"
)


@dataclass(frozen=True)
class Cell:
    """One run of an experiment.

    Args:
        name: of its folder.
        method: what is compared: a method, with the values of the grid.
        grid: values of the keys of the grid, by key.
        facies: the class that is told from the rest, or `all`.
        share: of the training lines.
        seed: of the training.
        config: of the run.
    """

    name: str
    method: str
    grid: Mapping[str, Any]
    facies: str
    share: float
    seed: int
    config: Config

    @property
    def orientation(self) -> str:
        """Of the sections that are trained on and scored."""
        return self.config.data.orientation


@dataclass(frozen=True)
class CrossSurvey:
    """Another survey to score on: how, and where it is."""

    how: CrossConfig
    data: DataConfig

    def of(self, cell: Cell) -> DataConfig:
        """The survey in the orientation of a cell, and with its classes."""
        changes = {"orientation": cell.orientation} | ({} if cell.facies == ALL else {"against_rest": cell.facies})
        return DataConfig.model_validate(self.data.model_dump() | changes)


@dataclass(frozen=True)
class Experiment:
    """An experiment that is ready to run.

    Args:
        file: its YAML.
        plan: what stands there.
        cells: in the order in which they run: all methods with the first seed come before the second seed.
        cross: other surveys by name.
        output: its folder.
    """

    file: Path
    plan: ExperimentConfig
    cells: tuple[Cell, ...]
    cross: Mapping[str, CrossSurvey]
    output: Path


def load_experiment(path: AnyPath, overrides: Sequence[str] = (), output: Path | None = None) -> Experiment:
    """Read an experiment's YAML, and check the configuration of each of its cells.

    Args:
        path: the YAML file.
        overrides: `dotted.key=value` for keys of the base configuration.
        output: folder of the experiment; None for that of the YAML, or experiments/NAME.

    Raises:
        ConfigError: a file is missing or is no YAML mapping, or keys are invalid; all problems are listed.
    """
    file = Path(path)
    tree, written = read_tree(file)
    if "base" not in tree and {"data", "model"} & tree.keys():
        raise ConfigError(
            problem=f"{file}: is the configuration of one run, not of an experiment",
            fix=f"train it: sam-seismic train --config {file}; an experiment has the keys base: and methods:",
        )
    try:
        plan = ExperimentConfig.model_validate(tree)
    except ValidationError as error:
        rows = explain(error, written, ExperimentConfig)
        raise ConfigError(problem=listed_problems(str(file), rows), fix=_FIX) from error
    base = copy.deepcopy(plan.base) if isinstance(plan.base, dict) else read_tree(_beside(file, plan.base))[0]
    applied(base, overrides)
    cells = _cells(file, plan, upgraded(base))
    cross = {name: CrossSurvey(each, load_config(_beside(file, each.config)).data) for name, each in plan.cross.items()}
    return Experiment(file, plan, cells, cross, output or plan.output or Path("experiments") / file.stem)


def _beside(file: Path, path: Path) -> Path:
    """A path that is relative to a file."""
    return path if path.is_absolute() else file.parent / path


@dataclass(frozen=True)
class _Draft:
    """A cell whose configuration is not checked yet; `axes` holds its values by the words of `skip:`."""

    name: str
    method: str
    axes: Mapping[str, Any]
    tree: dict[str, Any]


def _cells(file: Path, plan: ExperimentConfig, base: dict[str, Any]) -> tuple[Cell, ...]:
    """All cells, their configurations checked.

    Raises:
        ConfigError: configurations are invalid, two cells have one name, or an entry of skip matches none.
    """
    problems: dict[tuple[str, str], list[str]] = {}
    drafts = list(_drafts(plan, base, problems))
    for each in plan.skip:
        if not any(_matches(each, draft.axes) for draft in drafts):
            problems[f"skip: {json.dumps(each)}", "matches no cell"] = []
    drafts = [draft for draft in drafts if not any(_matches(each, draft.axes) for each in plan.skip)]
    cells = [cell for draft in drafts for cell in _checked(plan, draft, problems)]
    names = [draft.name for draft in drafts]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems[name, "two cells would have this name: give the methods or values other names"] = []
    if not drafts:
        problems["skip", "leaves no cell"] = []
    if problems:
        rows = [(key, what + _in_cells(of, len(drafts))) for (key, what), of in problems.items()]
        raise ConfigError(problem=listed_problems(str(file), rows), fix=_FIX)
    return tuple(cells)


def _in_cells(names: Sequence[str], total: int) -> str:
    return f" (in {len(names)} of {total} cells, such as {names[0]})" if names else ""


def _matches(entry: Mapping[str, Any], axes: Mapping[str, Any]) -> bool:
    return all(axes.get(key) == value for key, value in entry.items())


def _drafts(
    plan: ExperimentConfig, base: dict[str, Any], problems: dict[tuple[str, str], list[str]]
) -> Iterator[_Draft]:
    facies, orientations = plan.facies or (ALL,), plan.orientation or (None,)
    for seed, one, orientation, share in product(plan.seeds, facies, orientations, plan.share or (1.0,)):
        for method, values in product(plan.methods, product(*plan.grid.values())):
            grid = dict(zip(plan.grid, values, strict=True))
            keys: dict[str, Any] = plan.common | grid | plan.methods[method] | {"train.seed": seed}
            keys |= {} if orientation is None else {"data.orientation": orientation}
            keys |= {} if one == ALL else {"data.against_rest": one}
            keys |= {} if share == 1 else {"data.share": share}
            axes = grid | {"method": method, "facies": one, "share": share, "seed": seed, "orientation": orientation}
            name = _name(plan, method, grid, axes)
            tree = copy.deepcopy(base)
            tree.pop("output", None)
            for key, value in keys.items():
                try:
                    put_value(tree, key.split("."), copy.deepcopy(value))
                except KeyError as error:
                    problems.setdefault((key, f"{error.args[0]} holds no keys"), []).append(name)
            yield _Draft(name, _label(plan, method, grid), axes, tree)


def _checked(plan: ExperimentConfig, draft: _Draft, problems: dict[tuple[str, str], list[str]]) -> Iterator[Cell]:
    """The cell of a draft; none, and problems, if its configuration is invalid."""
    share = float(draft.axes["share"])
    try:
        config = _on_one_device(Config.model_validate(draft.tree))
        config = _with_equal_steps(config, share) if plan.equal_steps and share < 1 else config
    except ValidationError as error:
        for row in explain(error, Written()):
            problems.setdefault(row, []).append(draft.name)
        return
    split = config.data.split
    if len(plan.orientation or ()) > 1 and split.along is None and split.regions is None and not split.folders:
        what = "is needed: else each orientation would be split along itself, and scored on other lines"
        problems.setdefault(("data.split.along", what), []).append(draft.name)
    if config.trainer.devices != 1 or config.trainer.num_nodes != 1:
        what = "a cell trains on one device: leave devices and num_nodes out; several processes share the cells"
        problems.setdefault(("trainer", what), []).append(draft.name)
    grid = {key: draft.axes[key] for key in plan.grid}
    yield Cell(draft.name, draft.method, grid, draft.axes["facies"], share, draft.axes["seed"], config)


def _on_one_device(config: Config) -> Config:
    given = config.trainer
    one = {key: 1 for key in ("devices", "num_nodes") if getattr(given, key) == "auto"}
    return config.model_copy(update={"trainer": given.model_copy(update=one)})


def _with_equal_steps(config: Config, share: float) -> Config:
    """The configuration with as many steps as all lines would have, and as many validations."""
    epochs = max(1, round(config.train.epochs / share))
    every = min(epochs, max(1, round(config.trainer.val_every_epochs / share)))
    return config.model_copy(
        update={
            "train": config.train.model_copy(update={"epochs": epochs}),
            "trainer": config.trainer.model_copy(update={"val_every_epochs": every}),
        }
    )


def _name(plan: ExperimentConfig, method: str, grid: Mapping[str, Any], axes: Mapping[str, Any]) -> str:
    """`frozen_canvas-tight_share-0.1_seed-0`: the axes that the YAML has, in this order; the seed always."""
    parts = [method, *(f"{key.rpartition('.')[2]}-{slug(value)}" for key, value in grid.items())]
    parts += [axes["orientation"]] if plan.orientation else []
    parts += [slug(axes["facies"])] if plan.facies else []
    parts += [f"share-{axes['share']:g}"] if plan.share else []
    return "_".join([*parts, f"seed-{axes['seed']}"])


def _label(plan: ExperimentConfig, method: str, grid: Mapping[str, Any]) -> str:
    """`frozen, canvas tight`."""
    words = [f"{key.rpartition('.')[2]} {slug(value)}" for key, value in grid.items()]
    return ", ".join([*([] if words and len(plan.methods) == 1 else [method]), *words])


def slug(value: Any) -> str:
    """A value as a part of the name of a folder: `last_blocks-3` of `{kind: last_blocks, blocks: 3}`."""
    if isinstance(value, dict):
        text = "-".join(slug(each) for each in value.values())
    else:
        text = value if isinstance(value, str) else json.dumps(value)
    short = re.sub(r"[^\w.+-]+", "-", text).strip("-.")
    if short and len(short) <= LONGEST_VALUE:
        return short
    return f"{short[:LONGEST_VALUE]}-{hashlib.blake2b(text.encode(), digest_size=4).hexdigest()}".strip("-")
