"""What every network answers: canvases come in, one logit plane a class goes out; what is frozen of it can be kept."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh

from sam_seismic.errors import UserError
from sam_seismic.networks.prior import Prior
from sam_seismic.tuning.encoder_cut import EncoderCut
from sam_seismic.tuning.parameters import trainable_parameters
from sam_seismic.tuning.sharding import shard


class Network(nn.Module, ABC):
    """A network that gives facies logits on a canvas.

    Only `create`, `stride` and `forward` must be written: what else stands here serves a network that is trained whole.
    """

    cut: EncoderCut | None = None
    """Its encoder, cut above the frozen prefix; None where it has no encoder that could be frozen."""
    prior: Prior | None = None
    """What is added to the logits of a section before it has looked at any amplitude."""

    @classmethod
    @abstractmethod
    def create(cls, config: Any, classes: int, *, weights: Path | None = None, drawn: bool = True) -> Self:
        """Make the network.

        Args:
            config: the section `model:` of a configuration, of the model that belongs to this network.
            classes: how many facies.
            weights: the file that it starts from, as `weights_file` found it; None for random weights.
            drawn: whether random weights are drawn; not where all weights will be loaded.

        Raises:
            WeightsError: the file is damaged, unsafe or of another network.
        """

    @classmethod
    def weights_file(cls, config: Any) -> Path | None:  # noqa: ARG003
        """The file that training starts from; None for random weights.

        Raises:
            WeightsError: it is not there.
        """
        return None

    @property
    @abstractmethod
    def stride(self) -> int:
        """Pixels of the canvas from one logit to the next."""

    @abstractmethod
    def forward(
        self, canvas: Tensor, *, shown: tuple[int, int] | None = None, patches: tuple[int, int] | None = None
    ) -> Tensor:
        """Logits of canvases.

        Args:
            canvas: float[section, 3, height, width].
            shown: (rows, columns) of pixels outside which all canvases are padding, where that is known.
            patches: (rows, columns) of 16-pixel patches that logits are wanted of, from the top left; None for all. A
                network may give more.

        Returns:
            float[section, class, h, w], a logit every `stride` pixels.
        """

    def from_kept(self, kept: Tensor, *, patches: tuple[int, int] | None = None) -> Tensor:  # noqa: ARG002
        """Logits from what `cut.below` gave for canvases, in whatever precision it was stored.

        Args:
            kept: [section, ...], see `EncoderCut.kept_shape`.
            patches: as of `forward`.
        """
        raise AssertionError("nothing of this network can be kept")

    def saves(self, name: str) -> bool:  # noqa: ARG002
        """Whether a checkpoint holds a weight, by its name in `state_dict()`."""
        return True

    def rate_groups(self, learning_rate: float, encoder_rate: float) -> list[tuple[list[nn.Parameter], float]]:  # noqa: ARG002
        """What is trained, in groups of parameters with a learning rate each; a group may be empty.

        Args:
            learning_rate: of what is new.
            encoder_rate: of an encoder, as a multiple of that.
        """
        return [(list(trainable_parameters(self)), learning_rate)]

    def hold_encoder(self, dtype: torch.dtype) -> None:
        """Hold all of the encoder in another precision, to predict.

        Raises:
            UserError: it has no encoder to hold.
        """
        if dtype != torch.float32:
            raise UserError(
                problem=f"this network has no encoder to hold in {str(dtype).removeprefix('torch.')}",
                fix="leave --precision out",
            )

    def compile_blocks(self) -> None:
        """Compile what takes the most time, from its first call on.

        Raises:
            UserError: there is no compiler on this machine.
        """
        raise AssertionError("its configuration has no key `compile`")

    def shard(self, mesh: DeviceMesh) -> None:
        """Share the parameters out over processes, in place; doing it again changes nothing."""
        shard([self], mesh)
