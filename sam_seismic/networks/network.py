"""Interface of networks: canvases, or stored features of them, come in; one plane of logits for each class goes out."""

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
    """A network that computes facies logits of a canvas.

    Subclasses must implement `create`, `stride` and `forward`. The default of the other methods is for a network that
    has no frozen part. For the weights of each class see `Head`.
    """

    cut: EncoderCut | None = None
    """Its encoder, cut after the frozen prefix; None for a network without such an encoder."""
    prior: Prior | None = None
    """Added to the logits of a section; None for no prior."""
    notes: tuple[str, ...] = ()
    """What is to be told of the weights that it starts from."""

    @classmethod
    @abstractmethod
    def create(cls, config: Any, classes: int, *, weights: Path | None = None, initialise: bool = True) -> Self:
        """Create the network.

        Args:
            config: the section `model:` of a configuration, of this network's kind.
            classes: number of facies.
            weights: file of the initial weights, from `weights_file`; None for random weights.
            initialise: whether to draw random weights; False if all weights are loaded afterwards.

        Raises:
            WeightsError: the file is damaged, unsafe or of another network.
        """

    @classmethod
    def weights_file(cls, config: Any) -> Path | None:  # noqa: ARG003
        """The file of the initial weights of a training; None for random weights.

        Raises:
            WeightsError: the file does not exist.
        """
        return None

    @classmethod
    def weights_notes(cls, config: Any, *, values: bool = True) -> list[str]:  # noqa: ARG003
        """What is to be told of the file of the initial weights; nothing is built.

        Args:
            config: as of `create`.
            values: whether all its numbers are looked at, which reads the whole file.

        Raises:
            WeightsError: as of `create`.
        """
        return []

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
            shown: (rows, columns) of pixels outside which all canvases are padding, if known.
            patches: (rows, columns) of 16-pixel patches, from the top left, whose logits are needed; None for all. A
                network may compute more.

        Returns:
            float[section, class, h, w], one logit every `stride` pixels.
        """

    def from_features(self, features: Tensor, *, patches: tuple[int, int] | None = None) -> Tensor:  # noqa: ARG002
        """Logits of canvases whose features were computed before.

        Args:
            features: [section, ...], output of `cut.run_frozen` in any precision, see `EncoderCut.feature_shape`.
            patches: as in `forward`.
        """
        raise AssertionError("this network has no frozen part")

    def saves(self, name: str) -> bool:  # noqa: ARG002
        """Whether a checkpoint holds the weight with this name in `state_dict()`."""
        return True

    def parameter_groups(self, learning_rate: float, encoder_rate: float) -> list[tuple[list[nn.Parameter], float]]:  # noqa: ARG002
        """The trained parameters in groups, each with its learning rate; a group may be empty.

        Args:
            learning_rate: learning rate of the head.
            encoder_rate: learning rate of the encoder, as a multiple of `learning_rate`.
        """
        return [(list(trainable_parameters(self)), learning_rate)]

    def set_encoder_precision(self, dtype: torch.dtype) -> None:
        """Convert the whole encoder to another precision, for prediction.

        Raises:
            UserError: the network has no encoder.
        """
        if dtype != torch.float32:
            raise UserError(
                problem=f"this network has no encoder to convert to {str(dtype).removeprefix('torch.')}",
                fix="leave --precision out",
            )

    def compile_blocks(self) -> None:
        """Compile the slowest modules at their first call.

        Raises:
            UserError: there is no compiler on this machine.
        """
        raise AssertionError("the configuration of this network has no key `compile`")

    def shard(self, mesh: DeviceMesh) -> None:
        """Shard the parameters over processes, in place; a network that is already sharded is not changed."""
        shard([self], mesh)
