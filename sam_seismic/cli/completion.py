"""The arguments of the program come in; what installing shell completion will write is told, or why it cannot be."""

import os
import sys
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path

from sam_seismic.errors import UserError
from sam_seismic.files.user_paths import user_path

INSTALL = "--install-completion"
SHOW = "--show-completion"
_FILES = {
    "bash": ("~/.bashrc", "~/.bash_completions/sam-seismic.sh"),
    "zsh": ("~/.zshrc", "~/.zfunc/_sam-seismic"),
    "fish": ("~/.config/fish/completions/sam-seismic.fish",),
    "powershell": ("the profile of PowerShell",),
    "pwsh": ("the profile of PowerShell",),
}
"""Files that Typer writes, by shell; it adds lines to the first one, and tells of the last one only."""


def announce_completion(arguments: Sequence[str]) -> None:
    """Say which files will be changed, if the arguments ask for the completion to be installed.

    Raises:
        UserError: they do, or ask for it to be shown, and the program does not run in a shell that Typer knows, or in
            another one than they name; or a file may not be changed.
    """
    options = list(takewhile(lambda argument: argument.startswith("-"), arguments))
    asked = {INSTALL, SHOW}.intersection(options)
    if not asked:
        return
    shell = _shell()
    if shell not in _FILES:
        raise UserError(
            problem=f"{min(asked)}: runs in {shell or 'no shell'}, and completion is made for {', '.join(_FILES)}",
            fix="give it at the prompt of one of these; for bash also: "
            "_SAM_SEISMIC_COMPLETE=source_bash sam-seismic >> ~/.bashrc",
        )
    named = arguments[len(options)] if len(arguments) > len(options) else shell
    if named != shell:  # Typer would take the shell that runs, and leave the word out
        raise UserError(
            problem=f"{min(asked)} {named}: it is made for the shell in which it is given, which is {shell}",
            fix=f"leave {named} out"
            + (f", or start {named} and give {min(asked)} at its prompt" if named in _FILES else ""),
        )
    if INSTALL in asked:
        files = [str(user_path(file, INSTALL)) if file[0] == "~" else file for file in _FILES[shell]]
        _check_writable(file for file in files if file.startswith("/"))
        print(f"this changes {' and '.join(files)}", file=sys.stderr)


def _check_writable(files: Iterable[str]) -> None:
    """Refuse files that may not be changed before one of them is.

    Raises:
        UserError: one is.
    """
    for file in files:
        there = next(path for path in (Path(file), *Path(file).parents) if path.exists())
        if not os.access(there, os.W_OK):
            raise UserError(
                problem=f"{INSTALL}: {file} may not be written",
                fix=f"sam-seismic {SHOW} > FILE writes the commands into a file of yours; load it in your shell with: "
                "source FILE",
            )


def _shell() -> str | None:
    """The name of the shell that this process runs in."""
    import shellingham  # noqa: PLC0415  # needed here only; Typer detects the shell with it

    try:
        name: str = shellingham.detect_shell()[0]
    except shellingham.ShellDetectionFailure:
        return None
    return name
