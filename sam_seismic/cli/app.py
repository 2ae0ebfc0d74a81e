"""The Typer application, and how errors are told: the user's in words with exit 2, ours with a traceback and exit 1."""

import errno
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sam_seismic import __version__
from sam_seismic.errors import UserError


class PoliteGroup(TyperGroup):
    """Runs a command; an error that the user can mend is told without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run, and turn an error into words and exit 2."""
        try:
            return super().invoke(ctx)
        except UserError as error:
            _tell(error)
        except KeyboardInterrupt:
            _tell(UserError(problem="interrupted; no half-written file was left behind", fix="run the command again"))
        except OSError as error:
            _tell(_explained(error))
        sys.exit(2)


def _explained(error: OSError) -> UserError:
    """A failure of the file system in words; any other one goes on as it is."""
    name = error.filename or "the output"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError(
            problem=f"{name}: the disk is full; no half-written file was left behind", fix="free some space"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UserError(
            problem=f"{name}: {error.strerror}", fix="choose a folder that you may write to, or ask for access"
        )
    raise error


def _tell(error: UserError) -> None:
    print(f"error: {error.problem}\n  fix: {error.fix}", file=sys.stderr)


app = typer.Typer(
    name="sam-seismic",
    cls=PoliteGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"sam-seismic {__version__}")
        raise typer.Exit


@app.callback()
def main(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Fine-tune SAM (Segment Anything) on seismic sections: SEG-Y in, facies SEG-Y out."""
