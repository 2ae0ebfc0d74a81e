"""Facies segmentation: batches of sections come in, one logit plane a class goes out, and SAM is tuned towards that."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from torchmetrics.classification import MulticlassConfusionMatrix

from sam_seismic.config import TrainConfig
from sam_seismic.data.dataset import Batch
from sam_seismic.data.frame import Frame, largest
from sam_seismic.errors import SurveyError, WeightsError
from sam_seismic.networks.heads.tokens import FaciesDecoder
from sam_seismic.sam import Sam
from sam_seismic.scoring.scores import FaciesScores
from sam_seismic.survey.facies import IGNORE
from sam_seismic.tasks.checkpoint import KEY, CheckpointMetadata, read_checkpoint
from sam_seismic.tasks.losses import loss_of, loss_sums
from sam_seismic.tasks.rank_sync import over_processes
from sam_seismic.tuning.cut import above, below
from sam_seismic.tuning.methods import apply_method, train_above
from sam_seismic.tuning.sharding import is_sharded, shard

RATE_FLOOR = 0.01
"""Share of the peak learning rate that the cosine ends at."""


class FaciesSegmentation(lightning.LightningModule):
    """SAM's image encoder under a decoder with one mask token a facies; no prompt is needed.

    The prompt encoder stays frozen; the image encoder too, unless the metadata's model says otherwise. The class tokens
    and their hypernetworks are new and always train; `decoder: frozen` keeps the rest of SAM's mask decoder as it is.

    Args:
        sam: its parts are taken over.
        metadata: what the checkpoint will say of itself; it names the classes and what is trained.
        train: the optimisation; the defaults serve where nothing is trained.
    """

    def __init__(self, sam: Sam, metadata: CheckpointMetadata, train: TrainConfig | None = None) -> None:
        super().__init__()
        self.metadata = metadata
        self._train_config = train or TrainConfig()
        self.image_encoder = sam.image_encoder
        self.prompt_encoder = sam.prompt_encoder
        self.decoder = FaciesDecoder(sam, len(metadata.facies))
        train_above(self.image_encoder, metadata.model.blocks_below)
        self.image_encoder.checkpointing = metadata.model.checkpointing
        apply_method(self.prompt_encoder, "frozen")
        self.decoder.apply_method(metadata.model.decoder)
        self.confusion = MulticlassConfusionMatrix(len(metadata.facies), ignore_index=IGNORE, validate_args=False)
        self._sums: Tensor | None = None

    def forward(self, canvas: Tensor) -> Tensor:
        """Canvas float[section, 3, height, width] -> logits float[section, class, height / 4, width / 4]."""
        return self.decode(self.embed(canvas))

    def embed(self, canvas: Tensor, *, shown: tuple[int, int] | None = None) -> Tensor:
        """Canvas float[section, 3, height, width] -> embedding float[section, 256, h, w].

        Args:
            canvas: of one or more sections.
            shown: (rows, columns) of pixels outside which all of them are padding, where that is known.
        """
        blocks = self.metadata.model.blocks_below
        if blocks == 0 and (torch.is_grad_enabled() or is_sharded(self.image_encoder)):
            embedding: Tensor = self.image_encoder(canvas)
            return embedding
        blocks = blocks or None  # without gradients nothing is trained
        return above(self.image_encoder, below(self.image_encoder, canvas, blocks=blocks, shown=shown), blocks=blocks)

    def decode(self, embedding: Tensor, *, patches: tuple[int, int] | None = None) -> Tensor:
        """Embedding float[section, 256, h, w] -> logits float[section, class, 4 * rows, 4 * columns].

        Args:
            embedding: of one or more sections.
            patches: (rows, columns) of the embedding that logits are wanted of; None for (h, w).
        """
        grid = (embedding.shape[-2], embedding.shape[-1])
        _, dense_prompt = self.prompt_encoder(grid=grid)  # [1, 256, h, w]
        pe = self.prompt_encoder.dense_pe(grid)  # [1, 256, h, w]
        logits: Tensor = self.decoder(embedding, pe, dense_prompt, patches=patches)
        return logits

    def logits_of(self, images: Sequence[Tensor], frames: Sequence[Frame], *, kept: bool = False) -> list[Tensor]:
        """Logits float32[class, sample, trace] of each section; padding is gone. Canvases of one size go together.

        Args:
            images: canvases float32[3, height, width], or what is kept of them.
            frames: of each.
            kept: whether they are what `below` made of canvases, cut where this task is.
        """
        together: dict[tuple[int, ...], list[int]] = {}
        for position, image in enumerate(images):
            together.setdefault(tuple(image.shape), []).append(position)
        logits: dict[int, Tensor] = {}
        for positions in together.values():
            stack = torch.stack([images[position].float() for position in positions])  # kept ones are halves
            theirs = [frames[position] for position in positions]
            if kept:
                embedding = above(self.image_encoder, stack, blocks=self.metadata.model.blocks_below)
            else:
                embedding = self.embed(stack, shown=largest(frame.placed_shape for frame in theirs))
            planes = self.decode(embedding, patches=largest(frame.patches_read for frame in theirs))
            for frame in dict.fromkeys(theirs):
                same = [number for number, other in enumerate(theirs) if other == frame]
                some = planes if len(same) == len(theirs) else planes[same]
                found = frame.recover(some)  # [section, class, sample, trace]
                logits |= {positions[number]: section for number, section in zip(same, found, strict=True)}
        return [logits[position] for position in range(len(images))]

    def section_logits(self, batch: Batch) -> list[Tensor]:
        """Logits float32[class, sample, trace] of each section of a batch; padding is gone."""
        return self.logits_of(batch.images, batch.frames, kept=batch.kept)

    def configure_model(self) -> None:
        """Share the parameters out, where the strategy has processes for that; Lightning calls this."""
        if self.device_mesh is not None:
            shard(self.image_encoder, self.decoder, self.device_mesh["data_parallel"])

    def training_step(self, batch: Batch) -> Tensor:
        """Loss over all voxels that have a label, of the batches of all processes together."""
        loss = self.loss(self.section_logits(batch), batch)
        self.log("train_loss_step", loss)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Each validation starts from nothing, also where the one before was broken off."""
        self.confusion.reset()
        self._sums = None

    def validation_step(self, batch: Batch) -> None:
        """Loss and confusion matrix, each one for the whole split."""
        logits = self.section_logits(batch)
        sums = self._loss_sums(logits, batch)
        self._sums = sums if self._sums is None else self._sums + sums
        self._count(logits, batch)

    def on_validation_epoch_end(self) -> None:
        """Scores of the validation lines.

        Raises:
            SurveyError: none of their voxels has a label, so no epoch could be told to be the best.
        """
        scores = self.scores()
        if scores.voxels == 0:
            raise SurveyError(
                problem="the validation lines hold no labelled voxel", fix="choose other lines in data.split"
            )
        assert self._sums is not None, "there were batches"
        values = {
            "val_loss": float(loss_of(over_processes(self._sums), dice_weight=self._train_config.dice)),
            "val_mean_iou": scores.mean_iou,
            "val_pixel_accuracy": scores.pixel_accuracy,
            "val_mean_class_accuracy": scores.mean_class_accuracy,
            **{f"val_iou/{name}": float(iou) for name, iou in zip(scores.names, scores.iou, strict=True)},
        }
        # They are those of all processes already; the mean of equals changes nothing.
        self.log_dict(values, sync_dist=True)

    def test_step(self, batch: Batch) -> None:
        """One confusion matrix for the whole split; `scores` reads it."""
        self._count(self.section_logits(batch), batch)

    def on_test_epoch_start(self) -> None:
        """Each test starts from nothing."""
        self.confusion.reset()

    def scores(self) -> FaciesScores:
        """Scores of all sections counted since the last reset, over all processes."""
        return FaciesScores(self.metadata.facies.names, self.confusion.compute().cpu().numpy())

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW over what is trained, with a warm-up and a cosine over the whole run."""
        train = self._train_config
        groups = [
            {"params": list(_trainable(self.decoder)), "lr": train.learning_rate},
            {"params": list(_trainable(self.image_encoder)), "lr": train.learning_rate * train.encoder_rate},
        ]
        optimizer = AdamW(
            [group for group in groups if group["params"]],
            weight_decay=train.weight_decay,
            # One pass over the memory; Lightning cannot clip the gradients of such a one in mixed precision.
            fused=self.trainer.precision == "32-true" and self.device.type in ("cpu", "cuda"),
        )
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = LambdaLR(optimizer, lambda step: rate_at(step, steps, warmup=train.warmup))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put the metadata beside the weights."""
        checkpoint[KEY] = self.metadata.as_plain()

    def loss(self, logits: list[Tensor], batch: Batch) -> Tensor:
        """Loss over the labelled voxels of a batch, and of those that the other processes are at.

        Args:
            logits: float[class, sample, trace] of each section.
            batch: their labels.
        """
        return loss_of(over_processes(self._loss_sums(logits, batch)), dice_weight=self._train_config.dice)

    def _loss_sums(self, logits: list[Tensor], batch: Batch) -> Tensor:
        # Section by section, which stays in the processor's cache.
        sums = [loss_sums(some.flatten(1), labels.flatten()) for some, labels in zip(logits, batch.labels, strict=True)]
        return torch.stack(sums).sum(dim=0)

    def _count(self, logits: list[Tensor], batch: Batch) -> None:
        for section, labels in zip(logits, batch.labels, strict=True):
            predicted = section.max(dim=0).indices  # as argmax, which takes ten times as long on the CPU
            self.confusion.update(predicted.flatten(), labels.flatten().long())


def rate_at(step: int, steps: int, *, warmup: float) -> float:
    """Learning rate at a step as a share of its peak: a linear rise, then a cosine down to RATE_FLOOR."""
    rise = max(1, round(steps * warmup))
    if step < rise:
        return (step + 1) / rise
    progress = min(1.0, (step - rise) / max(1, steps - rise))
    return RATE_FLOOR + (1 - RATE_FLOOR) * (1 + math.cos(math.pi * progress)) / 2


def load_task(path: Path) -> FaciesSegmentation:
    """A trained task from its checkpoint, ready to predict.

    Raises:
        WeightsError: the file is missing, damaged, unsafe, not ours, or does not fit the network that it names.
    """
    metadata, checkpoint = read_checkpoint(path)
    task = FaciesSegmentation(Sam(metadata.model.size, random=False), metadata)
    try:
        task.load_state_dict(checkpoint["state_dict"])
    except RuntimeError as error:
        raise WeightsError(
            problem=f"{path}: its weights do not fit {metadata.model.size} with {len(metadata.facies)} classes: "
            f"{error}",
            fix=f"load it with the version of sam-seismic that wrote it, which was {metadata.version}, or train again",
        ) from error
    return task.eval().requires_grad_(False)


def _trainable(module: torch.nn.Module) -> Iterator[torch.nn.Parameter]:
    return (parameter for parameter in module.parameters() if parameter.requires_grad)
