"""What libraries log comes in; what a user can do something about goes out, in our words."""

import logging
import sys
import warnings

_NO_CACHE = "temporary cache directory"
"""In what matplotlib says where it cannot write to the home folder."""


class _InOurWords(logging.Handler):
    """Prints a note for the one message of matplotlib that tells of something that can be mended."""

    def emit(self, record: logging.LogRecord) -> None:
        if _NO_CACHE in record.getMessage():
            print(
                "note: the home folder cannot be written to: pictures start sooner with export MPLCONFIGDIR=FOLDER",
                file=sys.stderr,
            )


def reword_library_logs() -> None:
    """Replace what matplotlib logs, and how Python prints warnings; called once, before matplotlib is imported."""
    warnings.formatwarning = _without_place
    logger = logging.getLogger("matplotlib")
    if not any(isinstance(handler, _InOurWords) for handler in logger.handlers):
        logger.addHandler(_InOurWords(logging.WARNING))
        logger.propagate = False


def _without_place(
    message: Warning | str,
    category: type[Warning],  # noqa: ARG001  # the signature is that of Python
    filename: str,  # noqa: ARG001
    lineno: int,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> str:
    """What a warning says, without the file of the library that it comes from."""
    return f"note: {message}\n"
