"""Configurations of small experiments whose memory and time are estimated without running them."""

from pathlib import Path

from sam_seismic.config import Config
from sam_seismic.survey.facies import FaciesTable

FACIES = FaciesTable(("a", "b", "c", "d", "e"))
PLACES = {
    **dict.fromkeys(("side", "canvas", "jitter", "jittered_copies", "flip"), "input"),
    **dict.fromkeys(("size", "encoder"), "model"),
    **dict.fromkeys(("blocks", "checkpointing"), "encoder"),
    **dict.fromkeys(("epochs", "batch_size", "cache", "store"), "train"),
    **dict.fromkeys(("precision", "accumulate_grad_batches", "val_every_epochs"), "trainer"),
}


def configured(*, network: dict[str, object] | None = None, **changes: object) -> Config:
    """A configuration of the synthetic survey.

    Args:
        network: the whole section `model:`; None for SAM with the keys in `changes`.
        changes: keys of `input`, `model`, `train` and `trainer` that differ from the defaults below.
    """
    defaults = {"side": 64, "size": "vit_t", "encoder": "full", "batch_size": 1}
    tree: dict[str, dict[str, object]] = {"data": {"source": "synthetic"}}
    for name, value in (defaults | changes).items():
        tree.setdefault(PLACES[name], {})[name] = value
    options = tree.pop("encoder", {})
    if options:
        tree["model"]["encoder"] = {"kind": tree["model"]["encoder"]} | options
    if network is not None:
        return Config.model_validate(tree | {"model": network})
    tree["model"]["weights"] = "random" if tree["model"]["size"] == "vit_t" else str(Path("none.pth").absolute())
    return Config.model_validate(tree)
