"""The Typer application, and how errors are told: the user's in words with exit 2, ours with a traceback and exit 1."""

import errno
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sam_seismic import __version__
from sam_seismic.cli.stopping import Word, leave_word, stoppable
from sam_seismic.errors import PeerLostError, StoppedError, UserError

_NOTHING_LEFT = "no half-written file was left behind"
_PATHS = {
    errno.ENOENT: ("there is no such file or folder", "check the path"),
    errno.ENOTDIR: ("a folder on the way to it is a file", "choose another path"),
    errno.EISDIR: ("is a folder, where a file is expected", "choose another path"),
    errno.EEXIST: ("exists already", "choose another name"),
    errno.ENOTEMPTY: ("exists already, and holds files", "choose another name"),
    errno.ENAMETOOLONG: ("the name is too long for the file system", "choose a shorter one"),
}
"""What is wrong with a path that the file system refuses, and the fix."""


class PoliteGroup(TyperGroup):
    """Runs a command; an error that the user can mend is told without a traceback."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the program; if it does not end well, leave word to a batch script."""
        self._word: Word = "failed"
        try:
            return super().main(*args, **options)
        except BaseException as end:
            if not isinstance(end, SystemExit) or end.code not in (0, None):
                leave_word(self._word)
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run, and turn an error into words and exit 2."""
        try:
            with stoppable():
                found = super().invoke(ctx)
                # A reader that has gone (`| head`) is met here, and Typer ends quietly; Python's own end would be loud.
                sys.stdout.flush()
                return found
        except UserError as error:
            _tell(error, error)
            self._word = "stopped" if isinstance(error, StoppedError) else "failed"
            self._word = "lost" if isinstance(error, PeerLostError) else self._word
        except KeyboardInterrupt as stop:
            self._word = "stopped"
            kept, what = bool(_notes(stop)), str(stop) or "interrupted"
            problem = what if kept else f"{what}; {_NOTHING_LEFT}"
            fix = "run the command again, with --resume" if kept else "run the command again"
            _tell(UserError(problem=problem, fix=fix), stop)
        except OSError as error:
            _tell(_explained(error), error)
        sys.exit(2)


def _explained(error: OSError) -> UserError:
    """A failure of the file system in words; any other one goes on as it is."""
    name = error.filename or "the output"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        left = "" if _notes(error) else f"; {_NOTHING_LEFT}"
        return UserError(problem=f"{name}: the disk is full{left}", fix="free some space")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UserError(
            problem=f"{name}: {error.strerror}", fix="choose a folder that you may write to, or ask for access"
        )
    if error.errno in _PATHS and error.filename:
        problem, fix = _PATHS[error.errno]
        return UserError(problem=f"{name}: {problem}", fix=fix)
    raise error


def _tell(error: UserError, cause: BaseException) -> None:
    """Problem and fix, and what was noted on the way up: of a long job, what is kept of it."""
    print(f"error: {error.problem}\n  fix: {error.fix}", file=sys.stderr)
    for note in _notes(cause):
        print(f"note: {note}", file=sys.stderr)


def _notes(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", [])


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
