"""What a workflow reports its progress to: `terminal` shows it to people, tests and programs may ignore it."""

from typing import Protocol


class Listener(Protocol):
    """Receives messages and progress of a workflow. Workflows print nothing themselves."""

    def say(self, text: str) -> None:
        """Take one line of text."""

    def progress(self, what: str, done: int, total: int | None, detail: str = "") -> None:
        """Take the progress of a long job.

        Args:
            what: names the job.
            done: steps that are finished.
            total: steps in all; None: not known.
            detail: shown beside the progress.
        """


class Silent:
    """A listener that ignores everything."""

    def say(self, text: str) -> None:
        """Ignore the report."""

    def progress(self, what: str, done: int, total: int | None, detail: str = "") -> None:
        """Ignore the report."""


class OnlyNotes:
    """Passes on notes and progress to another listener: of one run of many, what the others say as well is left out."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def say(self, text: str) -> None:
        """Pass on a note."""
        if text.startswith("note: "):
            self._listener.say(text)

    def progress(self, what: str, done: int, total: int | None, detail: str = "") -> None:
        """Pass on the progress."""
        self._listener.progress(what, done, total, detail)
