"""Rows of a training step of the decoder: ours against one made with `transformers`, both on stored embeddings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import AdamW
from transformers import SamModel

from sam_seismic import __version__
from sam_seismic.config import DataConfig, InputConfig, SamConfig
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.batches import EmbeddingBatch
from sam_seismic.data.frame import Frame
from sam_seismic.networks import build_network
from sam_seismic.sam import CANVAS, CHANNELS, PATCH
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.splits import SectionRef
from sam_seismic.tasks.checkpoint import CheckpointMetadata
from sam_seismic.tasks.facies import FaciesSegmentation

from .apart import peaks
from .encoder import SECTION
from .measure import TINY, Settings, Work, counted, matrix_product, timed
from .peers import randomise, their_config
from .rows import Row

CLASSES = 6
"""As F3 has in the benchmark of Alaudah et al."""
CANVASES = {"square": "64 x 64", "tight": "16 x 44"}
"""Sides of their embeddings, in patches. Theirs takes the square one only."""


@dataclass(frozen=True)
class Step:
    """A training step of a decoder.

    Args:
        who: ours or transformers.
        canvas: a name of CANVASES.
        precision: a name of PRECISIONS; bfloat16 is autocast, for both.
        batch: sections a step.
    """

    who: str
    canvas: str
    precision: str
    batch: int

    def __str__(self) -> str:
        return f"{self.who}:{self.canvas}:{self.precision}:{self.batch}"

    def work(self, device: torch.device) -> Work:
        """What makes the step; network, embeddings and labels lie ready."""
        if self.who == "ours":
            return OurStep(self, device)
        embeddings, labels = self.embeddings().to(device), self.labels().long().to(device)
        return partial(TheirDecoder(device, precision=self.precision).step, embeddings, labels)

    def labels(self) -> Tensor:
        """Random facies, uint8[section, sample, trace]."""
        return torch.randint(CLASSES, (self.batch, *SECTION), generator=torch.Generator().manual_seed(2)).byte()

    def embeddings(self) -> Tensor:
        """Random numbers of the size that embeddings have, float32[section, 256, h, w]."""
        height, width = frame_on(self.canvas).canvas_shape
        generator = torch.Generator().manual_seed(3)
        return torch.randn(self.batch, CHANNELS, height // PATCH, width // PATCH, generator=generator)


def frame_on(canvas: str) -> Frame:
    """How the section sits on the canvas."""
    return Frame.fitted(SECTION, fit="pad", side=CANVAS, canvas=canvas)


class OurStep:
    """A step of `sam-seismic train` with a frozen encoder, whose embeddings were stored."""

    def __init__(self, step: Step, device: torch.device) -> None:
        self.autocast = step.precision == "bfloat16"
        self.device = device
        sections = range(step.batch)
        self.batch = EmbeddingBatch(
            images=tuple(step.embeddings()),
            frames=tuple(frame_on(step.canvas) for _ in sections),
            refs=tuple(SectionRef(Orientation.INLINE, number) for number in sections),
            labels=tuple(step.labels()),
        ).to(device)
        metadata = random_metadata()
        network = build_network(metadata.model, CLASSES)
        self.task = FaciesSegmentation(network, metadata).to(device).train()
        randomise(self.task, 0)
        self.optimizer = AdamW(network.head.parameters(), fused=not self.autocast)  # as train makes it

    def __call__(self) -> Tensor:
        """Forward, backward and AdamW; the loss comes out."""
        self.optimizer.zero_grad()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
            loss = self.task.loss(self.task.section_logits(self.batch), self.batch)  # as in `training_step`
        loss.backward()
        self.optimizer.step()
        return loss.detach()


class TheirDecoder:
    """The mask decoder of `transformers` with an optimiser, as it would be written by hand.

    Of the masks for one prompt the first is left out, as everywhere in SAM: there is one more of them than classes.
    """

    def __init__(self, device: torch.device, *, precision: str) -> None:
        self.autocast = precision == "bfloat16"
        config = their_config(TINY)
        config.mask_decoder_config.num_multimask_outputs = CLASSES
        self.sam = SamModel(config).to(device).train()
        randomise(self.sam, 0)
        for part in (self.sam.vision_encoder, self.sam.prompt_encoder, self.sam.shared_image_embedding):
            part.requires_grad_(False)
        self.optimizer = AdamW(self.sam.mask_decoder.parameters())

    def step(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Forward, backward and AdamW; the loss comes out.

        Args:
            embeddings: float32[section, 256, 64, 64].
            labels: int64[section, sample, trace].
        """
        self.optimizer.zero_grad()
        with torch.autocast(embeddings.device.type, torch.bfloat16, enabled=self.autocast):
            logits = self.logits(embeddings)[..., : labels.shape[1], : labels.shape[2]]
        loss = functional.cross_entropy(logits, labels) + dice_loss(logits.softmax(dim=1), labels)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def logits(self, embeddings: Tensor) -> Tensor:
        """Logits float32[section, class, 1024, 1024]."""
        places = self.sam.get_image_wide_positional_embeddings().repeat(len(embeddings), 1, 1, 1)
        sparse, dense = self.sam.prompt_encoder(None, None, None, None)
        masks, _ = self.sam.mask_decoder(embeddings, places, sparse, dense, multimask_output=True)
        planes = masks[:, 0].float()  # [section, class, 256, 256]
        return functional.interpolate(planes, size=(CANVAS, CANVAS), mode="bilinear", align_corners=False)


def dice_loss(probabilities: Tensor, labels: Tensor) -> Tensor:
    """One minus the mean soft Dice of the classes, as it is mostly written: float[section, class, ...] and classes."""
    truth = functional.one_hot(labels, CLASSES).permute(0, 3, 1, 2).float()  # [section, class, sample, trace]
    over = (0, 2, 3)
    both = (probabilities * truth).sum(dim=over)  # [class]
    return 1 - (2 * both / (probabilities.sum(dim=over) + truth.sum(dim=over)).clamp_min(1e-6)).mean()


def random_metadata() -> CheckpointMetadata:
    """Of a task with a frozen encoder and CLASSES facies."""
    names = tuple(f"facies {number}" for number in range(CLASSES))
    return CheckpointMetadata(
        data=DataConfig(source="synthetic"),
        inputs=InputConfig(),
        model=SamConfig(size="vit_t", weights="random"),
        facies=FaciesTable(names, tuple(range(CLASSES)), ()),
        scale=AmplitudeScale(center=0.0, clip=1.0),
        split=(),
        weights_hash=None,
        version=__version__,
    )


def measure(settings: Settings) -> Iterator[Row]:
    """A row for each precision, batch and canvas."""
    for batch in settings.batches:
        # PyTorch's counter does not bear autocast; the arithmetic is the same.
        flop = {
            canvas: counted(Step("ours", canvas, "float32", batch).work(settings.device))[1] / batch
            for canvas in CANVASES
        }
        for precision in settings.precisions:
            yield from _measure(precision, batch, flop, settings)


def _measure(precision: str, batch: int, flop: Mapping[str, float], settings: Settings) -> Iterator[Row]:
    """All steps with one precision and batch, in turns; given the FLOP of ours for a section, by canvas."""
    ours = [Step("ours", canvas, precision, batch) for canvas in CANVASES]
    theirs = Step("transformers", "square", precision, batch)
    works = {step: step.work(settings.device) for step in (*ours, theirs)}
    product, of_product = matrix_product(settings, theirs.precision)
    for work in (product, *works.values()):
        work()
    memory = peaks("decoder", works, settings) if precision in settings.memory else {}
    seconds = timed({"limit": product} | {str(step): work for step, work in works.items()}, settings)
    for step in ours:
        each = seconds[str(step)] / step.batch
        yield Row(
            group="decoder",
            what=f"embedding {CANVASES[step.canvas]}, {step.precision}, batch {step.batch}",
            seconds=each,
            against="transformers" + ("" if step.canvas == "square" else ", square"),
            their_seconds=seconds[str(theirs)] / theirs.batch,
            memory=memory.get(step),
            their_memory=memory.get(theirs),
            rate=flop[step.canvas] / each / 1e9,
            limit=of_product / seconds["limit"] / 1e9,
        )


def prepare(text: str) -> Work:
    """A step from its text, on the CPU; one has been made, so that AdamW has what it keeps."""
    who, canvas, precision, batch = text.split(":")
    work = Step(who, canvas, precision, int(batch)).work(torch.device("cpu"))
    work()
    return work
