"""Errors that a user can act on: each holds the problem and its fix."""


class UserError(Exception):
    """Something that the user must change. The command line prints it without a traceback and exits with 2.

    Args:
        problem: what is wrong, with the offending value and the path.
        fix: what to do about it, as an option or a command where there is one.
    """

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(problem, fix)
        self.problem = problem
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.problem}\n  fix: {self.fix}"


class ConfigError(UserError):
    """A configuration that cannot be used; the message lists all its problems."""


class SurveyError(UserError):
    """A seismic file or folder that cannot be read or written, or labels that do not fit their amplitudes."""


class NoGridError(SurveyError):
    """Sections of a folder that do not lie on one grid, where a grid is needed."""


class WeightsError(UserError):
    """A weights file or checkpoint that is missing, damaged, unsafe or of another network."""


class StoppedError(UserError):
    """Work that a signal or the user stopped, and that can be resumed."""


class PeerLostError(UserError):
    """Another process of a distributed training has ended; this one cannot continue without it."""


def first_line(error: BaseException) -> str:
    """The first line of an error of a library, for our own message; the name of its class if it has no text."""
    return next(iter(str(error).splitlines()), type(error).__name__)
