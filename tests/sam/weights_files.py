"""Small helpers of the tests of weights files."""

import contextlib
import shlex
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from sam_seismic.sam import Sam

State = dict[str, Tensor]
Save = Callable[..., Path]
"""Content and perhaps a file name come in; the path of what `torch.save` wrote goes out."""


def renamed(state: State, rename: Callable[[str], str]) -> State:
    return {rename(name): tensor for name, tensor in state.items()}


def encoder_of(state: State) -> State:
    return {name: tensor for name, tensor in state.items() if name.startswith("image_encoder.")}


def same(sam: Sam, state: State) -> bool:
    own = sam.state_dict()
    return all(torch.equal(own[name], tensor) for name, tensor in state.items())


def carried_out(fix: str, path: Path) -> Path:
    """Run the command at the end of a fix, in the folder of the file; gives the file that it writes.

    The words of the command are those that a shell makes of it; they run in this process, which has PyTorch already.
    """
    program, option, code = shlex.split(fix[fix.index("python -c") :])
    assert (program, option) == ("python", "-c")
    with contextlib.chdir(path.parent):
        exec(code, {})
    return path.with_name(f"{path.stem}_weights.pth")
