"""`python -m sam_seismic`: the command line without an installed script."""

from sam_seismic.cli import app

app()
