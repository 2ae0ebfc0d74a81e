"""Names of SAM's parameters in Hugging Face's `transformers` (`SamModel`) <-> Meta's."""

_RENAMED = {
    "image_encoder.patch_embed.proj.": "vision_encoder.patch_embed.projection.",
    "image_encoder.blocks.": "vision_encoder.layers.",
    "image_encoder.neck.0.": "vision_encoder.neck.conv1.",
    "image_encoder.neck.1.": "vision_encoder.neck.layer_norm1.",
    "image_encoder.neck.2.": "vision_encoder.neck.conv2.",
    "image_encoder.neck.3.": "vision_encoder.neck.layer_norm2.",
    "image_encoder.": "vision_encoder.",
    "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix": "shared_image_embedding.positional_embedding",
    ".point_embeddings.": ".point_embed.",
    ".mask_downscaling.0.": ".mask_embed.conv1.",
    ".mask_downscaling.1.": ".mask_embed.layer_norm1.",
    ".mask_downscaling.3.": ".mask_embed.conv2.",
    ".mask_downscaling.4.": ".mask_embed.layer_norm2.",
    ".mask_downscaling.6.": ".mask_embed.conv3.",
    ".output_upscaling.0.": ".upscale_conv1.",
    ".output_upscaling.1.": ".upscale_layer_norm.",
    ".output_upscaling.3.": ".upscale_conv2.",
    ".norm": ".layer_norm",
}
"""Parts of Meta's names, and what stands there in theirs; from the special to the general."""
_PERCEPTRONS = ("output_hypernetworks_mlps", "iou_prediction_head")
_LAYERS = {"layers.0.": "proj_in.", "layers.1.": "layers.0.", "layers.2.": "proj_out."}
"""Of these perceptrons: Meta's layers, and theirs."""
SHARED_POSITIONS = "prompt_encoder.shared_embedding.positional_embedding"
"""Where theirs names the matrix of `shared_image_embedding` a second time."""


def transformers_name(name: str) -> str:
    """Meta's name of a parameter -> the one in `transformers`."""
    for meta, theirs in _RENAMED.items():
        name = name.replace(meta, theirs)
    if any(part in name for part in _PERCEPTRONS):
        layer = next(each for each in _LAYERS if each in name)
        return name.replace(layer, _LAYERS[layer])
    return name


def meta_name(name: str, *, perceptrons: bool) -> str:
    """The inverse of `transformers_name`; Meta's own names stay.

    Args:
        name: of a parameter, `vision_encoder...` or `image_encoder...`, `prompt_encoder...` or the like.
        perceptrons: whether the layers of perceptrons are named as in `transformers`: `layers.0` is another in each.
    """
    name = name.replace(SHARED_POSITIONS, "shared_image_embedding.positional_embedding")
    for meta, theirs in _RENAMED.items():
        name = name.replace(theirs, meta)
    if perceptrons and any(part in name for part in _PERCEPTRONS):
        layer = next((meta for meta, theirs in _LAYERS.items() if theirs in name), None)
        return name if layer is None else name.replace(_LAYERS[layer], layer)
    return name
