"""Labels as interpreters have them: on few lines, in parts of lines or a time window, as horizons and as bodies."""
