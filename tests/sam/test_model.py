"""SAM as a module: published parameter names, canvas sizes, batches of prompts, precisions and random weights."""

import pytest
import torch
from torch import nn

from sam_seismic.errors import UserError
from sam_seismic.sam import SIZES, MaskDecoder, Sam, build_sam

PUBLISHED = {
    "vit_b": (768, 12, 12, (2, 5, 8, 11)),
    "vit_l": (1024, 24, 16, (5, 11, 17, 23)),
    "vit_h": (1280, 32, 16, (7, 15, 23, 31)),
}
COUNTS = {"vit_b": 93_735_472, "vit_l": 312_342_832, "vit_h": 641_090_608}


@pytest.fixture(scope="module")
def sam():
    torch.manual_seed(0)
    return build_sam("vit_t").eval()


@pytest.mark.parametrize("size", PUBLISHED)
def test_every_name_and_shape_is_the_published_one(size, published_shapes):
    """Official checkpoints load only if no name is missing or additional, and no shape differs."""
    with torch.device("meta"):
        state = build_sam(size).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == published_shapes(*PUBLISHED[size])


@pytest.mark.parametrize("size", PUBLISHED)
def test_the_number_of_parameters_is_the_published_one(size):
    """Sum over all parameters of each size."""
    with torch.device("meta"):
        sam = build_sam(size)
    assert sum(parameter.numel() for parameter in sam.parameters()) == COUNTS[size]


def test_without_random_weights_none_are_drawn():
    """Every parameter and buffer is in `state_dict()`, so that no memory stays uninitialised after loading."""
    torch.manual_seed(0)
    sam = Sam("vit_t", random=False)
    state = torch.get_rng_state()
    torch.manual_seed(0)
    torch.randn(sam.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix.shape)
    assert torch.equal(state, torch.get_rng_state())
    names = {name for name, _ in [*sam.named_parameters(), *sam.named_buffers()]}
    assert names == sam.state_dict().keys()
    assert nn.Linear(2, 2).weight.abs().max() > 0, "layers created afterwards must be initialised"


def test_an_unknown_size_is_refused_with_a_list_of_the_known_sizes():
    with pytest.raises(UserError, match="'vit_x'") as caught:
        build_sam("vit_x")
    assert "vit_t, vit_b, vit_l, vit_h" in caught.value.fix


@pytest.mark.parametrize("shape", [(1040, 1024), (1024, 1040), (255, 701), (256, 700), (0, 64)])
def test_a_canvas_size_that_is_not_supported_is_refused(sam, shape):
    """Otherwise an internal error would follow, or wrong positions would be used."""
    with pytest.raises(UserError, match=f"{shape[0]} x {shape[1]}") as caught:
        sam.image_encoder(torch.zeros(1, 3, *shape))
    assert "multiples of 16" in caught.value.fix
    assert "1024" in caught.value.fix


@pytest.mark.parametrize("shape", [(16, 1024), (256, 704), (64, 48)])
@torch.inference_mode()
def test_height_and_width_of_the_embedding_are_a_sixteenth_of_the_canvas(sam, shape):
    embedding = sam.image_encoder(torch.zeros(2, 3, *shape))
    assert embedding.shape == (2, 256, shape[0] // 16, shape[1] // 16)


@torch.inference_mode()
def test_a_small_canvas_has_the_positions_of_the_top_left_of_the_square_one():
    """With windowed blocks only, a canvas of one window has the tokens of the first window of the square canvas."""
    torch.manual_seed(0)
    encoder = build_sam("vit_t").image_encoder
    pixels = torch.randn(1, 3, 1024, 1024)
    for block in encoder.blocks:
        torch.nn.init.normal_(block.attn.rel_pos_h)
        torch.nn.init.normal_(block.attn.rel_pos_w)
    windowed = [block for block in encoder.blocks if block.windowed]
    assert len(windowed) == 4

    def tokens(canvas: torch.Tensor) -> torch.Tensor:
        x = encoder.patch_embed(canvas)
        x = x + encoder.pos_embed[:, : x.shape[1], : x.shape[2]]
        for block in windowed:
            x = block(x)
        return x

    torch.testing.assert_close(tokens(pixels[..., :224, :224]), tokens(pixels)[:, :14, :14], atol=1e-5, rtol=0)


@torch.inference_mode()
def test_images_of_a_batch_do_not_affect_each_other(sam):
    """Neither in the transformer nor in the upscaling; one prompt per image."""
    images = sam.image_encoder(torch.randn(3, 3, 64, 96))
    points = (64 * torch.rand(3, 2, 2), torch.tensor([[1, 0], [1, 1], [0, 1]]))
    sparse, dense = sam.prompt_encoder(points, grid=(4, 6))
    positions = sam.prompt_encoder.dense_pe((4, 6))
    masks, quality = sam.mask_decoder(images, positions, sparse=sparse, dense=dense, multimask_output=True)
    assert masks.shape == (3, 3, 16, 24)
    assert quality.shape == (3, 3)
    for i in range(3):
        single_masks, single_quality = sam.mask_decoder(
            images[i : i + 1], positions, sparse=sparse[i : i + 1], dense=dense[i : i + 1], multimask_output=True
        )
        torch.testing.assert_close(masks[i], single_masks[0], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(quality[i], single_quality[0], atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_prompts_of_wrong_number_or_shape_are_refused(sam):
    sparse, dense = sam.prompt_encoder(boxes=torch.rand(3, 4), grid=(4, 4))
    positions = sam.prompt_encoder.dense_pe((4, 4))
    with pytest.raises(AssertionError, match="2 images for 3 prompts"):
        sam.mask_decoder(torch.zeros(2, 256, 4, 4), positions, sparse=sparse, dense=dense, multimask_output=False)
    with pytest.raises(AssertionError, match="differ in number"):
        sam.prompt_encoder((torch.rand(2, 1, 2), torch.ones(2, 1)), torch.rand(3, 4), grid=(4, 4))
    with pytest.raises(AssertionError, match="do not fit a grid of 4 x 4"):
        sam.prompt_encoder(masks=torch.zeros(1, 1, 16, 32), grid=(4, 4))


@torch.inference_mode()
def test_the_decoder_supports_any_number_of_mask_tokens():
    """A class head is this decoder with one mask token per class."""
    decoder = MaskDecoder(masks=7)
    masks, quality = decoder.predict_all(
        torch.randn(2, 256, 2, 3),
        torch.randn(1, 256, 2, 3),
        sparse=torch.zeros(2, 0, 256),
        dense=torch.zeros(2, 256, 2, 3),
    )
    assert masks.shape == (2, 7, 8, 12)
    assert quality.shape == (2, 7)


def test_random_weights_can_be_trained():
    """Weights and positions have the standard deviation of ViT, and every parameter in use receives a gradient."""
    torch.manual_seed(0)
    sam = build_sam("vit_t")
    first = sam.image_encoder.blocks[0]
    assert 0.018 < first.attn.qkv.weight.std() < 0.022
    assert 0.018 < sam.image_encoder.pos_embed.std() < 0.022
    assert not first.attn.qkv.bias.any()
    assert not first.attn.rel_pos_h.any()

    image = sam.image_encoder(torch.randn(1, 3, 64, 64))
    points = (64 * torch.rand(1, 3, 2), torch.tensor([[1, 0, -1]]))
    sparse, dense = sam.prompt_encoder(points, 64 * torch.rand(1, 4), masks=torch.randn(1, 1, 16, 16), grid=(4, 4))
    masks, quality = sam.mask_decoder.predict_all(
        image, sam.prompt_encoder.dense_pe((4, 4)), sparse=sparse, dense=dense
    )
    (masks.square().mean() + quality.square().mean()).backward()
    untrained = {name for name, each in sam.named_parameters() if each.grad is None or not each.grad.any()}
    assert untrained == {"prompt_encoder.no_mask_embed.weight"}  # a mask was given


@torch.inference_mode()
def test_positions_stay_precise_in_mixed_precision(sam):
    """In bfloat16 the positional encoding of a point would have an error of several pixels."""
    precise = sam.prompt_encoder.dense_pe((16, 16))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(sam.prompt_encoder.dense_pe((16, 16)), precise)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
@torch.inference_mode()
def test_the_whole_network_runs_in_another_precision(dtype):
    """`precision: bf16-true` and `64-true` convert every parameter; no tensor may remain float32."""
    sam = build_sam("vit_t").to(dtype)
    image = sam.image_encoder(torch.randn(1, 3, 32, 48, dtype=dtype))
    sparse, dense = sam.prompt_encoder((torch.rand(1, 1, 2), torch.ones(1, 1)), torch.rand(1, 4), grid=(2, 3))
    positions = sam.prompt_encoder.dense_pe((2, 3))
    masks, _ = sam.mask_decoder(image, positions, sparse=sparse, dense=dense, multimask_output=False)
    assert masks.dtype == dtype
    assert masks.isfinite().all()


@torch.inference_mode()
def test_mixed_precision_changes_little(sam):
    """All of the encoder runs under autocast, including the attention bias."""
    pixels = torch.randn(1, 3, 256, 240)
    precise = sam.image_encoder(pixels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = sam.image_encoder(pixels)
    assert (rough - precise).abs().mean() < 0.03 * precise.abs().mean() + 0.01


def test_heads_have_the_published_number_of_channels():
    """64 channels per head in vit_t, vit_b and vit_l, 80 in vit_h."""
    assert {name: size.width // size.heads for name, size in SIZES.items()} == {
        "vit_t": 64,
        "vit_b": 64,
        "vit_l": 64,
        "vit_h": 80,
    }


def test_norms_have_the_published_epsilon(sam):
    """1e-6 in the image encoder, 1e-5 in the mask decoder; the parity tests do not detect so small a difference."""
    norms = {name: module.eps for name, module in sam.named_modules() if isinstance(module, torch.nn.LayerNorm)}
    assert {eps for name, eps in norms.items() if name.startswith("image_encoder")} == {1e-6}
    assert {eps for name, eps in norms.items() if name.startswith("mask_decoder")} == {1e-5}
