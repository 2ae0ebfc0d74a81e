"""Our SAM and the one in `transformers` give the same results with the same weights, within 1e-4."""

import pytest
import torch

from sam_seismic.sam import EncoderSize

TOLERANCE = 1e-4


def canvas(height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def largest_difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    assert ours.shape == theirs.shape
    assert theirs.abs().mean() > 0.05, "a comparison of outputs near zero proves nothing"
    return float((ours - theirs).abs().max())


@torch.inference_mode()
def test_the_image_encoder_gives_the_same_embedding_on_the_square_canvas(small_pair):
    """Patches, positions, windows with their zero padding, global attention and neck."""
    pixels = canvas(1024, 1024)
    theirs = small_pair.theirs.vision_encoder(pixels).last_hidden_state
    assert largest_difference(small_pair.ours["image_encoder"](pixels), theirs) <= TOLERANCE


@torch.inference_mode()
def test_blocks_of_the_width_of_vit_b_give_the_same_embedding(pair_of):
    """Width and heads of a published network, in which rounding errors are larger than in a small one."""
    pair = pair_of(EncoderSize(width=768, depth=2, heads=12, global_blocks=(1,)))
    pixels = canvas(1024, 1024)
    theirs = pair.theirs.vision_encoder(pixels).last_hidden_state
    assert largest_difference(pair.ours["image_encoder"](pixels), theirs) <= TOLERANCE


@pytest.mark.parametrize("shape", [(256, 704), (64, 1024), (240, 224), (16, 16)])
@torch.inference_mode()
def test_a_canvas_of_another_shape_uses_cropped_tables(pair_of, crop_their_tables, shape):
    """The tables of `transformers` are cropped here; interpolation or another crop would give other results."""
    pair = pair_of(EncoderSize(width=64, depth=3, heads=2, global_blocks=(0, 2)))
    crop_their_tables(pair.theirs, *shape)
    pixels = canvas(*shape)
    theirs = pair.theirs.vision_encoder(pixels).last_hidden_state
    assert largest_difference(pair.ours["image_encoder"](pixels), theirs) <= TOLERANCE


def random_points(generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    coordinates = 1024 * torch.rand(3, 4, 2, generator=generator)
    labels = torch.tensor([[1, 0, 1, -1], [0, 0, 1, 1], [1, -1, -1, -1]])
    return coordinates, labels


def prompts(kinds: str) -> dict[str, object]:
    """Three prompts for one image, of the kinds named."""
    generator = torch.Generator().manual_seed(5)
    points = random_points(generator)
    boxes = (1024 * torch.rand(3, 4, generator=generator)).sort(dim=1).values
    masks = torch.randn(3, 1, 256, 256, generator=generator)
    prompts_by_kind = {"points": points, "boxes": boxes, "masks": masks}
    return {name: prompt for name, prompt in prompts_by_kind.items() if name in kinds}


KINDS = ["points", "boxes", "points boxes", "masks", "points masks", "points boxes masks", "none"]


@pytest.mark.parametrize("kinds", KINDS)
@torch.inference_mode()
def test_the_prompt_encoder_gives_the_same_tokens_and_map(small_pair, kinds):
    """Each kind of prompt and combinations of them; points are padded only without boxes."""
    given = prompts(kinds)
    sparse, dense = small_pair.ours["prompt_encoder"](**given, grid=(64, 64))
    points, labels = given.get("points", (None, None))
    boxes = given.get("boxes")
    their_sparse, their_dense = small_pair.theirs.prompt_encoder(
        None if points is None else points.unsqueeze(0),  # theirs: [image, prompt, point, 2]
        None if labels is None else labels.unsqueeze(0),
        None if boxes is None else boxes.unsqueeze(0),
        given.get("masks"),
    )
    if their_sparse is None:
        assert sparse.shape == (len(dense), 0, 256)
    else:
        assert largest_difference(sparse, their_sparse[0]) <= TOLERANCE
    assert largest_difference(dense, their_dense.expand_as(dense)) <= TOLERANCE


@torch.inference_mode()
def test_the_positional_encoding_is_the_same_and_is_cropped_for_smaller_grids(small_pair):
    """A smaller grid uses the top left part of the encoding; nothing is interpolated."""
    theirs = small_pair.theirs.get_image_wide_positional_embeddings()
    encoder = small_pair.ours["prompt_encoder"]
    assert largest_difference(encoder.dense_pe((64, 64)), theirs) <= TOLERANCE
    assert torch.equal(encoder.dense_pe((16, 44)), encoder.dense_pe((64, 64))[:, :, :16, :44])


@pytest.mark.parametrize("multimask", [False, True])
@pytest.mark.parametrize(("kinds", "grid"), [("points", (64, 64)), ("points boxes", (16, 44)), ("boxes", (64, 64))])
@torch.inference_mode()
def test_the_mask_decoder_gives_the_same_masks_and_quality(small_pair, kinds, grid, multimask):
    """The two-way transformer, the upscaling, the heads and the selection of masks; one image, three prompts."""
    image = torch.randn(1, 256, *grid, generator=torch.Generator().manual_seed(2))
    encoder = small_pair.ours["prompt_encoder"]
    sparse, dense = encoder(**prompts(kinds), grid=grid)
    positions = encoder.dense_pe(grid)
    masks, quality = small_pair.ours["mask_decoder"](
        image, positions, sparse=sparse, dense=dense, multimask_output=multimask
    )
    their_masks, their_quality = small_pair.theirs.mask_decoder(
        image, positions, sparse.unsqueeze(0), dense[:1], multimask_output=multimask
    )
    assert largest_difference(masks, their_masks[0]) <= TOLERANCE
    assert largest_difference(quality, their_quality[0]) <= TOLERANCE


@pytest.mark.parametrize("multimask", [False, True])
@torch.inference_mode()
def test_an_image_and_a_point_give_the_same_masks(small_pair, multimask):
    """The parts are connected as in the published network."""
    pixels, point = canvas(1024, 1024, seed=3), torch.tensor([[[500.0, 375.0]]])
    label = torch.tensor([[1]])
    ours = small_pair.ours
    sparse, dense = ours["prompt_encoder"]((point, label), grid=(64, 64))
    masks, quality = ours["mask_decoder"](
        ours["image_encoder"](pixels),
        ours["prompt_encoder"].dense_pe((64, 64)),
        sparse=sparse,
        dense=dense,
        multimask_output=multimask,
    )
    theirs = small_pair.theirs(
        pixel_values=pixels,
        input_points=point.unsqueeze(0),
        input_labels=label.unsqueeze(0),
        multimask_output=multimask,
    )
    assert largest_difference(masks, theirs.pred_masks[0]) <= TOLERANCE
    assert largest_difference(quality, theirs.iou_scores[0]) <= TOLERANCE
