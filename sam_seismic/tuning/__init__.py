"""Which parts of a network are trained, and the store for the output of the frozen part."""
