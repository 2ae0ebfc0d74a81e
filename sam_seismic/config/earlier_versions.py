"""Plain data as version 0.1 wrote it comes in; the same in the keys of today goes out.

Configurations, run folders and checkpoints of that version go on loading. Only keys that moved are known here.
"""

from typing import Any


def upgraded(tree: dict[str, Any]) -> dict[str, Any]:
    """A configuration in the keys of today.

    Args:
        tree: plain data of a whole configuration; it is not changed.
    """
    changed = dict(tree)
    if isinstance(tree.get("model"), dict):
        changed["model"] = upgraded_model(tree["model"])
    if isinstance(tree.get("train"), dict) and "dice" in tree["train"]:
        train = dict(tree["train"])
        dice = train.pop("dice")
        changed["train"] = train if "loss" in train else train | {"loss": {"kind": "cross_entropy_dice", "dice": dice}}
    return changed


def upgraded_model(model: dict[str, Any]) -> dict[str, Any]:
    """The section `model:` with `blocks` and `checkpointing` below `encoder:`, where they belong to a kind."""
    moved = {key: model[key] for key in ("blocks", "checkpointing") if model.get(key)}
    rest = {key: value for key, value in model.items() if key not in ("blocks", "checkpointing")}
    encoder = rest.get("encoder", "frozen")
    if moved and isinstance(encoder, str):
        rest["encoder"] = {"kind": encoder} | moved
    elif moved and isinstance(encoder, dict):
        rest["encoder"] = moved | encoder
    return rest
