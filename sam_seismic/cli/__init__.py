"""The command line: arguments come in, one workflow is called, and its outcome is printed."""

from sam_seismic.cli.app import app
from sam_seismic.cli.commands import convert, demo, evaluate, inspect, predict, score, train
from sam_seismic.cli.config import config_app
from sam_seismic.cli.data import data_app
from sam_seismic.cli.embed import embed
from sam_seismic.cli.experiment import experiment
from sam_seismic.cli.labels import labels
from sam_seismic.cli.several_values import SeveralValues
from sam_seismic.cli.status import status
from sam_seismic.cli.submit import submit
from sam_seismic.cli.weights import weights_app

app.command()(demo)
app.command()(train)
app.command()(embed)
app.command()(experiment)
app.command(name="eval")(evaluate)
app.command(cls=SeveralValues)(predict)
app.command(cls=SeveralValues)(score)
app.command()(inspect)
app.command()(convert)
app.command(cls=SeveralValues)(labels)
app.command()(status)
# All arguments after the name of the other command belong to that command.
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}
)(submit)
app.add_typer(config_app, name="config")
app.add_typer(weights_app, name="weights")
app.add_typer(data_app, name="data")

__all__ = ["app"]
