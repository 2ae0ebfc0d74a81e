"""Fills an embedding store with features of a synthetic survey, computed by a small encoder, in both orientations.

As a program, it fills the given store and prints the number of encoded sections:

    python -m tests.tuning.filling STORE [--wait-for FILE] [--killed-after N] [--slow S] [--copies N] [--share RANK OF]
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from sam_seismic.config import InputConfig
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.canvas import CanvasTransform
from sam_seismic.data.dataset import SectionDataset
from sam_seismic.sam import EncoderSize, ImageEncoder
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.parts import Part
from sam_seismic.survey.splits import SectionRef
from sam_seismic.survey.synthetic import model_survey
from sam_seismic.tuning import embedding_store
from sam_seismic.tuning.embedding_store import Group, Recipe, StoredSections, weights_hash
from sam_seismic.tuning.encoder_cut import EncoderCut, FrozenPrefix
from sam_seismic.tuning.store_filling import StoreFiller

SCALE = AmplitudeScale(center=0.0, clip=3.0)
WHOLE = FrozenPrefix(4, neck=True)
TIGHT = InputConfig(side=64, canvas="tight", jitter=0.1, jittered_copies=2)


def tiny_encoder() -> ImageEncoder:
    torch.manual_seed(0)
    return ImageEncoder(EncoderSize(width=24, depth=4, heads=2, global_blocks=(1, 3))).requires_grad_(False)


def parts_of(*, seed: int = 0, train: int = 6, val: int = 3) -> list[Part]:
    """`train` inlines of 20 traces and as many crosslines of 24 traces, and `val` inlines of 17 traces."""
    volume = model_survey((24, 20, 40), seed).labelled()
    inlines, crosslines = volume.amplitude.geometry.inlines, volume.amplitude.geometry.crosslines
    chosen = [SectionRef(Orientation.INLINE, int(line)) for line in inlines[:train]]
    chosen += [SectionRef(Orientation.CROSSLINE, int(line)) for line in crosslines[:train]]
    cut = [SectionRef(Orientation.INLINE, int(line), (3, 20)) for line in inlines[-val:]]
    return [Part("train", volume, tuple(chosen)), Part("val", volume, tuple(cut))]


def datasets_of(parts: list[Part], inputs: InputConfig = TIGHT) -> list[SectionDataset]:
    """Training sections in all variants, and validation sections unchanged."""
    seeds = {"train": 7, "val": None}
    return [SectionDataset([part], CanvasTransform(SCALE, inputs), seed=seeds[part.name]) for part in parts]


def filling_of(
    store: Path,
    *,
    frozen: FrozenPrefix = WHOLE,
    inputs: InputConfig = TIGHT,
    encoder: ImageEncoder | None = None,
    parts: list[Part] | None = None,
) -> StoreFiller:
    parts, cut = parts or parts_of(), EncoderCut(encoder or tiny_encoder(), frozen)
    groups = {}
    for part in parts:
        for orientation in Orientation:
            recipe = Recipe(
                weights=weights_hash(cut),
                size="tiny",
                blocks=None if frozen.neck else frozen.blocks,
                precision="float32",
                survey=f"{part.name} {orientation}",
                center=SCALE.center,
                clip=SCALE.clip,
                channels="repeat",
                fit=inputs.fit,
                side=inputs.side,
                canvas=inputs.canvas,
            )
            groups[part.name, orientation] = Group(store, recipe, "test")
    return StoreFiller(
        datasets_of(parts, inputs),
        StoredSections(groups),
        cut=cut,
        transform=CanvasTransform(SCALE, inputs),
    )


class Counted:
    """Counts the canvases that a filling encodes, and delays each batch.

    Args:
        filling: modified in place.
        slow: delay of each batch in seconds.
    """

    def __init__(self, filling: StoreFiller, slow: float = 0.0) -> None:
        self.batches: list[int] = []
        encode = filling._encode

        def counting(samples: list[object]) -> Tensor:
            self.batches.append(len(samples))
            time.sleep(slow)
            return encode(samples)

        filling._encode = counting

    @property
    def sections(self) -> int:
        return sum(self.batches)


def kill_in_the_middle_of_file(number: int) -> None:
    """Send SIGKILL to this process when file `number` is written in part."""
    write, count = embedding_store._write_array, iter(range(1, 1_000_000))

    def killing(file: BinaryIO, half: torch.Tensor) -> None:
        if next(count) == number:
            file.write(b"a part of it")
            file.flush()
            os.kill(os.getpid(), 9)
        write(file, half)

    embedding_store._write_array = killing


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("store", type=Path)
    parser.add_argument("--wait-for", type=Path)
    parser.add_argument("--killed-after", type=int)
    parser.add_argument("--slow", type=float, default=0.0)
    parser.add_argument("--copies", type=int, default=TIGHT.jittered_copies)
    parser.add_argument("--share", type=int, nargs=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    filling = filling_of(options.store, inputs=TIGHT.model_copy(update={"jittered_copies": options.copies}))
    counted = Counted(filling, options.slow)
    if options.killed_after is not None:
        kill_in_the_middle_of_file(options.killed_after)
    print("ready", flush=True)
    while options.wait_for is not None and not options.wait_for.exists():
        time.sleep(0.005)
    filling.run(batch_size=1, progress=lambda *_: None, share=options.share and tuple(options.share))
    print(counted.sections, flush=True)


if __name__ == "__main__":
    sys.exit(main())
