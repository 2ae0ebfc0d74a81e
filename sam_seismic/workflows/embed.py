"""A configuration comes in; the filled embedding store of its training goes out. Or a store is listed or pruned."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sam_seismic.config import Config
from sam_seismic.errors import ConfigError, UserError
from sam_seismic.inspection.label_check import check_training_labels
from sam_seismic.listener import Listener, Silent
from sam_seismic.runs.devices import choose_device
from sam_seismic.runs.memory_advice import memory_advice, training_remedies
from sam_seismic.runs.slurm_job import SlurmJob
from sam_seismic.survey.parts import open_folds
from sam_seismic.tasks.building import describe, prepare
from sam_seismic.tuning.store import EmbeddingStore, set_frozen_precision, store_folder
from sam_seismic.tuning.stored_groups import StoredGroup, prune, stored_groups


@dataclass(frozen=True)
class EmbedRequest:
    """What to encode before training.

    Args:
        config: the experiment.
        batch_size: number of sections encoded together; None for the batch size of the training.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, ...
    """

    config: Config
    batch_size: int | None = None
    device: str = "auto"


@dataclass(frozen=True)
class StoreRequest:
    """Which store to list or prune.

    Args:
        folder: folder of the store; None for the store of trainings without train.store.
        prune_days: remove the groups that no run has used for this number of days; None to list the groups.
    """

    folder: Path | None = None
    prune_days: float | None = None


def embed(request: EmbedRequest, listener: Listener) -> Path | None:
    """Fill the store of a training with the embeddings that are missing, and return its folder.

    Each task of a Slurm job encodes a share of the sections; all tasks but the first return None.

    Raises:
        UserError: the configuration, the survey, its labels or the weights cannot be used, the configuration uses no
            store, or memory runs out.
    """
    check_uses_store(request.config)
    job = SlurmJob.current()
    if job is not None:
        job.limit_threads()
    first = job is None or job.rank == 0
    listener = listener if first else Silent()
    device = choose_device(request.device, job)
    for config in _of_each_fold(request.config):
        if config is not request.config:
            listener.say(f"fold {config.data.split.fold}:")
        folder = _fill(replace(request, config=config), device, job, listener)
    return folder if first else None


def _of_each_fold(config: Config) -> list[Config]:
    """The configurations of the folds of a cross-validation; else the configuration itself."""
    if not config.data.split.has_all_folds:
        return [config]
    return [config.of_fold(number) for number in range(1, len(open_folds(config.data)) + 1)]


def _fill(request: EmbedRequest, device: torch.device, job: SlurmJob | None, listener: Listener) -> Path:
    """Fill the store of one training, and return its folder."""
    config = request.config
    with memory_advice(training_remedies(config, encoding=request.batch_size or config.train.batch_size)):
        prepared = prepare(config)
        module, task = prepared.data, prepared.task
        check_training_labels(module.survey, config.data, listener)
        for line in describe(prepared):
            listener.say(line)
        assert task.network.cut is not None, "checked by check_uses_store"
        set_frozen_precision(task.network.cut, config)
        task.network.to(device)
        store = EmbeddingStore(config, module, task.network.cut)
        share = (job.rank, job.tasks) if job is not None and job.tasks > 1 else None
        store.fill(listener, share=share, batch_size=request.batch_size)
    return store.folder


def check_uses_store(config: Config) -> None:
    """Refuse a configuration whose training would not use the embedding store.

    Raises:
        ConfigError: the whole encoder is trained, or the store is switched off.
    """
    if not config.caches:
        raise ConfigError(
            problem="this configuration keeps no embeddings: "
            + ("train.cache: false" if config.model.freezes else config.model.why_nothing_is_frozen),
            fix=f"set {config.model.to_freeze}, and leave train.cache out",
        )


def tidy_store(request: StoreRequest, _: Listener) -> list[StoredGroup]:
    """The groups of a store; if the request prunes it, those that were removed.

    Raises:
        UserError: the folder that the request names does not exist.
    """
    if request.folder is not None and not request.folder.is_dir():
        raise UserError(
            problem=f"{request.folder}: there is no such folder", fix="give the folder that train.store names"
        )
    folder = store_folder(request.folder)
    if request.prune_days is None:
        return list(stored_groups(folder))
    return prune(folder, days=request.prune_days)
