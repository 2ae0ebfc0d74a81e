"""`inspect` estimates the embeddings that a training will store."""

from pathlib import Path

import pytest

from sam_seismic.config import Config
from sam_seismic.files import disk
from sam_seismic.inspection import embedding_estimate
from sam_seismic.inspection.dry_run import meta_task
from sam_seismic.inspection.embedding_estimate import EmbeddingEstimate, estimate_embeddings
from sam_seismic.listener import Silent
from sam_seismic.survey.parts import open_survey
from sam_seismic.workflows.embed import EmbedRequest, embed


def config_of(store: Path | None, **model: object) -> Config:
    tree = {
        "data": {"source": "synthetic", "synthetic": {"shape": [32, 40, 48]}, "every": 4},
        "input": {"side": 64, "canvas": "tight", "jitter": 0.1, "jittered_copies": 2},
        "model": {"size": "vit_t", "weights": "random", "encoder": "frozen"} | model,
        "train": {"batch_size": 2} | ({} if store is None else {"store": str(store)}),
    }
    return Config.model_validate(tree)


def estimate_of(config: Config) -> EmbeddingEstimate | None:
    survey = open_survey(config.data)
    return estimate_embeddings(config, survey, meta_task(config, survey.facies))


@pytest.mark.parametrize(
    "model", [{}, {"encoder": {"kind": "last_blocks", "blocks": 2}}], ids=["frozen", "last blocks"]
)
def test_the_estimate_equals_the_content_of_the_store(tmp_path: Path, model: dict[str, object]):
    config = config_of(tmp_path / "store", **model)
    before = estimate_of(config)
    assert before is not None
    assert before.stored == 0
    assert not (tmp_path / "store").exists()
    embed(EmbedRequest(config, device="cpu"), Silent())
    files = list((tmp_path / "store").glob("*/*.npy"))
    assert len(before.shapes) == len(files)
    assert before.size == sum(file.stat().st_size for file in files)
    assert before.sections < len(files) <= 4 * before.sections
    files[0].unlink()
    after = estimate_of(config)
    assert after is not None
    assert after.stored == len(files) - 1
    assert after.facts() == before.facts() | {"kept": len(files) - 1, "disk_free": after.free}


def test_embeddings_of_another_experiment_are_not_counted(tmp_path: Path):
    config = config_of(tmp_path)
    embed(EmbedRequest(config, device="cpu"), Silent())
    other = config.model_copy(update={"train": config.train.model_copy(update={"seed": 1})})  # other random weights
    for each in (other, config_of(tmp_path, encoder={"kind": "last_blocks", "blocks": 1})):
        store = estimate_of(each)
        assert store is not None
        assert store.stored == 0


def test_a_slow_look_up_is_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    config = config_of(tmp_path)
    embed(EmbedRequest(config, device="cpu"), Silent())
    monkeypatch.setattr(embedding_estimate, "LOOKUP_LIMIT", -1)
    store = estimate_of(config)
    assert store is not None
    assert store.stored is None
    assert dict(store.block().rows)["stored already"] == "not looked up: that would take long"


def test_a_full_disk_is_reported_as_in_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    config = config_of(tmp_path)
    store = estimate_of(config)
    assert store is not None
    assert store.warnings == ()
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: disk.shutil._ntuple_diskusage(9, 8, 1000))
    store = estimate_of(config)
    assert store is not None
    assert "storing the embeddings needs" in store.warnings[0]
    assert "sam-seismic embed --prune 30" in store.warnings[0]
    assert store.free == 1000


@pytest.mark.parametrize("change", [{"model": {"encoder": "full"}}, {"train": {"cache": False}}], ids=str)
def test_there_is_no_estimate_without_a_store(change: dict[str, dict[str, object]]):
    tree = config_of(None).model_dump()
    tree = {name: part | change.get(name, {}) if isinstance(part, dict) else part for name, part in tree.items()}
    assert estimate_of(Config.model_validate(tree)) is None
