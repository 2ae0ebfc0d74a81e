"""Weights and logits come in; what is not finite is refused: a network of NaN gives all voxels the first class."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from sam_seismic.errors import UserError, WeightsError
from sam_seismic.tuning.finite import all_finite


def check_finite_weights(weights: Mapping[str, Tensor], *, where: str | Path, fix: str) -> None:
    """Refuse weights of which some are not finite.

    Args:
        weights: by name.
        where: the file that they are from, for the message.
        fix: what to do about it.

    Raises:
        WeightsError: a number is NaN or infinite; the message names the first of these weights.
    """
    odd = [name for name, tensor in weights.items() if not all_finite([tensor])]
    if odd:
        raise WeightsError(
            problem=f"{where}: {len(odd)} of its {len(weights)} weights are not finite (NaN or infinite), "
            f"the first is {odd[0]}",
            fix=fix,
        )


def network_overflows(section: str) -> UserError:
    """The refusal of a section, by its name, that finite weights and amplitudes give no finite logits of."""
    return UserError(
        problem=f"{section}: the network overflows: its probabilities are not finite numbers",
        fix="use --precision bf16 or 32 in place of 16; if that does not help, its training diverged: train again with "
        "a lower train.learning_rate",
    )
