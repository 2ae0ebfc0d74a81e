"""What the README tells people to type works: its YAML is valid, and its commands run as they stand."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml

from sam_seismic.config import load_config, parse_config
from sam_seismic.sam import weights
from tests.cli.running import Made, Run
from tests.survey.published_files import write_npz
from tests.survey.test_catalog_fetch import shop  # noqa: F401  # a fixture

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
FENCES = re.findall(r"^```(\w*)\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def commands(kind: str) -> list[list[str]]:
    """Command lines in the fences of a kind: plain ones, and `sh` for those on real data."""
    lines = [line for found, text in FENCES if found == kind for line in text.replace("\\\n", " ").splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("sam-seismic ")]


def test_there_are_commands_to_try():
    assert {words[0] for words in commands("")} >= {"inspect", "weights", "train", "eval", "predict", "score"}


def test_the_configuration_by_example_is_valid():
    (text,) = (text for kind, text in FENCES if kind == "yaml" and text.startswith("data:"))
    assert parse_config(yaml.safe_load(text), "README.md").model.size == "vit_b"


def test_the_split_by_regions_is_valid():
    (text,) = (text for kind, text in FENCES if kind == "yaml" and not text.startswith("data:"))
    data = {"source": "synthetic"} | yaml.safe_load(text)
    assert parse_config({"data": data}, "README.md").data.split.regions is not None


@pytest.mark.usefixtures("pictures")
def test_the_commands_run_in_their_order(made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A survey under the README's names, and a small network in place of ViT-B, whose weights are not fetched here."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(made.amplitude, "amplitude.sgy")
    shutil.copy(made.labels, "labels.sgy")
    config = yaml.safe_load(made.config.read_text())
    config["model"]["encoder"] = "frozen"  # as of the README's
    Path("my_survey.yaml").write_text(yaml.safe_dump(config))
    monkeypatch.setattr(weights, "fetch", lambda name, folder, *, progress: Path(f"{name}.pth"))
    for words in commands(""):
        result = run(*words)
        assert result.exit_code == 0, f"{words}: {result.stderr}"
    assert Path("runs/my_survey/test/metrics.json").is_file()


@pytest.mark.usefixtures("pictures")
def test_the_commands_on_real_data_run(shared_data: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As they stand, but for a small canvas and one epoch."""
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("data/penobscot").symlink_to(shared_data / "penobscot")
    Path("data/f3_sections").symlink_to(shared_data / "f3_sections")
    Path("configs").symlink_to(ROOT / "configs")
    small = ("--set", "train.epochs=1", "--set", "input.side=64", "--set", "trainer.accelerator=cpu")
    tried = commands("sh")
    assert [words[0] for words in tried] == ["train", "eval", "predict", "train", "eval"]
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
    tried = commands("bash")
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


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "docs/formats.md", "docs/benchmarks.md", "docs/cluster.md"]
)
def test_files_that_it_links_are_there(page: str):
    links = re.findall(r"\]\((?!http|#)([^)]+)\)", (ROOT / page).read_text())
    assert links or page in ("CONTRIBUTING.md", "docs/benchmarks.md", "docs/cluster.md")
    assert all(((ROOT / page).parent / link.partition("#")[0]).is_file() for link in links), links
