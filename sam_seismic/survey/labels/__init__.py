"""Labels as interpreters have them: on few lines, of parts of lines or a time window, on a grid of their own."""
