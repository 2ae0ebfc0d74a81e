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
