"""The two-way transformer: prompt tokens and an image embedding go in, both come out updated by cross-attention.

Source: Kirillov et al. 2023, "Segment Anything", appendix A (lightweight mask decoder).
"""

from torch import Tensor, nn
from torch.nn import functional

from sam_seismic.sam.image_encoder import CHANNELS
from sam_seismic.sam.layers import FeedForward

HEADS = 8


class TokenAttention(nn.Module):
    """Multi-head attention between two sets of tokens, with queries, keys and values of `inner` channels."""

    def __init__(self, inner: int) -> None:
        super().__init__()
        self.q_proj = nn.Linear(CHANNELS, inner)
        self.k_proj = nn.Linear(CHANNELS, inner)
        self.v_proj = nn.Linear(CHANNELS, inner)
        self.out_proj = nn.Linear(inner, CHANNELS)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Queries float[B, queries, 256], keys and values float[B, keys, 256] -> float[B, queries, 256]."""
        q, k, v = split_heads(self.q_proj(q)), split_heads(self.k_proj(k)), split_heads(self.v_proj(v))
        attended = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)  # [B, queries, inner]
        out: Tensor = self.out_proj(attended)
        return out


def split_heads(x: Tensor) -> Tensor:
    """float[B, tokens, inner] -> float[B, heads, tokens, d]."""
    b, tokens, inner = x.shape
    return x.reshape(b, tokens, HEADS, inner // HEADS).transpose(1, 2)  # [B, heads, tokens, d]


class TwoWayBlock(nn.Module):
    """Self-attention of the tokens, attention of the tokens to the image, feed-forward, attention of the image to them.

    Args:
        first: whether it is the first block; its self-attention has no residual and no positional encoding.
    """

    def __init__(self, *, first: bool) -> None:
        super().__init__()
        self.first = first
        self.self_attn = TokenAttention(CHANNELS)
        self.norm1 = nn.LayerNorm(CHANNELS)
        self.cross_attn_token_to_image = TokenAttention(CHANNELS // 2)
        self.norm2 = nn.LayerNorm(CHANNELS)
        self.mlp = FeedForward(CHANNELS, 8 * CHANNELS, activation=nn.ReLU())
        self.norm3 = nn.LayerNorm(CHANNELS)
        self.norm4 = nn.LayerNorm(CHANNELS)
        self.cross_attn_image_to_token = TokenAttention(CHANNELS // 2)

    def forward(self, tokens: Tensor, image: Tensor, *, token_pe: Tensor, image_pe: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens float[B, N, 256] and image float[B, h*w, 256], each with its positions -> the same shapes."""
        if self.first:
            tokens = self.self_attn(tokens, tokens, tokens)
        else:
            tokens_with_pe = tokens + token_pe
            tokens = tokens + self.self_attn(tokens_with_pe, tokens_with_pe, tokens)
        tokens = self.norm1(tokens)
        image_with_pe = image + image_pe
        tokens = self.norm2(tokens + self.cross_attn_token_to_image(tokens + token_pe, image_with_pe, image))
        tokens = self.norm3(tokens + self.mlp(tokens))
        image = self.norm4(image + self.cross_attn_image_to_token(image_with_pe, tokens + token_pe, tokens))
        return tokens, image


class TwoWayTransformer(nn.Module):
    """Two blocks of cross-attention in both directions, and a final attention of the tokens to the image."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([TwoWayBlock(first=True), TwoWayBlock(first=False)])
        self.final_attn_token_to_image = TokenAttention(CHANNELS // 2)
        self.norm_final_attn = nn.LayerNorm(CHANNELS)

    def forward(self, image: Tensor, image_pe: Tensor, *, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Attention between tokens and image, for each of the B pairs separately.

        Args:
            image: float[B, 256, h, w], the image embedding.
            image_pe: float[1 or B, 256, h, w], positional encoding of the image embedding.
            tokens: float[B, N, 256], output and prompt tokens.

        Returns:
            Tokens float[B, N, 256] and image float[B, h*w, 256].
        """
        # Contiguous, since otherwise each of the layers below would copy the image.
        image = image.flatten(2).transpose(1, 2).contiguous()  # [B, h*w, 256]
        image_pe = image_pe.flatten(2).transpose(1, 2).contiguous()  # [1 or B, h*w, 256]
        token_pe = tokens
        for layer in self.layers:
            tokens, image = layer(tokens, image, token_pe=token_pe, image_pe=image_pe)
        final = self.final_attn_token_to_image(tokens + token_pe, image + image_pe, image)
        return self.norm_final_attn(tokens + final), image
