"""What the pages in docs/ tell people to type works: their YAML is valid, and their commands run as they stand."""

from pathlib import Path

import pytest
import torch
import yaml

from sam_seismic.config import load_config, parse_config
from sam_seismic.sam import build_sam
from tests.cli.running import Made, Run
from tests.cli.test_readme import lay_out
from tests.docs.pages import PAGES, ROOT, commands, fences
from tests.survey.published_files import write_npz
from tests.survey.test_catalog_fetch import shop  # noqa: F401  # a fixture

TRIED = {
    ("README.md", ""),  # by test_readme.py
    ("docs/how-to.md", ""),
    ("docs/formats.md", ""),  # by test_several_files.py
    ("docs/surveys.md", "bash"),
    ("docs/surveys.md", "sh"),
    ("docs/benchmarks.md", "sh"),
    ("docs/weights.md", ""),
}
"""Pages and kinds of fences whose commands are run."""
TRIED_ELSEWHERE = {"submit": "test_submit.py", "status": "test_status.py", "experiment": "test_experiment.py"}


def test_no_command_stands_on_a_page_that_is_not_tried():
    found = {(page, kind) for page in PAGES for kind, _ in fences(page) if commands(page, kind)}
    untried = [words for place in found - TRIED for words in commands(*place) if words[0] not in TRIED_ELSEWHERE]
    assert untried == []
    assert found >= TRIED


def test_the_splits_are_valid():
    texts = [text for kind, text in fences("docs/how-to.md") if kind == "yaml"]
    splits = [
        parse_config({"data": {"source": "synthetic"} | yaml.safe_load(text)["data"]}, "how-to.md").data.split
        for text in texts
    ]
    assert [(split.regions is None, split.folds) for split in splits] == [(True, None), (False, None), (True, 5)]


def test_the_recipes_run_in_their_order(made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """After a training, as the page says; the shell would put the folders of all runs in place of the star."""
    monkeypatch.chdir(tmp_path)
    lay_out(made)
    assert run("train", "--config", "my_survey.yaml", "--set", "train.epochs=1").exit_code == 0
    config = yaml.safe_load(Path("my_survey.yaml").read_text())
    config["data"] |= {"split": {"folds": 2, "guard": 1}, "every": 8}
    Path("my_folds.yaml").write_text(yaml.safe_dump(config))
    tried = commands("docs/how-to.md", "")
    assert {words[0] for words in tried} == {"embed", "train", "predict", "status", "inspect"}
    for words in tried:
        there = [path for word in words for path in (map(str, Path().glob(word)) if "*" in word else [word])]
        result = run(*there)
        assert result.exit_code == 0, f"{words}: {result.stderr}"
    assert Path("tops.csv").is_file()
    assert Path("runs/my_survey_tight/checkpoints/best.ckpt").is_file()
    assert Path("runs/folds/folds.json").is_file()


def test_a_weights_file_of_another_program_is_verified(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"model": build_sam("vit_t").state_dict()}, "medsam_vit_b.pth")
    (words,) = commands("docs/weights.md", "")
    assert run(*words).exit_code == 0


@pytest.mark.parametrize(
    ("page", "steps"),
    [("docs/surveys.md", ["train", "eval", "predict", "train", "eval"]), ("docs/benchmarks.md", ["train", "eval"])],
)
def test_the_commands_on_real_data_run(
    page: str, steps: list[str], shared_data: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As they stand, but for a small canvas and one epoch."""
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("data/penobscot").symlink_to(shared_data / "penobscot")
    Path("data/f3_sections").symlink_to(shared_data / "f3_sections")
    Path("configs").symlink_to(ROOT / "configs")
    small = ("--set", "train.epochs=1", "--set", "input.side=64", "--set", "trainer.accelerator=cpu")
    tried = commands(page, "sh")
    assert [words[0] for words in tried] == steps
    for words in tried:
        result = run(*words, *(small if words[0] == "train" else ()))
        assert result.exit_code == 0, f"{words}: {result.stderr}"


@pytest.mark.usefixtures("shop")
def test_the_commands_on_published_surveys_run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """From a shop on this machine, with surveys too small to train on: test_published.py trains on larger ones."""
    monkeypatch.chdir(tmp_path)
    Path("configs").symlink_to(ROOT / "configs")
    Path("data/seam_ai").mkdir(parents=True)
    write_npz(Path("data/seam_ai"), "train", "test1", "test2")
    tried = commands("docs/surveys.md", "bash")
    assert [words[:2] for words in tried] == [
        ["data", "list"], ["data", "fetch"], ["train", "--config"], ["data", "verify"]
    ]  # fmt: skip
    for words in tried:
        if words[0] == "train":
            data = load_config(Path(words[2]), words[4:]).data
            assert data.root is not None
            assert (data.root / "data/train/train_seismic.npy").is_file()
            continue
        result = run(*words)
        assert result.exit_code == 0, f"{words}: {result.stderr}"
