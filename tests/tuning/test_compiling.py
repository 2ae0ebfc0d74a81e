"""Compiled blocks are the same blocks: their numbers, their names, and no start without a compiler."""

import pytest
import torch

from sam_seismic.errors import UserError
from sam_seismic.sam import EncoderSize, ImageEncoder
from sam_seismic.tuning import compiling
from sam_seismic.tuning.compiling import compile_blocks

SIZE = EncoderSize(width=24, depth=2, heads=2, global_blocks=(1,))


def test_compiled_blocks_give_the_same_numbers_under_the_same_names():
    """Traced, but not turned into machine code, which would take a minute."""
    torch.manual_seed(0)
    encoder = ImageEncoder(SIZE).eval()
    names, canvas = list(encoder.state_dict()), torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        expected = encoder(canvas)
        compile_blocks(encoder, backend="eager")
        assert torch.allclose(encoder(canvas), expected, atol=1e-6)
    assert list(encoder.state_dict()) == names


def test_without_a_compiler_it_is_refused_before_any_work(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compiling.shutil, "which", lambda _: None)
    with pytest.raises(UserError, match="needs a C\\+\\+ compiler"):
        compile_blocks(ImageEncoder(SIZE))
