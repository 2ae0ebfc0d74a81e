"""Lightning's Trainer with this project's checkpoints, logs and progress, and its complaints in our words."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning.pytorch.utilities import rank_zero_only

from sam_seismic.config import Config, TrainerConfig
from sam_seismic.errors import ConfigError
from sam_seismic.workflows.callbacks import MetricsFile, TrainingProgress
from sam_seismic.workflows.listener import Listener
from sam_seismic.workflows.runfolder import RunFolder


def is_first_process() -> bool:
    """Whether this is the process that prints, draws and makes folders; the only one, but for distributed training."""
    return int(getattr(rank_zero_only, "rank", 0)) == 0


def training_trainer(
    config: Config, folder: RunFolder, listener: Listener, further: Sequence[Callback] = ()
) -> lightning.Trainer:
    """The Trainer that a configuration asks for.

    Args:
        config: the experiment.
        folder: where it writes.
        listener: is told of progress.
        further: callbacks beside the usual ones.

    Raises:
        ConfigError: Lightning or this machine cannot do what it asks for.
    """
    callbacks: list[Callback] = [
        *further,
        # The table comes first: a checkpoint must never be ahead of it.
        MetricsFile(folder.path / "metrics.csv"),
        TrainingProgress(listener),
        RunCheckpoint(folder.best, monitor="val_mean_iou", mode="max", save_weights_only=True),
        RunCheckpoint(folder.last, save_on_train_epoch_end=True),
    ]
    if config.train.patience is not None:
        callbacks.append(Patience("val_mean_iou", patience=config.train.patience, mode="max"))
    options: dict[str, Any] = config.trainer.model_dump(exclude={"val_every_epochs"})
    return _made(
        **options,
        max_epochs=config.train.epochs,
        check_val_every_n_epoch=config.trainer.val_every_epochs,
        callbacks=callbacks,
        logger=TensorBoardLogger(folder.path, name="", version="tensorboard"),
        plugins=[WholeCheckpointIO()],
        default_root_dir=folder.path,
        log_every_n_steps=1,
        num_sanity_val_steps=0,
    )


def testing_trainer(device: torch.device, callbacks: Sequence[Callback]) -> lightning.Trainer:
    """A Trainer that measures on one device and writes nothing."""
    devices = 1 if device.type == "cpu" or device.index is None else [device.index]
    return _made(accelerator=device.type, devices=devices, logger=False, callbacks=list(callbacks))


def _made(**options: Any) -> lightning.Trainer:
    try:
        return lightning.Trainer(**options, enable_progress_bar=False, enable_model_summary=False)
    except (MisconfigurationException, ValueError, TypeError, RuntimeError) as error:
        known = ", ".join(f"trainer.{name}" for name in TrainerConfig.model_fields)
        raise ConfigError(
            problem=f"this training cannot run here: {str(error).splitlines()[0]}",
            fix=f"trainer.accelerator: auto and trainer.devices: auto take what there is; all that can be set: {known}",
        ) from error


class WholeCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint under a temporary name first: a reader finds the old one or the new one, never a part."""

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any = None,  # noqa: ARG002  # part of the interface
    ) -> None:
        """Save, or leave nothing behind.

        Raises:
            OSError: of the file system, with the path of the checkpoint.
        """
        final = Path(path)
        temporary = final.with_name(f".{final.name}.part")
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                torch.save(checkpoint, file)
            temporary.replace(final)
        except RuntimeError as error:
            # PyTorch's writer meets the real error first and complains of what follows from it.
            if isinstance(error.__context__, OSError):
                raise OSError(error.__context__.errno, error.__context__.strerror, str(final)) from error
            raise
        finally:
            temporary.unlink(missing_ok=True)


class RunCheckpoint(ModelCheckpoint):
    """One checkpoint under one name; it stays with its run when the folder is moved.

    Args:
        path: of the checkpoint.
        monitor: metric that decides whether it is replaced; None replaces it every time.
        mode: `max` or `min`, what is better.
        save_weights_only: leave out what only a resumed run needs.
        save_on_train_epoch_end: at the end of every epoch, also of those without validation.
    """

    def __init__(
        self,
        path: Path,
        *,
        monitor: str | None = None,
        mode: str = "min",
        save_weights_only: bool = False,
        save_on_train_epoch_end: bool | None = None,
    ) -> None:
        super().__init__(
            path.parent,
            filename=path.stem,
            monitor=monitor,
            mode=mode,
            save_weights_only=save_weights_only,
            save_on_train_epoch_end=save_on_train_epoch_end,
            enable_version_counter=False,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the best score, with its path in the folder as it is called now.

        Lightning compares folders by name and would forget the score of a run that was moved.
        """
        moved = dict(state_dict) | {"dirpath": self.dirpath}
        for name in ("best_model_path", "kth_best_model_path", "last_model_path"):
            if state_dict.get(name):
                moved[name] = self._here(state_dict[name])
        moved["best_k_models"] = {self._here(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict(moved)

    def _here(self, path: str) -> str:
        assert self.dirpath is not None, "always given"
        return str(Path(self.dirpath) / Path(path).name)


class Patience(EarlyStopping):
    """Early stopping whose patience is what the configuration says now, also in a resumed run."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over how long the score has not risen, but not the patience."""
        super().load_state_dict(state_dict | {"patience": self.patience})
