"""The name of a precision comes in; the dtype of the encoder's weights goes out."""

import torch

from sam_seismic.config import Precision

FROZEN_DTYPES = {"16-mixed": torch.float16, "bf16-mixed": torch.bfloat16}
"""By `trainer.precision`: dtype of the frozen weights during training, where that is not float32."""
ENCODER_DTYPES: dict[Precision, torch.dtype] = {"32": torch.float32, "bf16": torch.bfloat16, "16": torch.float16}
"""By `--precision`: dtype of the encoder's weights in `eval` and `predict`."""
