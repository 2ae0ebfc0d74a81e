"""A command whose options take several values, one after the other: `--horizons A.dat B.dat --output L.sgy`."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from typer.core import TyperCommand

_NEGATIVE = re.compile(r"-(?:\.?\d|inf|nan)", re.IGNORECASE)
"""A negative number, which is a value; options begin with a letter."""


class SeveralValues(TyperCommand):
    """A command in which `--option A B` means `--option A --option B`, for the options in `several`."""

    several: ClassVar[frozenset[str]] = frozenset(
        {"--horizons", "--bodies", "--lines", "--priority", "--no-pick"}
        | {"--input", "--volume", "--truth", "--prediction", "--also", "--map"}
    )

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse arguments, in which each further value of such an option gets the option before it."""
        return super().parse_args(ctx, list(repeated(args, self.several)))


def repeated(arguments: Iterable[str], several: frozenset[str]) -> Iterator[str]:
    """The arguments with the option repeated before each of its values; a negative number is a value."""
    option, values = "", 0
    for argument in arguments:
        if argument.startswith("-") and not _NEGATIVE.match(argument):
            name, equals, _ = argument.partition("=")
            option, values = (name if name in several else ""), len(equals)
        elif option:
            values += 1
            if values > 1:
                yield option
        yield argument
