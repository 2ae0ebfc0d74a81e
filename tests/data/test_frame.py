"""Placing a section on the canvas and recovering its logits are inverse, with and without padding and resizing."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sam_seismic.config import InputConfig
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.canvas import CanvasTransform
from sam_seismic.data.frame import Frame
from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.volume import Section

shapes = st.tuples(st.integers(1, 128), st.integers(1, 128))


def shown(frame: Frame) -> torch.Tensor:
    """bool[height, width]: pixels of the canvas that the section covers."""
    mask = torch.zeros(frame.canvas_shape, dtype=torch.bool)
    mask[: frame.placed_shape[0], : frame.placed_shape[1]] = True
    return mask


@given(shape=shapes, seed=st.integers(0, 99))
def test_recover_inverts_place_exactly(shape: tuple[int, int], seed: int):
    """recover(place(x)) is x, bit by bit, for every section that fits the canvas."""
    frame = Frame.fitted(shape, fit="pad", side=128)
    section = torch.randn(3, *shape, generator=torch.Generator().manual_seed(seed))
    canvas = frame.place(section)
    assert canvas.shape == (3, 128, 128)
    assert torch.equal(frame.recover(canvas, stride=1), section)
    assert torch.all(canvas[:, ~shown(frame)] == 0)
    assert int(shown(frame).sum()) == shape[0] * shape[1]


def test_f3_on_the_canvas_of_sam():
    """255 x 701 has 769 rows and 323 columns of padding, below and to the right."""
    frame = Frame.fitted((255, 701), fit="pad", side=1024)
    assert frame.padding == (769, 323)
    canvas = frame.place(torch.ones(3, 255, 701))
    assert torch.all(canvas[:, :255, :701] == 1)
    assert float(canvas.sum()) == 3 * 255 * 701


@pytest.mark.parametrize(
    ("section", "placed"), [((255, 701), (372, 1024)), ((1006, 782), (1024, 796)), ((2000, 100), (1024, 51))]
)
def test_resize_brings_the_long_side_to_the_canvas(section: tuple[int, int], placed: tuple[int, int]):
    frame = Frame.fitted(section, fit="resize", side=1024)
    assert frame.placed_shape == placed
    assert frame.place(torch.ones(3, *section)).shape == (3, 1024, 1024)
    assert frame.recover(torch.zeros(2, 256, 256), stride=4).shape == (2, *section)


@given(shape=st.tuples(st.integers(20, 300), st.integers(20, 300)))
def test_a_smooth_section_survives_resizing(shape: tuple[int, int]):
    """A ramp is recovered up to the errors of bilinear interpolation at the edges."""
    frame = Frame.fitted(shape, fit="resize", side=256)
    down = torch.linspace(0, 1, shape[0])[:, None] + torch.linspace(0, 1, shape[1])[None]
    back = frame.recover(frame.place(down[None]), stride=1)[0]
    inside = (slice(shape[0] // 10 + 2, -shape[0] // 10 - 2), slice(shape[1] // 10 + 2, -shape[1] // 10 - 2))
    torch.testing.assert_close(back[inside], down[inside], atol=0.02, rtol=0)


def test_shrinking_a_section_does_not_alias():
    """Traces of alternating sign cancel out; without a filter some pixels would show one trace alone."""
    frame = Frame.fitted((200, 300), fit="resize", side=64)
    section = torch.ones(1, 200, 300)
    section[:, :, ::2] = -1
    placed = frame.place(section)[0, : frame.placed_shape[0], : frame.placed_shape[1]]
    assert float(placed.abs().max()) < 0.1


def test_shrinking_logits_does_not_alias():
    """On an enlarged canvas, several rows of logits of alternating sign lie within one sample."""
    frame = Frame.fitted((20, 30), fit="resize", side=256)
    logits = torch.ones(1, 64, 64)
    logits[:, ::2] = -1
    assert float(frame.recover(logits, stride=4).abs().max()) < 0.2


def test_the_last_logit_is_repeated_beyond_the_edge_of_the_canvas():
    """28 logits do not quite cover 61 samples."""
    frame = Frame.fitted((61, 40), fit="resize", side=112)
    torch.testing.assert_close(frame.recover(torch.ones(2, 28, 28), stride=4), torch.ones(2, 61, 40))


def test_logits_of_a_quarter_of_the_resolution_are_not_shifted():
    """A step in the logits is recovered at its row of the canvas."""
    frame = Frame.fitted((100, 200), fit="pad", side=256)
    logits = torch.full((1, 64, 64), -1.0)
    logits[:, 10:] = 1.0  # rows 40 and below of the canvas
    recovered = frame.recover(logits, stride=4)
    assert recovered.shape == (1, 100, 200)
    assert torch.all(recovered[0, :38] < 0)
    assert torch.all(recovered[0, 42:] > 0)
    assert float(recovered[0, 39, 0]) == pytest.approx(-float(recovered[0, 40, 0]))


@given(shape=st.tuples(st.integers(1, 300), st.integers(1, 300)), fit=st.sampled_from(["pad", "resize"]))
def test_the_corner_of_the_logits_is_enough(shape: tuple[int, int], fit: str):
    """The decoder upscales only `patches_read`; a batch gives the same values as its sections one by one."""
    frame = Frame.fitted(shape, fit=fit, side=304)
    logits = torch.randn(2, 3, 76, 76)
    rows, columns = frame.patches_read(4)
    corner = frame.recover(logits[:, :, : 4 * rows, : 4 * columns], stride=4)
    assert corner.shape == (2, 3, *shape)
    assert torch.equal(corner, frame.recover(logits, stride=4))
    assert torch.equal(corner[1], frame.recover(logits[1], stride=4))


@given(shape=st.tuples(st.integers(1, 300), st.integers(1, 300)))
def test_without_resizing_recover_equals_upscaling_the_whole_canvas(shape: tuple[int, int]):
    """PyTorch's interpolation of the whole canvas, cropped afterwards, gives the same values."""
    frame = Frame.fitted(shape, fit="pad", side=304)
    logits = torch.randn(2, 76, 76)
    whole = torch.nn.functional.interpolate(logits[None], size=(304, 304), mode="bilinear", align_corners=False)[0]
    torch.testing.assert_close(frame.recover(logits, stride=4), whole[:, : shape[0], : shape[1]])


@pytest.mark.parametrize(
    ("section", "fit", "canvas"),
    [((255, 701), "pad", (256, 704)), ((255, 701), "resize", (384, 1024)), ((16, 1), "pad", (16, 16))],
)
def test_a_tight_canvas_ends_with_the_last_patch(section: tuple[int, int], fit: str, canvas: tuple[int, int]):
    """255 x 701 pixels need 16 x 44 patches, not 64 x 64; the section has the same position on both canvases."""
    tight, square = (Frame.fitted(section, fit=fit, side=1024, canvas=each) for each in ("tight", "square"))
    assert tight.canvas_shape == canvas
    assert tight.placed_shape == square.placed_shape
    pixels = torch.randn(3, *section)
    assert torch.equal(tight.place(pixels), square.place(pixels)[:, : canvas[0], : canvas[1]])
    assert tight.recover(torch.zeros(2, canvas[0] // 4, canvas[1] // 4), stride=4).shape == (2, *section)


@pytest.mark.parametrize(("section", "side"), [((257, 200), 1024), ((17, 11), 64), ((33, 53), 208), ((200, 258), 1024)])
def test_an_axis_whose_rounded_length_is_unchanged_is_scaled_too(section: tuple[int, int], side: int):
    """PyTorch does not scale it. A ramp over the canvas gives the position of each sample."""
    frame = Frame.fitted(section, fit="resize", side=side)
    places = torch.arange(side // 4, dtype=torch.float32)
    ramps = torch.stack([places[:, None].expand(-1, len(places)), places[None].expand(len(places), -1)])
    found = frame.recover(ramps, stride=4)
    for plane, axis in ((0, 0), (1, 1)):
        placed = frame.placed_shape[axis]
        expected = ((torch.arange(section[axis]) + 0.5) * placed / section[axis] / 4 - 0.5).clamp(0, side // 4 - 1)
        along = found[plane, :, 0] if axis == 0 else found[plane, 0]
        torch.testing.assert_close(along, expected, atol=1e-3, rtol=0)


def test_logits_of_padding_are_ignored():
    """Any logits on padding give the same recovered section."""
    frame = Frame.fitted((64, 96), fit="pad", side=128)
    logits = torch.randn(2, 128, 128)
    changed = torch.where(shown(frame), logits, torch.tensor(1e9))
    assert torch.equal(frame.recover(changed, stride=1), frame.recover(logits, stride=1))


def test_a_section_larger_than_the_canvas_is_refused_with_the_fix():
    with pytest.raises(SurveyError) as caught:
        Frame.fitted((1536, 512), fit="pad", side=1024)
    assert caught.value.problem == "a section of 1536 samples x 512 traces does not fit the 1024 x 1024 canvas"
    assert caught.value.fix.startswith("set input.fit: resize; a checkpoint keeps the canvas of its training")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_half_precision_logits_are_recovered(dtype: torch.dtype):
    """A canvas that was enlarged is shrunk again with antialiasing, which the CPU has in single precision only."""
    frame = Frame.fitted((20, 30), fit="resize", side=64)
    logits = torch.linspace(-1, 1, 16).expand(2, 16, 16).to(dtype)
    recovered = frame.recover(logits, stride=4)
    assert recovered.dtype == torch.float32
    torch.testing.assert_close(recovered, frame.recover(logits.float(), stride=4))
    with torch.autocast("cpu", torch.bfloat16):
        assert frame.recover(logits, stride=4).shape == (2, 20, 30)


def test_a_section_cut_by_a_split_has_the_scale_of_the_whole_section():
    """Otherwise a network would train on crosslines of one scale and predict crosslines of another."""
    whole = Section(Orientation.CROSSLINE, 7, np.zeros((128, 144), np.float32), np.ones(144, bool))
    transform = CanvasTransform(AmplitudeScale(0.0, 1.0), InputConfig(fit="resize", side=256))
    cut = whole.traces(slice(0, 85)).traces(slice(5, 65))
    assert cut.whole_shape == (128, 144)
    assert transform.frame(whole).placed_shape == (228, 256)
    assert transform.frame(cut).placed_shape == (228, 107)  # 60 traces x 256 / 144


@pytest.mark.parametrize("fit", ["pad", "resize"])
def test_points_are_placed_on_their_samples(fit: str):
    """A bright sample on the canvas lies at its placed point, and `recover_points` is the inverse."""
    frame = Frame.fitted((40, 64), fit=fit, side=128)
    section = torch.zeros(1, 40, 64)
    section[0, 30, 50] = 1.0
    y, x = divmod(int(frame.place(section)[0].argmax()), 128)
    points = torch.tensor([[30.0, 50.0], [0.0, 0.0]])
    placed = frame.place_points(points)
    assert (placed[0] - torch.tensor([x, y])).abs().max() <= 0.5
    assert placed[1].tolist() == ([0.0, 0.0] if fit == "pad" else [0.5, 0.5])
    torch.testing.assert_close(frame.recover_points(placed), points)
