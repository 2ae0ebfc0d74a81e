"""What a workflow reports to: the command line prints the reports, tests and programs may ignore them."""

from typing import Protocol


class Listener(Protocol):
    """Receives news and progress of a workflow. Workflows print nothing themselves."""

    def say(self, text: str) -> None:
        """Receive one line of news."""

    def progress(self, what: str, done: int, total: int | None, detail: str = "") -> None:
        """Receive how far long work has come.

        Args:
            what: names the work.
            done: steps that are finished.
            total: all steps; None if their number is not known.
            detail: more to show, such as the loss.
        """


class Silent:
    """A listener that ignores everything."""

    def say(self, text: str) -> None:
        """Ignore the report."""

    def progress(self, what: str, done: int, total: int | None, detail: str = "") -> None:
        """Ignore the report."""
