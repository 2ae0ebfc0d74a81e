"""Confusion matrices, scores and guesses without a network: numpy only."""
