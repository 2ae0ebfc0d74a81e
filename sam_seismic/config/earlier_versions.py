"""A configuration written by version 0.1 comes in as plain data; the same configuration with current keys goes out.

Configurations, run folders and checkpoints of version 0.1 still load. Only keys that have moved are handled here.
"""

from typing import Any


def upgraded(tree: dict[str, Any]) -> dict[str, Any]:
    """A whole configuration with current keys.

    Args:
        tree: plain data of the configuration; it is not modified.
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
    """The section `model:` with `blocks` and `checkpointing` moved below `encoder:`."""
    moved = {key: model[key] for key in ("blocks", "checkpointing") if model.get(key)}
    rest = {key: value for key, value in model.items() if key not in ("blocks", "checkpointing")}
    encoder = rest.get("encoder", "frozen")
    if moved and isinstance(encoder, str):
        rest["encoder"] = {"kind": encoder} | moved
    elif moved and isinstance(encoder, dict):
        rest["encoder"] = moved | encoder
    return rest
