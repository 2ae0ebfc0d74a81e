"""Labels and predictions come in; confusion matrices, scores and simple guesses go out. Numpy only."""
