"""SAM with Meta's parameter names, so that official checkpoints load without conversion."""

from sam_seismic.config.sam_sizes import CANVAS, PATCH, SIZES, EncoderSize
from sam_seismic.sam.block_encoder import BlockEncoder
from sam_seismic.sam.build import build_sam, load_sam
from sam_seismic.sam.image_encoder import CHANNELS, GRID, ImageEncoder
from sam_seismic.sam.mask_decoder import MaskDecoder
from sam_seismic.sam.model import Sam
from sam_seismic.sam.prompt_encoder import PromptEncoder
from sam_seismic.sam.transformer import TwoWayTransformer

__all__ = [
    "CANVAS",
    "CHANNELS",
    "GRID",
    "PATCH",
    "SIZES",
    "BlockEncoder",
    "EncoderSize",
    "ImageEncoder",
    "MaskDecoder",
    "PromptEncoder",
    "Sam",
    "TwoWayTransformer",
    "build_sam",
    "load_sam",
]
