"""The YAML of an experiment: all problems at once with their keys, stable names of cells, and what each cell trains."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from sam_seismic.config.cells import load_experiment, slug
from sam_seismic.errors import ConfigError

SHIPPED = sorted((Path(__file__).parents[1] / "configs" / "experiments").glob("*.yaml"))
BASE = {"data": {"source": "synthetic"}, "model": {"size": "vit_t", "weights": "random"}, "train": {"epochs": 4}}
METHODS = {"frozen": {"model.encoder": "frozen"}, "full": {"model.encoder": "full"}}


def written(folder: Path, **keys: Any) -> Path:
    path = folder / "e.yaml"
    path.write_text(yaml.safe_dump({"base": BASE, "methods": METHODS} | keys, sort_keys=False))
    return path


def problem(folder: Path, **keys: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        load_experiment(written(folder, **keys))
    return caught.value.problem


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_experiments_are_valid_and_start_with_their_command(path: Path):
    assert path.read_text().startswith(f"# sam-seismic experiment --config configs/experiments/{path.name}\n")
    found = load_experiment(path)
    assert len(found.cells) >= 18
    assert found.output == Path("experiments") / path.stem


def test_the_matrix_has_every_combination_but_two_frozen_parts():
    found = load_experiment(next(path for path in SHIPPED if path.stem == "minerva_f3"))
    trained = {(cell.config.model.encoder.kind, cell.config.model.decoder) for cell in found.cells}
    assert trained == {("frozen", "full"), ("full", "frozen"), ("full", "full")}
    assert {cell.share for cell in found.cells} == {0.01, 0.1, 0.5, 1}
    assert {cell.orientation for cell in found.cells} == {"inline", "crossline", "both"}
    assert found.cross["seam_ai"].data.source == "seam_ai"


def test_cells_vary_what_they_say_and_nothing_else(tmp_path: Path):
    found = load_experiment(
        written(tmp_path, share=[0.1, 1], seeds=[0, 7], facies=["all", "salt"], orientation=["inline"])
    )
    assert len(found.cells) == 2 * 2 * 2 * 2
    cell = next(each for each in found.cells if each.name == "full_inline_salt_share-0.1_seed-7")
    assert (cell.method, cell.facies, cell.share, cell.seed) == ("full", "salt", 0.1, 7)
    config = cell.config
    assert (config.model.encoder.kind, config.data.against_rest, config.data.share) == ("full", "salt", 0.1)
    assert (config.train.seed, config.data.orientation, config.train.epochs) == (7, "inline", 4)
    assert (config.trainer.devices, config.trainer.num_nodes) == (1, 1)
    assert [each.seed for each in found.cells] == [0] * 8 + [7] * 8, "the first seed comes first"


def test_names_stay_when_values_are_added(tmp_path: Path):
    few = load_experiment(written(tmp_path, share=[1], seeds=[0]))
    many = load_experiment(written(tmp_path, share=[0.5, 1], seeds=[0, 1]))
    by_name = {cell.name: cell for cell in many.cells}
    assert all(by_name[cell.name] == cell for cell in few.cells)


def test_a_grid_multiplies_the_methods(tmp_path: Path):
    found = load_experiment(written(tmp_path, grid={"input.canvas": ["square", "tight"]}, common={"train.epochs": 9}))
    assert [cell.name for cell in found.cells] == [
        "frozen_canvas-square_seed-0", "frozen_canvas-tight_seed-0",
        "full_canvas-square_seed-0", "full_canvas-tight_seed-0",
    ]  # fmt: skip
    assert [cell.method for cell in found.cells][1] == "frozen, canvas tight"
    assert found.cells[1].config.input.canvas == "tight"
    assert found.cells[1].grid == {"input.canvas": "tight"}
    assert {cell.config.train.epochs for cell in found.cells} == {9}


def test_what_cannot_apply_is_skipped_by_name(tmp_path: Path):
    """Frozen x frozen is refused, with the name of such a cell, until it is left out."""
    both = {"grid": {"model.encoder": ["frozen", "full"], "model.decoder": ["frozen", "full"]}, "methods": {"sam": {}}}
    told = problem(tmp_path, **both)
    assert "encoder and decoder cannot both be frozen" in told
    assert "in 1 of 4 cells, such as sam_encoder-frozen_decoder-frozen_seed-0" in told
    skip = [{"model.encoder": "frozen", "model.decoder": "frozen"}]
    assert len(load_experiment(written(tmp_path, **both, skip=skip)).cells) == 3
    assert "matches no cell" in problem(tmp_path, skip=[{"method": "lora"}])
    assert "leaves no cell" in problem(tmp_path, skip=[{"seed": 0}])


def test_equal_steps_give_fewer_lines_more_epochs(tmp_path: Path):
    found = load_experiment(written(tmp_path, share=[0.1, 1], equal_steps=True))
    assert [(each.share, each.config.train.epochs, each.config.trainer.val_every_epochs) for each in found.cells] == [
        (0.1, 40, 10), (0.1, 40, 10), (1, 4, 1), (1, 4, 1)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"shar": [1]}, "shar  unknown key; did you mean share?"),
        ({"share": [2]}, "share.0"),
        ({"seeds": []}, "seeds"),
        ({"seeds": [1, 1]}, "seeds: 1 stands twice"),
        ({"methods": {"a/b": {}}}, "methods.a/b"),
        ({"methods": {"a": {"train.seed": 1}}}, "methods.a: train.seed is set by seeds"),
        ({"common": {"data.share": 0.5}}, "common: data.share is set by share"),
        ({"grid": {"model.encoder": ["full"]}}, "model.encoder is set by grid, too"),
        ({"skip": [{"epoch": 1}]}, "skip: epoch is none of"),
        ({"skip": [{}]}, "would leave out everything"),
        ({"equal_steps": True}, "equal_steps cannot apply without share"),
        ({"cross": {"test": {"config": "x.yaml"}}}, "cross.test: is the name of the split"),
        ({"evaluate": {"spilt": "val"}}, "evaluate.spilt  unknown key; did you mean evaluate.split?"),
        ({"methods": {"a": {"train.epoch": 1}}}, "train.epoch  unknown key; did you mean train.epochs?"),
        ({"methods": {"a": {"train.epochs.x": 1}}}, "train.epochs.x  epochs holds no keys"),
        ({"common": {"trainer.devices": 2}}, "a cell trains on one device"),
        ({"orientation": ["inline", "both"]}, "data.split.along  is needed: else each orientation would be split"),
        ({"share": [0.5], "common": {"data.every": 2}}, "every and share cannot apply together"),
    ],
    ids=str,
)
def test_problems_are_told_with_their_keys(tmp_path: Path, keys: dict[str, Any], words: str):
    assert words in problem(tmp_path, **keys)


def test_all_problems_come_at_once(tmp_path: Path):
    methods = {"a": {"train.epoch": 1}, "b": {"train.batch_size": 0}, "c": {"model.encoder": "froze"}}
    told = problem(tmp_path, methods=methods)
    assert told.startswith(f"{tmp_path / 'e.yaml'}: 3 problems")
    assert "train.batch_size" in told
    assert "(in 1 of 3 cells, such as b_seed-0)" in told


def test_the_base_lies_beside_the_experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "sub").mkdir()
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(BASE))
    (tmp_path / "sub" / "e.yaml").write_text("base: ../run.yaml\noutput: there\n")
    monkeypatch.chdir(tmp_path)
    found = load_experiment("sub/e.yaml", ["train.epochs=2"])
    assert found.cells[0].config.train.epochs == 2
    assert [cell.name for cell in found.cells] == ["base_seed-0"]
    assert found.output == Path("there")
    assert load_experiment("sub/e.yaml", [], Path("here")).output == Path("here")


@pytest.mark.parametrize(
    ("value", "name"),
    [({"kind": "last_blocks", "blocks": 3}, "last_blocks-3"), (True, "true"), (1e-4, "0.0001"), ("a/b c", "a-b-c"),
     (None, "null")],
)  # fmt: skip
def test_values_in_names(value: object, name: str):
    assert slug(value) == name
    assert len(slug("x" * 300)) < 60
