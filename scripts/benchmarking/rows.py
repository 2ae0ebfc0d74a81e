"""Rows of figures go in, tables go out: printed as they are finished, and put into a page."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

BEGIN, END = "<!-- benchmark -->", "<!-- end of benchmark -->"
"""Between them the tables stand in a page."""


@dataclass(frozen=True)
class Row:
    """One line of a table: what we do, and what it is measured against.

    Args:
        group: the table that it belongs to.
        what: was done, and on what.
        seconds: median of the rounds, for one section (or step, or run: `what` says so).
        against: who else does it; nobody where empty.
        their_seconds: in the same rounds.
        difference: the largest between any two numbers that come out.
        memory: at the peak, in MB, above what lay there before.
        their_memory: the same of theirs.
        rate: of arithmetic, GFLOP/s.
        limit: of this machine's matrix product in the same rounds and precision, GFLOP/s.
    """

    group: str
    what: str
    seconds: float
    against: str = ""
    their_seconds: float | None = None
    difference: float | None = None
    memory: float | None = None
    their_memory: float | None = None
    rate: float | None = None
    limit: float | None = None

    @property
    def faster(self) -> float | None:
        """How many times as fast as theirs."""
        return self.their_seconds / self.seconds if self.their_seconds else None

    @property
    def memory_share(self) -> float | None:
        """Of the memory that theirs takes."""
        return self.memory / self.their_memory if self.memory is not None and self.their_memory else None

    @property
    def limit_share(self) -> float | None:
        """Of the machine's rate."""
        return self.rate / self.limit if self.rate is not None and self.limit else None

    def as_plain(self) -> dict[str, str | float | None]:
        """For JSON."""
        shares = {"faster": self.faster, "memory_share": self.memory_share, "limit_share": self.limit_share}
        return asdict(self) | shares

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The inverse of `as_plain`."""
        return cls(**{field.name: plain[field.name] for field in fields(cls)})

    @property
    def cells(self) -> dict[str, str]:
        """Its figures as text, by column."""
        return {
            "what": self.what,
            "ms": _number(self.seconds, 1e3),
            "s": _number(self.seconds),
            "theirs, s": _number(self.their_seconds),
            "sections/s": _number(1 / self.seconds),
            "against": self.against,
            "theirs, ms": _number(self.their_seconds, 1e3),
            "of the whole": "" if self.faster is None else f"{100 / self.faster:.0f} %",
            "times as fast": "" if self.faster is None else f"{self.faster:.2f}",
            "largest difference": "" if self.difference is None else f"{self.difference:.0e}",
            "MB": _number(self.memory),
            "theirs, MB": _number(self.their_memory),
            "of theirs": "" if self.memory_share is None else f"{100 * self.memory_share:.0f} %",
            "GFLOP/s": _number(self.rate),
            "of limit": "" if self.limit_share is None else f"{100 * self.limit_share:.0f} %",
        }


@dataclass(frozen=True)
class Table:
    """What stands around the rows of a group.

    Args:
        title: of the table.
        columns: of `Row.cells`.
    """

    title: str
    columns: tuple[str, ...]

    @property
    def head(self) -> str:
        """All that comes before the rows."""
        return f"### {self.title}\n| {' | '.join(self.columns)} |\n|{'---|' * len(self.columns)}"

    def line(self, row: Row) -> str:
        """A row."""
        return f"| {' | '.join(row.cells[column] for column in self.columns)} |"


def _number(value: float | None, scale: float = 1) -> str:
    """A whole number, or three digits of a small one."""
    if value is None:
        return ""
    return f"{scale * value:.0f}" if scale * value >= 100 else f"{scale * value:.3g}"


def joined(older: Iterable[Row], rows: Iterable[Row]) -> list[Row]:
    """Older rows, replaced where they were measured again, and all others behind them."""
    found = {(row.group, row.what, row.against): row for row in older}
    return list((found | {(row.group, row.what, row.against): row for row in rows}).values())


def written(rows: Iterable[Row], tables: Mapping[str, Table]) -> str:
    """A table for each group that has rows."""
    of_groups: dict[str, list[Row]] = {}
    for row in rows:
        of_groups.setdefault(row.group, []).append(row)
    return "\n\n".join(
        "\n".join([tables[group].head, *map(tables[group].line, found)]) for group, found in of_groups.items()
    )


def filled(page: str, text: str) -> str:
    """A page with its tables replaced."""
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"the page has no place for the tables, between {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"
