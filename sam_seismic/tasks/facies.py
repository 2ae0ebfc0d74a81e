"""Facies segmentation: batches of labelled sections come in; the loss and the scores of a network go out."""

from typing import Any

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torchmetrics.classification import MulticlassConfusionMatrix

from sam_seismic.config import TrainConfig
from sam_seismic.data.batches import Batch
from sam_seismic.errors import SurveyError
from sam_seismic.networks import Network
from sam_seismic.networks.section_logits import section_logits
from sam_seismic.scoring.scores import FaciesScores
from sam_seismic.survey.facies import IGNORE
from sam_seismic.tasks.checkpoint import KEY, NETWORK, CheckpointMetadata, with_current_names
from sam_seismic.tasks.finite_numbers import network_overflows
from sam_seismic.tasks.losses import build_loss
from sam_seismic.tasks.optimiser import build_optimiser, build_schedule
from sam_seismic.tasks.rank_sync import sum_over_processes
from sam_seismic.tuning.finite import all_finite


class FaciesSegmentation(lightning.LightningModule):
    """Trains and scores a network on the classes of all labelled voxels.

    Args:
        network: computes the logits.
        metadata: metadata for the checkpoints; names the classes.
        train: the optimisation; None if nothing is trained.
    """

    def __init__(self, network: Network, metadata: CheckpointMetadata, train: TrainConfig | None = None) -> None:
        super().__init__()
        self.metadata = metadata
        self.network = network
        self._train_config = train or TrainConfig()
        self._loss = build_loss(self._train_config.loss)
        self.confusion = MulticlassConfusionMatrix(len(metadata.facies), ignore_index=IGNORE, validate_args=False)
        self._sums: Tensor | None = None
        self.steps_ahead = 0
        """How many steps further the learning rate is than the steps that were taken; not 0 where a resumed run has
        another number of steps in an epoch than before."""

    def forward(self, canvas: Tensor) -> Tensor:
        """Canvas float[section, 3, height, width] -> logits float[section, class, h, w]."""
        logits: Tensor = self.network(canvas)
        return logits

    def section_logits(self, batch: Batch) -> list[Tensor]:
        """Logits float32[class, sample, trace] of each section of a batch, without padding."""
        return section_logits(self.network, batch)

    def configure_model(self) -> None:
        """Shard the parameters if the strategy has a device mesh; Lightning calls this."""
        if self.device_mesh is not None:
            self.network.shard(self.device_mesh["data_parallel"])

    def training_step(self, batch: Batch) -> Tensor:
        """Loss over all labelled voxels in the batches of all processes."""
        loss = self.loss(self.section_logits(batch), batch)
        self.log("train_loss_step", loss)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Reset the scores and the loss, since the previous validation may have been interrupted."""
        self.confusion.reset()
        self._sums = None

    def validation_step(self, batch: Batch) -> dict[str, list[Tensor]]:
        """Add a batch to the loss and the confusion matrix of the split.

        Returns:
            `classes`: predicted class indices int64[sample, trace] of each section, which callbacks may picture.
        """
        logits = self.section_logits(batch)
        sums = self._loss_sums(logits, batch)
        self._sums = sums if self._sums is None else self._sums + sums
        return {"classes": self._count(logits, batch)}

    def on_validation_epoch_end(self) -> None:
        """Log the loss and the scores of the validation lines.

        Raises:
            SurveyError: none of their voxels has a label, so the best epoch cannot be selected.
        """
        scores = self.scores()
        if scores.voxels == 0:
            raise SurveyError(
                problem="the validation lines hold no labelled voxel", fix="choose other lines in data.split"
            )
        assert self._sums is not None, "there were batches"
        values = {
            "val_loss": float(self._loss.total(sum_over_processes(self._sums))),
            "val_mean_iou": scores.mean_iou,
            "val_pixel_accuracy": scores.pixel_accuracy,
            "val_mean_class_accuracy": scores.mean_class_accuracy,
            **{f"val_iou/{name}": float(iou) for name, iou in zip(scores.names, scores.iou, strict=True)},
        }
        # The values are equal on all processes already, so their mean changes nothing.
        self.log_dict(values, sync_dist=True)

    def test_step(self, batch: Batch) -> None:
        """Add a batch to the confusion matrix of the split; `scores` reads it.

        Raises:
            UserError: the logits of a section are not finite; all of it would be scored as the first class.
        """
        logits = self.section_logits(batch)
        for section, ref in zip(logits, batch.refs, strict=True):
            if not all_finite([section]):
                raise network_overflows(ref.name)
        self._count(logits, batch)

    def on_test_epoch_start(self) -> None:
        """Reset the scores."""
        self.confusion.reset()

    def scores(self) -> FaciesScores:
        """Scores of all sections since the last reset, over all processes."""
        return FaciesScores(self.metadata.facies.names, self.confusion.compute().cpu().numpy())

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW on the trained parameters, with a warm-up and a cosine decay over the whole run."""
        train = self._train_config
        optimiser = build_optimiser(
            self.network.parameter_groups(train.learning_rate, train.encoder_rate),
            train,
            fused=self.trainer.precision == "32-true" and self.device.type in ("cpu", "cuda"),
        )
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = build_schedule(optimiser, steps, warmup=train.warmup, ahead=lambda: self.steps_ahead)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the metadata, and remove the weights that the network does not save."""
        checkpoint[KEY] = self.metadata.as_plain()
        checkpoint["state_dict"] = {
            name: tensor
            for name, tensor in checkpoint["state_dict"].items()
            if not name.startswith(NETWORK) or self.network.saves(name.removeprefix(NETWORK))
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Give weights their current names, and add those that checkpoints omit; Lightning calls this on resuming."""
        # Sharded parameters are read by the strategy: then there is no state dict here.
        if "state_dict" in checkpoint:
            kept = {
                f"{NETWORK}{name}": weight
                for name, weight in self.network.state_dict().items()
                if not self.network.saves(name)
            }
            checkpoint["state_dict"] = kept | with_current_names(checkpoint["state_dict"])

    def loss(self, logits: list[Tensor], batch: Batch) -> Tensor:
        """Loss over the labelled voxels of a batch and of the current batches of the other processes.

        Args:
            logits: float[class, sample, trace] of each section.
            batch: holds the labels of the sections.
        """
        return self._loss.total(sum_over_processes(self._loss_sums(logits, batch)))

    def _loss_sums(self, logits: list[Tensor], batch: Batch) -> Tensor:
        # One section at a time fits the processor's cache.
        sums = [
            self._loss.partial(section.flatten(1), labels.flatten())
            for section, labels in zip(logits, batch.labels, strict=True)
        ]
        return torch.stack(sums).sum(dim=0)

    def _count(self, logits: list[Tensor], batch: Batch) -> list[Tensor]:
        """Add a batch to the confusion matrix, and return the predicted classes int64[sample, trace]."""
        classes = []
        for section, labels in zip(logits, batch.labels, strict=True):
            predicted = section.max(dim=0).indices  # the same as argmax, which takes ten times as long on the CPU
            self.confusion.update(predicted.flatten(), labels.flatten().long())
            classes.append(predicted)
        return classes
