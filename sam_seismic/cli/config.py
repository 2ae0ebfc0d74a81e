"""`sam-seismic config`: the JSON Schema of the YAML, and an experiment's whole configuration with all defaults."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from sam_seismic.cli.given_paths import as_meant
from sam_seismic.cli.options import Json, Override
from sam_seismic.cli.streams import is_unicode
from sam_seismic.cli.terminal import print_json
from sam_seismic.config import Config, dump_config, load_config
from sam_seismic.config.experiment import ExperimentConfig

config_app = typer.Typer(help="Show what a YAML can say, and what an experiment's YAML means.", no_args_is_help=True)


@config_app.command()
def schema(
    experiment: Annotated[bool, typer.Option("--experiment", help="Of an experiment's YAML, not of a run's.")] = False,
) -> None:
    """Print the JSON Schema of the YAML: each key with its type, bounds, default and meaning.

    Editors use it to complete and to check keys.

    Example: sam-seismic config schema > sam-seismic.schema.json
    """
    print_json((ExperimentConfig if experiment else Config).model_json_schema())


@config_app.command()
def show(
    file: Annotated[Path, typer.Argument(callback=as_meant, metavar="FILE", help="YAML of the experiment.")],
    override: Override = None,
    json: Json = False,
) -> None:
    """Check a YAML and print the whole configuration, with the defaults of all keys that it leaves out.

    Example: sam-seismic config show configs/f3.yaml --set train.epochs=10
    """
    config = load_config(file, override or [])
    if json:
        print_json(config.model_dump(mode="json"))
    else:
        # The output may become a file, which is read as UTF-8.
        print(dump_config(config, ascii_only=not is_unicode(sys.stdout.encoding)), end="")
