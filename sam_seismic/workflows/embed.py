"""A configuration comes in; the embedding store that its training reads from goes out, filled; or a store is tidied."""

from dataclasses import dataclass
from pathlib import Path

from sam_seismic.config import Config
from sam_seismic.errors import ConfigError, UserError
from sam_seismic.listener import Listener, Silent
from sam_seismic.runs.devices import choose_device
from sam_seismic.runs.memory_advice import memory_advice, training_remedies
from sam_seismic.runs.slurm_job import SlurmJob
from sam_seismic.tasks.building import describe, prepare
from sam_seismic.tuning.embedding_store import StoredGroup, prune, stored_groups
from sam_seismic.tuning.store import EmbeddingStore, hold_frozen, store_folder


@dataclass(frozen=True)
class EmbedRequest:
    """What to encode ahead of training.

    Args:
        config: the experiment.
        batch_size: sections at a time; None for that of the training.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, ...
    """

    config: Config
    batch_size: int | None = None
    device: str = "auto"


def embed(request: EmbedRequest, listener: Listener) -> Path | None:
    """Fill the store that a training would read from, and return its folder. What is in it already stays.

    Each task of a Slurm job encodes its share; None on all but the first.

    Raises:
        UserError: the configuration, the survey or the weights cannot be used as they are, or keep nothing; or memory
            runs out.
    """
    config = request.config
    if not config.caches:
        raise ConfigError(
            problem="this configuration keeps no embeddings: "
            + ("train.cache: false" if config.model.freezes else "model.encoder: full"),
            fix="set model.encoder: frozen or last_blocks, and leave train.cache out",
        )
    job = SlurmJob.current()
    if job is not None:
        job.limit_threads()
    first = job is None or job.rank == 0
    listener = listener if first else Silent()
    device = choose_device(request.device, job)
    with memory_advice(training_remedies(config, encoding=request.batch_size or config.train.batch_size)):
        prepared = prepare(config)
        module, task = prepared.data, prepared.task
        for line in describe(task, module):
            listener.say(line)
        assert task.network.cut is not None, "the configuration knows what can be kept"
        hold_frozen(task.network.cut, config)
        task.network.to(device)
        store = EmbeddingStore(config, module, task.network.cut)
        share = (job.rank, job.tasks) if job is not None and job.tasks > 1 else None
        store.fill(listener, share=share, batch_size=request.batch_size)
    return store.folder if first else None


def stored(folder: Path | None) -> list[StoredGroup]:
    """What a store holds.

    Raises:
        UserError: the folder that was chosen is not there.
    """
    return list(stored_groups(_there(folder)))


def prune_store(folder: Path | None, *, days: float) -> list[StoredGroup]:
    """Remove from a store what no run has used for some days; what was removed.

    Raises:
        UserError: the folder that was chosen is not there.
    """
    return prune(_there(folder), days=days)


def _there(chosen: Path | None) -> Path:
    """The folder of a store; one that was named must be there."""
    if chosen is not None and not chosen.is_dir():
        raise UserError(problem=f"{chosen}: there is no such folder", fix="give the folder that train.store names")
    return store_folder(chosen)
