"""The command line: words come in, one workflow is called, and what it found is drawn on the terminal."""

from sam_seismic.cli.app import app
from sam_seismic.cli.commands import convert, demo, evaluate, inspect, predict, score, train
from sam_seismic.cli.data import data_app
from sam_seismic.cli.embed import embed
from sam_seismic.cli.status import status
from sam_seismic.cli.submit import submit
from sam_seismic.cli.weights import weights_app

app.command()(demo)
app.command()(train)
app.command()(embed)
app.command(name="eval")(evaluate)
app.command()(predict)
app.command()(score)
app.command()(inspect)
app.command()(convert)
app.command()(status)
# What follows the name of the other command is left to that.
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}
)(submit)
app.add_typer(weights_app, name="weights")
app.add_typer(data_app, name="data")

__all__ = ["app"]
