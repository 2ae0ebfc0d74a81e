"""Who is told how a workflow gets on; `terminal` shows it to people, tests and programs may ignore it."""

from typing import Protocol


class Listener(Protocol):
    """Hears what a workflow does. Workflows print nothing themselves."""

    def say(self, text: str) -> None:
        """One line of plain news."""

    def progress(self, what: str, done: int, total: int | None, detail: str = "") -> None:
        """A step of a long job: `what` names the job, done of total steps are finished.

        A total of None is not known.
        """


class Silent:
    """A listener that hears nothing."""

    def say(self, text: str) -> None:
        """Ignore it."""

    def progress(self, what: str, done: int, total: int | None, detail: str = "") -> None:
        """Ignore it."""
