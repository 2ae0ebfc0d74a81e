"""Training, `inspect` of a configuration and `inspect` of a checkpoint describe a canvas in the same words."""

import pytest

from sam_seismic.config import InputConfig
from sam_seismic.data.canvas import describe_canvas


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (InputConfig(), "1024 x 1024, fit: pad"),
        (InputConfig(canvas="tight", side=512, fit="resize"), "tight, at most 512 pixels, fit: resize"),
    ],
)
def test_description_of_a_canvas(inputs: InputConfig, words: str):
    assert describe_canvas(inputs) == words
