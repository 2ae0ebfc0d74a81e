"""Compiled blocks give the same results under the same parameter names; without a compiler they are refused."""

import pytest
import torch

from sam_seismic.errors import UserError
from sam_seismic.sam import EncoderSize, ImageEncoder
from sam_seismic.tuning import compiling
from sam_seismic.tuning.compiling import compile_blocks

SIZE = EncoderSize(width=24, depth=2, heads=2, global_blocks=(1,))


def test_compiled_blocks_have_the_same_results_and_parameter_names():
    """The eager backend traces the blocks; code generation would take a minute."""
    torch.manual_seed(0)
    encoder = ImageEncoder(SIZE).eval()
    names, canvas = list(encoder.state_dict()), torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        expected = encoder(canvas)
        compile_blocks(encoder, backend="eager")
        assert torch.allclose(encoder(canvas), expected, atol=1e-6)
    assert list(encoder.state_dict()) == names


def test_compilation_without_a_compiler_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compiling.shutil, "which", lambda _: None)
    with pytest.raises(UserError, match="needs a C\\+\\+ compiler"):
        compile_blocks(ImageEncoder(SIZE))
