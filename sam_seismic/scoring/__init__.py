"""Labels and predictions come in; confusion matrices, scores and guesses without a network go out. Numpy only."""
