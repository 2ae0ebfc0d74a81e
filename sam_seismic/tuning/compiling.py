"""An image encoder comes in; each of its blocks is compiled with torch.compile at its first call."""

import os
import shutil

from sam_seismic.errors import UserError
from sam_seismic.sam import BlockEncoder


def compile_blocks(encoder: BlockEncoder, *, backend: str = "inductor") -> None:
    """Compile each block with torch.compile, in place; parameter names and weights do not change.

    The first call with each shape of canvas and batch takes a minute or more.

    Args:
        encoder: changed in place.
        backend: the compiler backend of torch.compile.

    Raises:
        UserError: there is no compiler on this machine.
    """
    compilers = [os.environ.get("CXX", "g++"), "g++", "clang++"]
    if backend == "inductor" and not any(map(shutil.which, compilers)):
        raise UserError(
            problem="model.compile: true needs a C++ compiler, and there is none here",
            fix="install g++ (or load its module, or set $CXX), or set model.compile: false",
        )
    for block in encoder.blocks:
        block.compile(backend=backend)
