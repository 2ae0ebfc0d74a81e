"""From an embedding to one logit plane a class: one file a head."""
