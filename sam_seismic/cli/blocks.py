"""Blocks of an inspection come in; tables, a histogram and a map, in block characters, are printed on the terminal."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sam_seismic.cli.streams import is_unicode, printable

if TYPE_CHECKING:  # these modules import numpy, which takes time, and only drawing needs it
    from sam_seismic.report.blocks import Columns, Facts, Histogram, LiveMap, ReportBlock

EIGHTHS = " ▁▂▃▄▅▆▇█"
SHADES = "·░▒▓█"
PLAIN_EIGHTHS, PLAIN_SHADES = " ..::||##", ".:+*#"
"""Replacements for terminals without Unicode."""
HEIGHT = 6
"""Rows of a histogram."""
BAR = 20
"""Characters of the longest bar beside a table."""


def show_block(block: "ReportBlock") -> None:
    """Print one block on stdout."""
    console = Console(highlight=False, markup=False)
    console.print(Text(block.title, style="bold"), soft_wrap=True)  # no line break in a path, so that it can be copied
    PRINTERS[block.kind](block, console)


def _show_facts(block: "Facts", console: Console) -> None:
    table = Table.grid(padding=(0, 2), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for row in block.rows:
        table.add_row(*(printable(cell, console.encoding) for cell in row))
    console.print(table)


def _show_histogram(block: "Histogram", console: Console) -> None:
    for line in histogram_lines(block, unicode=_unicode(console)):
        console.print(line, soft_wrap=True)


def _show_map(block: "LiveMap", console: Console) -> None:
    for line in map_lines(block, unicode=_unicode(console)):
        console.print(line, soft_wrap=True)


def _unicode(console: Console) -> bool:
    return is_unicode(console.encoding)


def _show_columns(block: "Columns", console: Console) -> None:
    table = Table(header_style="dim", box=None, pad_edge=False)
    named = len(block.header) > 1 and block.header[1] == "name"
    for position, column in enumerate(block.header):
        right = position > int(named)
        table.add_column(column, justify="right" if right else "left", overflow="fold", min_width=6 if right else None)
    longest = max(block.shares, default=0.0) or 1.0
    if block.shares:
        table.add_column("", no_wrap=True)
    for position, row in enumerate(block.rows):
        bar: list[Text] = []
        if block.shares:
            length = block.shares[position] / longest * BAR
            color = block.colors[position] if block.colors else ""
            bar = [Text(bar_of(length, unicode=_unicode(console)), style=color)]
        table.add_row(*(printable(cell, console.encoding) for cell in row), *bar)
    console.print(table)
    if block.note:
        console.print(block.note)


def bar_of(length: float, *, unicode: bool) -> str:
    """A bar of this length in characters; a length above 0 gets at least the smallest bar."""
    if not unicode:
        return "#" * max(round(length), int(length > 0))
    whole, part = divmod(round(8 * length), 8)
    return "█" * whole + (" ▏▎▍▌▋▊▉"[part] if part else "") or ("▏" if length > 0 else "")


def histogram_lines(block: "Histogram", *, unicode: bool) -> list[str]:
    """Columns of block characters above an axis of values; a bin that is not empty is at least one eighth high."""
    from sam_seismic.inspection.number_format import format_amount  # noqa: PLC0415

    ladder = EIGHTHS if unicode else PLAIN_EIGHTHS
    counts = block.counts.tolist()
    top = max(counts) or 1
    # Heights are square roots of counts: most amplitudes are near zero, and the other bins would all look empty.
    heights = [max(int(count > 0), round(8 * HEIGHT * (count / top) ** 0.5)) for count in counts]
    rows = [
        "".join(ladder[min(8, max(0, height - 8 * row))] for height in heights).rstrip()
        for row in reversed(range(HEIGHT))
    ]
    width = len(counts)
    low, high = float(block.edges[0]), float(block.edges[-1])
    axis = [" "] * width
    left, right = format_amount(low), format_amount(high)
    line = left + right.rjust(max(len(right) + 1, width - len(left)))
    if low < 0 < high:
        zero = round((0 - low) / (high - low) * width - 0.5)
        if len(left) + 1 < zero < width - len(right) - 1:
            axis = list(line)
            axis[zero] = "0"
            line = "".join(axis)
    return [*rows, line]


def map_lines(block: "LiveMap", *, unicode: bool) -> list[str]:
    """A line of text for each row of cells, with inline numbers beside the first and last one, crosslines above."""
    shades = SHADES if unicode else PLAIN_SHADES
    names = [f"IL {number}" for number in block.inlines]
    margin = max(map(len, names)) + 1
    first, last = (str(number) for number in block.crosslines)
    columns = block.shares.shape[1]
    rows = ["".join(_shade(share, shades) for share in row) for row in block.shares.tolist()]
    labels = [names[0], *[""] * max(0, len(rows) - 2), *([names[1]] if len(rows) > 1 else [])]
    above = f"XL {first}" + (
        last.rjust(columns - len(f"XL {first}")) if columns > len(first) + len(last) + 4 else f"-{last}"
    )
    lines = [" " * margin + above, *(label.ljust(margin) + row for label, row in zip(labels, rows, strict=True))]
    return [*lines, " " * margin + f"{shades[-1]} all  {shades[3]}{shades[2]}{shades[1]} some  {shades[0]} none"]


def _shade(share: float, shades: Sequence[str]) -> str:
    """The character of a share: only 0 looks empty, and only 1 looks full."""
    if share in (0.0, 1.0):
        return shades[-1] if share else shades[0]
    return shades[1 + min(2, int(3 * share))]


PRINTERS: Mapping[str, Callable[[Any, Console], None]] = {
    "facts": _show_facts,
    "columns": _show_columns,
    "histogram": _show_histogram,
    "live_map": _show_map,
}
"""By kind of block."""
