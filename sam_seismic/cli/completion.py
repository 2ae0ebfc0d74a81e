"""The arguments of the program come in; what installing shell completion will write is told, or why it cannot be."""

import sys
from collections.abc import Sequence
from itertools import takewhile

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
        UserError: they do, or ask for it to be shown, and the program does not run in a shell that Typer knows.
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
    if INSTALL in asked:
        files = [str(user_path(file, INSTALL)) if file[0] == "~" else file for file in _FILES[shell]]
        print(f"this changes {' and '.join(files)}", file=sys.stderr)


def _shell() -> str | None:
    """The name of the shell that this process runs in."""
    import shellingham  # noqa: PLC0415  # needed here only; Typer detects the shell with it

    try:
        name: str = shellingham.detect_shell()[0]
    except shellingham.ShellDetectionFailure:
        return None
    return name
