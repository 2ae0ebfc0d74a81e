"""The Typer application: commands run here, and errors of the user end in a problem, a fix and exit status 2."""

import errno
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sam_seismic import __version__
from sam_seismic.cli.completion import announce_completion
from sam_seismic.cli.given_paths import refuse_empty
from sam_seismic.cli.invocation import Invocation
from sam_seismic.cli.library_logs import reword_library_logs
from sam_seismic.cli.stopping import EndOfTask, report_end, stoppable
from sam_seismic.cli.streams import prepare_streams
from sam_seismic.errors import PeerLostError, StoppedError, UserError
from sam_seismic.files.disk import FILE_LIMIT
from sam_seismic.files.user_paths import unnameable

_NOTHING_LEFT = "no half-written file was left behind"
_PATHS = {
    errno.ENOENT: ("there is no such file or folder", "check the path"),
    errno.ENOTDIR: ("a folder on the way to it is a file", "choose another path"),
    errno.EISDIR: ("is a folder, where a file is expected", "choose another path"),
    errno.EEXIST: ("exists already", "choose another name"),
    errno.ENOTEMPTY: ("exists already, and holds files", "choose another name"),
    errno.ENAMETOOLONG: ("the name is too long for the file system", "choose a shorter one"),
    errno.ELOOP: ("links lead round in a circle", "remove the link, or choose another path"),
    errno.EIO: ("the disk or its network failed", "give the command again; if it fails again, ask who runs the disk"),
    errno.ESTALE: ("was replaced on its server", "give the command again"),
}
"""Problem and fix of each error that the file system raises for a path."""


class CommandGroup(TyperGroup):
    """Runs a command; what the user can mend is printed without a traceback, a fault of ours keeps its traceback."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the program; if it ends with an error, tell the batch script how."""
        prepare_streams()
        reword_library_logs()
        self._end: EndOfTask = "failed"
        try:
            return super().main(*args, **options)
        except BaseException as end:
            if not isinstance(end, SystemExit) or end.code not in (0, None):
                report_end(self._end)
            raise

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the options of the program itself, such as --install-completion, which act at once."""
        with self._errors_told():
            refuse_empty(args)
            announce_completion(args)
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Carry out the command; print an error of the user, or of the file system, and exit with 2."""
        with self._errors_told(), stoppable():
            _check_current_folder()
            invocation = super().invoke(ctx)
            if isinstance(invocation, Invocation):
                invocation.carry_out()
            sys.stdout.flush()  # if the disk is full, this raises here; when Python exits, it would print a traceback

    @contextmanager
    def _errors_told(self) -> Iterator[None]:
        """Inside, an error of the user, or of the file system, is printed, and ends the program with 2."""
        try:
            yield
        except UserError as error:
            if isinstance(error, StoppedError):
                self._end = "stopped"
            elif isinstance(error, PeerLostError):
                self._end = "lost"
            _print_error(error, _notes(error))
        except KeyboardInterrupt as stop:
            self._end = "stopped"
            _print_error(_interrupted(stop), _notes(stop))
        except OSError as error:
            _print_error(_explained(error), _notes(error))
        except UnicodeEncodeError as error:  # of a name of a file: standard streams take every text
            _print_error(unnameable(error), _notes(error))
        else:
            return
        sys.exit(2)


def _check_current_folder() -> None:
    """Refuse a current folder that was removed: libraries end without a word there.

    Raises:
        UserError: it was.
    """
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise UserError(problem="the current folder was removed", fix="change to another one: cd FOLDER") from error


def _interrupted(stop: KeyboardInterrupt) -> UserError:
    """The problem and the fix of a command that was interrupted; its notes tell what it kept."""
    what = str(stop) or "interrupted"
    if _notes(stop):
        return UserError(problem=what, fix="run the command again, with --resume")
    return UserError(problem=f"{what}; {_NOTHING_LEFT}", fix="run the command again")


def _explained(error: OSError) -> UserError:
    """The problem and the fix of an error of the file system; any other error is raised again."""
    name = error.filename or "the output"
    if error.filename is None and "temporary directory" in str(error):  # of tempfile, and of matplotlib
        return UserError(problem="no folder for temporary files can be written to", fix="export TMPDIR=FOLDER")
    if error.errno == errno.EFBIG:
        return UserError(problem=f"{name}: the shell allows no file of that size", fix=FILE_LIMIT)
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return UserError(problem=f"{name}: too many files are open", fix="raise the limit: ulimit -n 4096")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        left = "" if _notes(error) else f"; {_NOTHING_LEFT}"
        return UserError(problem=f"{name}: the disk is full{left}", fix="free some space")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UserError(problem=f"{name}: {error.strerror}", fix=_other_place(str(name)))
    if error.errno in _PATHS and error.filename:
        problem, fix = _PATHS[error.errno]
        return UserError(problem=f"{name}: {problem}", fix=fix)
    raise error


def _other_place(name: str) -> str:
    """The fix for a file or folder that this user may not use: the variable that names another one, if there is one."""
    from sam_seismic.config.places import CACHE, cache_folder  # noqa: PLC0415  # it asks the system, which takes time

    with suppress(UserError):
        if Path(name).is_relative_to(cache_folder("")):
            return f"another folder for the cache: export {CACHE}=FOLDER"
    return "choose a folder that you may write to, or ask for access"


def _print_error(error: UserError, notes: Sequence[str]) -> None:
    """Print problem, fix and notes on stderr. Notes tell what an interrupted command keeps for --resume."""
    print(f"error: {error.problem}\n  fix: {error.fix}", file=sys.stderr)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


def _notes(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", [])


app = typer.Typer(
    name="sam-seismic",
    cls=CommandGroup,
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
