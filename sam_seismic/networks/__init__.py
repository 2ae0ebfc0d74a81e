"""From a canvas to logits: one file a kind of network."""
