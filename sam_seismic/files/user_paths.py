"""A path as a person writes it comes in; the path that is meant goes out: `~` and variables are replaced.

Every path of a configuration, an option, an environment variable or a call from Python goes through here once, so that
none of them becomes a folder that is called `~` or `$SCRATCH`.
"""

import codecs
import os
import re
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from sam_seismic.errors import UserError

AnyPath = str | os.PathLike[str]
_DOLLAR = re.compile(r"\$(?:\$|\(|\{[^}]*\}?|[A-Za-z_][A-Za-z0-9_]*)")
"""What a dollar can begin; a dollar before anything else stands for itself."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


_LATER: ContextVar[Collection[str]] = ContextVar("variables that are set later", default=())


@contextmanager
def set_later(names: Collection[str]) -> Iterator[None]:
    """Inside, these variables stay in a path as they are written where they are not set: `$SLURM_JOB_ID`."""
    token = _LATER.set(names)
    try:
        yield
    finally:
        _LATER.reset(token)


class UnknownPathError(ValueError):
    """A path whose meaning is not known; the message tells the problem and the fix."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(f"{problem}: {fix}")
        self.problem = problem
        self.fix = fix


def expanded(given: AnyPath) -> Path:
    """The path that is meant.

    `$NAME` and `${NAME}` are replaced by the variable, then `~` and `~USER` at the beginning by the home folder; `$$`
    is a dollar. Where that is not possible and a file or folder has exactly the given name, it is the one that is
    meant: names of files may hold dollars.

    Args:
        given: relative or absolute; it need not exist.

    Raises:
        UnknownPathError: a variable is not set, there is no such user, or the path is empty.
    """
    text = os.fspath(given)
    if not text.strip():
        raise UnknownPathError("the path is empty", "give one, or leave it out")
    try:
        return Path(_with_home(_with_variables(text)))
    except UnknownPathError:
        if os.path.lexists(text):
            return Path(text)
        raise


def user_path(given: AnyPath, where: str) -> Path:
    """As `expanded`, for what is not a configuration, which lists its problems itself.

    Args:
        given: the path.
        where: the option, variable or argument that it was given to, for the message.

    Raises:
        UserError: as `expanded`.
    """
    try:
        return expanded(given)
    except UnknownPathError as error:
        raise UserError(problem=f"{where}: {error.problem}", fix=error.fix) from error


def variable_folder(name: str) -> Path | None:
    """The folder that an environment variable names; None where it is not set, or empty.

    Raises:
        UserError: it holds a variable that is not set, or a home folder that is not known.
    """
    given = os.environ.get(name, "")
    return user_path(given, name) if given.strip() else None


def is_there(path: Path) -> bool:
    """Whether a file or folder exists. `Path.exists` denies one whose name the system cannot be asked for.

    Raises:
        UserError: the encoding of this shell lacks letters of the name.
    """
    try:
        os.fsencode(path)
    except UnicodeEncodeError as error:
        raise unnameable(error) from error
    return path.exists()


def unnameable(error: UnicodeEncodeError) -> UserError:
    """What a user is told of the name of a file that the encoding of the shell lacks letters of.

    Any other error of an encoding is raised again.
    """
    encoding = sys.getfilesystemencoding()
    if codecs.lookup(error.encoding) != codecs.lookup(encoding):
        raise error
    return UserError(
        problem=f"{error.object}: {encoding}, the encoding of this shell, lacks letters of the name",
        fix="export PYTHONUTF8=1, and give the command again",
    )


def written(path: Path) -> str:
    """The text from which `expanded` makes this very path again, wherever and whenever it is read."""
    return str(path).replace("$", "$$")


def _with_variables(text: str, within: tuple[str, ...] = ()) -> str:
    """The text with the values of its variables, and of the variables in these.

    Args:
        text: of a path.
        within: the variables whose values it is a part of.
    """

    def value(match: re.Match[str]) -> str:
        found = match[0]
        if found == "$$":
            return "$"
        name = found[2:-1] if found.startswith("${") and found.endswith("}") else found[1:]
        if not _NAME.fullmatch(name):
            raise UnknownPathError(
                f"{found} in {text} is not understood", "write $NAME or ${NAME} for a variable, and $$ for a dollar"
            )
        if name in within:
            raise UnknownPathError(f"the variable {name} refers to itself", f"export {name}=FOLDER")
        if name not in os.environ and name in _LATER.get():
            return found
        if not os.environ.get(name, "").strip():
            state = "empty" if name in os.environ else "not set"
            raise UnknownPathError(
                f"the variable {name} in {text} is {state}",
                f"export {name}=FOLDER, or write the path without it; $$ stands for a dollar",
            )
        return _with_variables(os.environ[name], (*within, name))

    return _DOLLAR.sub(value, text)


def _with_home(text: str) -> str:
    """The text with the home folder in place of `~` or `~USER`."""
    if not text.startswith("~"):
        return text
    user, _, _ = text.removeprefix("~").partition("/")
    if user:
        found = os.path.expanduser(text)  # noqa: PTH111  # that of pathlib has no words for what is wrong
        if found == text:
            raise UnknownPathError(
                f"there is no user {user} for {text}", f"check the name; a file of that name is {Path.cwd() / text}"
            )
        return found
    # An empty HOME would make ~/x the path /x.
    found = text if os.environ.get("HOME") == "" else os.path.expanduser(text)  # noqa: PTH111
    if found == text or not Path(found).is_absolute():
        raise UnknownPathError(
            f"the home folder for {text} is not known", "export HOME=FOLDER, or write the path without ~"
        )
    return found
