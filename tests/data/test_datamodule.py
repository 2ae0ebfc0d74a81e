"""Batches follow the configuration, and errors in files are reported unchanged from any process."""

from pathlib import Path
from typing import Literal, get_args

import lightning
import numpy as np
import pytest
import torch
from lightning.pytorch.demos.boring_classes import BoringModel

from sam_seismic.config import DataConfig, InputConfig, SplitConfig
from sam_seismic.data.batches import Batch
from sam_seismic.data.datamodule import (
    DATA_MODULES,
    F3DataModule,
    SeamAIDataModule,
    SeismicDataModule,
    data_module,
    fit_amplitudes_on_part,
)
from sam_seismic.data.dataset import SectionIndex
from sam_seismic.data.loader import SharedBatches
from sam_seismic.errors import ConfigError, SurveyError
from sam_seismic.runs.quiet import quiet_lightning
from sam_seismic.survey import catalog
from sam_seismic.survey.catalog import F3_VOLUMES, SEAM_AI_VOLUMES, F3Volume, SeamAIVolume
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.labelled import labelled
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.parts import Part
from sam_seismic.survey.splits import SectionRef

SHAPE = (60, 50, 24)
INPUTS = InputConfig(side=64)
SPLIT = SplitConfig(val=0.3, guard=2)
Choice = Literal["inline", "crossline", "both"]


def amplitudes(shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def with_a_nan(folder: Path, workers: int) -> SeismicDataModule:
    """A pair of arrays with a damaged validation inline."""
    values = amplitudes(SHAPE)
    values[46, 7, 3] = np.nan
    np.save(folder / "a.npy", values)
    np.save(folder / "l.npy", np.zeros(SHAPE, np.uint8))
    data = DataConfig(
        amplitude=folder / "a.npy",
        labels=folder / "l.npy",
        classes=("sand", "shale"),
        split=SPLIT,
        workers=workers,
    )
    return SeismicDataModule(data, INPUTS)


class Counting(BoringModel):
    """A task that records the names of the sections that it validates on."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        return self.layer(torch.ones(1, 32)).sum()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self.seen += [ref.name for ref in batch.refs]


@pytest.mark.parametrize("workers", [0, 1])
def test_the_error_of_a_damaged_line_is_raised_unchanged(tmp_path: Path, workers: int):
    """PyTorch would turn the error of a worker process into a RuntimeError without a fix."""
    module, task = with_a_nan(tmp_path, workers), Counting()
    with quiet_lightning():
        trainer = lightning.Trainer(
            accelerator="cpu",
            max_epochs=1,
            limit_train_batches=1,
            num_sanity_val_steps=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        with pytest.raises(SurveyError) as caught:
            trainer.fit(task, module)
    assert caught.value.problem == f"{tmp_path / 'a.npy'}: IL 46 has 1 samples that are not finite (NaN or infinite)"
    assert caught.value.fix.startswith("mute or interpolate them")
    assert "IL 31" in task.seen
    assert "IL 46" not in task.seen


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_are_complete_and_in_order(tmp_path: Path, workers: int):
    module = with_a_nan(tmp_path, workers)
    loader = module.split_dataloader("test")
    names = [ref.name for _ in range(2) for batch in loader for ref in batch.refs]
    assert names == 2 * [f"IL {line}" for line in range(51, 60)]
    assert len(loader) == 5


def test_memory_is_pinned_if_there_is_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    module = with_a_nan(tmp_path, 0)
    for available in (True, False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda here=available: here)
        assert module.val_dataloader().pin_memory is available


def test_the_scale_is_fitted_on_the_whole_training_part():
    """Amplitudes grow from line to line; the first 64 lines alone would give 63."""
    shape = (200, 32, 32)
    values = np.ones(shape, np.float32) * np.arange(200, dtype=np.float32)[:, None, None]
    values[..., ::2] *= -1
    grid = Geometry.complete(range(200), range(32), 32)
    volumes = MemoryVolume(values, grid), MemoryVolume(np.zeros(shape, np.uint8), grid)
    refs = tuple(SectionRef(Orientation.INLINE, line) for line in range(200))
    part = Part("train", labelled(*volumes, FaciesTable(("sand",))), refs)
    assert fit_amplitudes_on_part(part, 100).scale.clip == 199
    assert fit_amplitudes_on_part(part, 50).scale.clip == pytest.approx(99.5, abs=2)


@pytest.fixture
def f3_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    known = F3_VOLUMES["train"]
    small = F3Volume(known.files, SHAPE, known.first_inline, known.first_crossline)
    monkeypatch.setattr(catalog, "F3_VOLUMES", F3_VOLUMES | {"train": small})
    for file, values in zip(known.files, (amplitudes(SHAPE), np.zeros(SHAPE, np.uint8)), strict=True):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        np.save(tmp_path / file, values)
    return tmp_path


@pytest.fixture
def seam_ai_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    known = SEAM_AI_VOLUMES["train"]
    monkeypatch.setattr(
        catalog, "SEAM_AI_VOLUMES", SEAM_AI_VOLUMES | {"train": SeamAIVolume(known.segy, known.npz, SHAPE)}
    )
    for (file, key), values in zip(known.npz, (amplitudes(SHAPE), np.ones(SHAPE, np.uint8)), strict=True):
        np.savez(tmp_path / file, **{key: values.transpose(2, 1, 0)})  # [sample, crossline, inline], as published
    return tmp_path


def published(source: str, root: Path, orientation: str) -> DataConfig:
    return DataConfig.model_validate({"source": source, "root": root, "orientation": orientation, "split": SPLIT})


def counts(module: SeismicDataModule, part: str) -> dict[str, int]:
    sections = module.survey.parts[part].sections
    return {str(o): len([ref for ref in sections if ref.orientation is o]) for o in Orientation}


@pytest.mark.parametrize(
    ("orientation", "val"),
    [
        ("inline", {"inline": 18, "crossline": 0}),
        ("crossline", {"inline": 0, "crossline": 15}),
        ("both", {"inline": 18, "crossline": 50}),
    ],
)
def test_the_preset_of_f3(f3_root: Path, orientation: Choice, val: dict[str, int]):
    module = F3DataModule(published("f3", f3_root, orientation), INPUTS, seed=3)
    assert counts(module, "val") == val
    assert set(module.survey.parts) == {"train", "val"}
    batch = next(iter(module.train_dataloader()))
    assert [tuple(image.shape) for image in batch.images] == [(3, 64, 64)] * 2


@pytest.mark.parametrize(
    ("orientation", "val"),
    [
        ("inline", {"inline": 18, "crossline": 0}),
        ("crossline", {"inline": 0, "crossline": 15}),
        ("both", {"inline": 18, "crossline": 50}),
    ],
)
def test_the_preset_of_seam_ai(seam_ai_root: Path, orientation: Choice, val: dict[str, int]):
    module = SeamAIDataModule(published("seam_ai", seam_ai_root, orientation), INPUTS)
    assert counts(module, "val") == val
    assert set(module.survey.parts) == {"train", "val", "test"}
    assert all(labels.max() == 0 for batch in module.test_dataloader() for labels in batch.labels)


def test_a_preset_takes_a_folder(f3_root: Path):
    """It reads both orientations of the default split."""
    module = F3DataModule(f3_root, INPUTS)
    assert counts(module, "val") == counts(
        F3DataModule(DataConfig(source="f3", root=f3_root, orientation="both"), INPUTS), "val"
    )
    assert min(counts(module, "train").values()) > 0


def test_a_folder_alone_is_refused_for_an_unknown_survey(f3_root: Path):
    with pytest.raises(ConfigError, match="does not say which classes"):
        SeismicDataModule(f3_root)


def test_a_configuration_chooses_the_preset(f3_root: Path):
    assert set(DATA_MODULES) == set(get_args(DataConfig.model_fields["source"].annotation))
    assert type(data_module(published("f3", f3_root, "inline"), INPUTS, batch_size=2)) is F3DataModule


def test_a_seed_determines_the_order(f3_root: Path):
    def order(seed: int) -> list[str]:
        module = F3DataModule(published("f3", f3_root, "inline"), INPUTS, seed=seed)
        return [ref.name for batch in module.train_dataloader() for ref in batch.refs]

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert sorted(order(1)) == sorted(order(2))


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4])
def test_an_epoch_has_each_section_once_and_batches_of_one_group(batch_size: int):
    """Sections of one size are encoded together; the remainders of the groups come last."""
    groups = ["inline"] * 7 + ["crossline"] * 9
    sampler = SharedBatches(groups, batch_size, seed=3)
    orders = []
    for epoch in (0, 1, 0):
        sampler.set_epoch(epoch)
        batches = [[index.section for index in batch] for batch in sampler]
        assert all(index == SectionIndex(index.section, epoch) for batch in sampler for index in batch)
        assert len(batches) == len(sampler)
        order = [section for batch in batches for section in batch]
        assert sorted(order) == list(range(16))
        assert {len(batch) for batch in batches[:-1]} == {batch_size}
        mixed = [len({groups[section] for section in batch}) > 1 for batch in batches]
        assert sum(mixed) <= 1
        assert not any(mixed[: (7 // batch_size) + (9 // batch_size)])
        orders.append(order)
    assert orders[0] == orders[2]
    assert orders[0] != orders[1]
    kinds = [groups[section] for section in orders[0]]
    assert kinds != sorted(kinds), "the two orientations should be mixed"
    assert kinds != sorted(kinds, reverse=True)


@pytest.mark.parametrize(("processes", "batch_size"), [(2, 1), (2, 2), (3, 2), (4, 4)])
def test_processes_together_see_the_batches_of_one_process(processes: int, batch_size: int):
    """Each section once an epoch; a section that fills the last batch has `counts=False`."""
    groups = ["inline"] * 7 + ["crossline"] * 10
    alone = SharedBatches(groups, processes * batch_size, seed=3)
    shared = [SharedBatches(groups, batch_size, seed=3, share=(rank, processes)) for rank in range(processes)]
    for sampler in (alone, *shared):
        sampler.set_epoch(1)
    whole, parts = list(alone), [list(sampler) for sampler in shared]
    assert {len(part) for part in parts} == {len(whole)} == {len(sampler) for sampler in shared}
    for batch, *mine in zip(whole, *parts, strict=True):
        assert all(0 < len(part) <= batch_size for part in mine)
        assert sorted(index for part in mine for index in part if index.counts) == sorted(batch)


def test_a_section_that_fills_a_batch_has_no_labels(tmp_path: Path):
    dataset = with_a_nan(tmp_path, 0).dataset("train")
    real, filling = dataset[SectionIndex(3)], dataset[SectionIndex(3, counts=False)]
    assert real.ref == filling.ref
    assert torch.equal(real.image, filling.image)
    assert set(real.labels.unique().tolist()) == {0}
    assert set(filling.labels.unique().tolist()) == {255}


@pytest.mark.parametrize("workers", [0, 1])
def test_a_loader_resumes_within_an_epoch(tmp_path: Path, workers: int):
    """The next epoch is complete again."""
    first, second = (with_a_nan(tmp_path, workers).train_dataloader() for _ in range(2))
    names = [batch.refs for batch in first]
    batches = iter(second)
    assert [next(batches).refs for _ in range(4)] == names[:4]
    state = second.state_dict()
    del batches
    third = with_a_nan(tmp_path, workers).train_dataloader()
    third.load_state_dict(state)
    assert [batch.refs for batch in third] == names[4:]
    assert third.state_dict() == {"epoch": 0, "given": len(names)}
    third.batch_sampler.set_epoch(1)
    assert sorted(ref.line for batch in third for ref in batch.refs) == sorted(
        ref.line for both in names for ref in both
    )
