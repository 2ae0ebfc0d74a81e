"""A batch of sections comes in; the logits of each section go out, on its samples and traces."""

import torch
from torch import Tensor

from sam_seismic.data.batches import Batch, EmbeddingBatch
from sam_seismic.data.frame import largest
from sam_seismic.networks.network import Network


def section_logits(network: Network, batch: Batch) -> list[Tensor]:
    """Logits float32[class, sample, trace] of each section, without padding, in the order of the batch.

    Images of the same size are run as one batch.

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
        stack = torch.stack([batch.images[position].float() for position in positions])  # stored features are float16
        patches = largest(frame.patches_read(network.stride) for frame in frames)
        if isinstance(batch, EmbeddingBatch):
            planes = network.from_features(stack, patches=patches)
        else:
            planes = network(stack, shown=largest(frame.placed_shape for frame in frames), patches=patches)
        for frame in dict.fromkeys(frames):
            rows = [row for row, other in enumerate(frames) if other == frame]
            selected = planes if len(rows) == len(frames) else planes[rows]  # [section, class, h, w]
            recovered = frame.recover(selected, stride=network.stride)  # [section, class, sample, trace]
            logits |= {positions[row]: section for row, section in zip(rows, recovered, strict=True)}
    in_batch_order = [logits[position] for position in range(len(batch.images))]
    if network.prior is None:
        return in_batch_order
    return [network.prior(each, ref) for each, ref in zip(in_batch_order, batch.refs, strict=True)]
