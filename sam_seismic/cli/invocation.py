"""Parsed options come in as the request of one workflow; the workflow runs, and its outcome is shown."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from sam_seismic.listener.terminal import Terminal

if TYPE_CHECKING:
    from sam_seismic.listener import Listener

RequestT = TypeVar("RequestT")
OutcomeT = TypeVar("OutcomeT")


@dataclass(frozen=True)
class Invocation(Generic[RequestT, OutcomeT]):
    """What a command line asks for. A command returns it, and the application carries it out.

    `submit` takes the request of another command from it and does not carry it out.

    Args:
        request: the options, parsed.
        workflow: what the request is given to, with a listener.
        show: prints the outcome.
    """

    request: RequestT
    workflow: "Callable[[RequestT, Listener], OutcomeT]"
    show: Callable[[OutcomeT], None]

    def carry_out(self) -> None:
        """Run the workflow with news and progress on stderr, then print the outcome on stdout."""
        with Terminal() as terminal:
            outcome = self.workflow(self.request, terminal)
        self.show(outcome)
