"""A batch of sections comes in; the logits of each section go out, on its samples and traces."""

import torch
from torch import Tensor

from sam_seismic.data.batches import Batch, EmbeddingBatch
from sam_seismic.data.frame import largest
from sam_seismic.networks.network import Network


def section_logits(network: Network, batch: Batch) -> list[Tensor]:
    """Logits float32[class, sample, trace] of each section, without padding, in the order of the batch.

    Images of one size are run together.

    Args:
        network: a network on the device of the batch.
        batch: canvases, or stored features of this network's frozen part.
    """
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for position, image in enumerate(batch.images):
        by_shape.setdefault(tuple(image.shape), []).append(position)
    logits: dict[int, Tensor] = {}
    for positions in by_shape.values():
        frames = [batch.frames[position] for position in positions]
        stack = torch.stack([batch.images[position].float() for position in positions])  # stored ones are float16
        patches = largest(frame.patches_read(network.stride) for frame in frames)
        if isinstance(batch, EmbeddingBatch):
            planes = network.from_features(stack, patches=patches)
        else:
            planes = network(stack, shown=largest(frame.placed_shape for frame in frames), patches=patches)
        for frame in dict.fromkeys(frames):
            same = [number for number, other in enumerate(frames) if other == frame]
            some = planes if len(same) == len(frames) else planes[same]
            found = frame.recover(some, stride=network.stride)  # [section, class, sample, trace]
            logits |= {positions[number]: section for number, section in zip(same, found, strict=True)}
    ordered = [logits[position] for position in range(len(batch.images))]
    if network.prior is None:
        return ordered
    return [network.prior(each, ref) for each, ref in zip(ordered, batch.refs, strict=True)]
