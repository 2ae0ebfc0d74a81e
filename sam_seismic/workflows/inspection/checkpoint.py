"""A checkpoint comes in; what it says of itself goes out."""

from pathlib import Path

from sam_seismic.tasks.checkpoint import read_checkpoint
from sam_seismic.workflows.inspection.found import Facts, Inspection


def inspect_checkpoint(path: Path) -> Inspection:
    """Tell what a checkpoint was trained on, and how far.

    Raises:
        WeightsError: it is missing, damaged or not ours.
    """
    card, checkpoint = read_checkpoint(path)
    rows = {
        "model": f"{card.model.size}, encoder {card.model.encoder}, decoder {card.model.decoder}",
        "started from": "random weights: not SAM's" if card.weights_hash is None else card.weights_hash,
        "classes": ", ".join(f"{v} {n}" for n, v in zip(card.facies.names, card.facies.values, strict=True)),
        "amplitudes": f"{card.scale.center:g} +- {card.scale.clip:g} becomes [-1, 1]",
        "canvas": f"{card.inputs.side} x {card.inputs.side}, fit: {card.inputs.fit}",
        "orientation": card.data.orientation,
        "written by": f"sam-seismic {card.version}",
    }
    # The counters are Lightning's, not the card's: a checkpoint without them still predicts.
    epoch, step = checkpoint.get("epoch"), checkpoint.get("global_step")
    counters = {"epoch": epoch + 1 if isinstance(epoch, int) else None, "step": step if isinstance(step, int) else None}
    rows |= {name: str(count) for name, count in counters.items() if count is not None}
    facts = card.as_plain() | counters
    split = [(line.partition(": ")[0], line.partition(": ")[2]) for line in card.split]
    return Inspection(facts, [Facts(str(path), list(rows.items())), Facts("Split", split)])
