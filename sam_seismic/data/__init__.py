"""numpy -> tensors: amplitudes are scaled, made three channels, placed on the canvas and batched."""
