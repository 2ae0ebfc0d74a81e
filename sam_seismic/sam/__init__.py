"""SAM, written for this project with Meta's parameter names, so that official checkpoints load as they are."""
