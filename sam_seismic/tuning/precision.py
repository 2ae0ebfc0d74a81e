"""The name of a precision comes in; the type that frozen weights are held in goes out."""

import torch

from sam_seismic.config import Precision

TRAINING_HALVES = {"16-mixed": torch.float16, "bf16-mixed": torch.bfloat16}
"""By `trainer.precision`: what frozen weights are held in while the rest is trained."""
HELD: dict[Precision, torch.dtype] = {"32": torch.float32, "bf16": torch.bfloat16, "16": torch.float16}
"""By `--precision`: what an encoder is held in to evaluate and predict."""
