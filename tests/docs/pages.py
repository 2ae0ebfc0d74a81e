"""Pages in Markdown come in; their tables, code fences, links and anchors go out."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))


@dataclass(frozen=True)
class Row:
    """A row of a table: its header's and its own cells."""

    header: tuple[str, ...]
    cells: tuple[str, ...]


def rows(text: str) -> Iterator[Row]:
    """Each row of each table."""
    header: tuple[str, ...] = ()
    for line in text.splitlines():
        if not line.startswith("|"):
            header = ()
            continue
        cells = tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1]))
        if not header:
            header = cells
        elif set("".join(cells)) - set("-:"):
            yield Row(header, cells)


def fences(page: str) -> list[tuple[str, str]]:
    """(language, text) of each code fence of a page, in its order."""
    return re.findall(r"^```(\w*)\n(.*?)^```", (ROOT / page).read_text(), flags=re.MULTILINE | re.DOTALL)


def commands(page: str, kind: str) -> list[list[str]]:
    """The words after `sam-seismic` of each command line in the fences of one language."""
    lines = [line for found, text in fences(page) if found == kind for line in text.replace("\\\n", " ").splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("sam-seismic ")]


def prose(page: str) -> str:
    """A page without its code fences."""
    return re.sub(r"^```.*?^```", "", (ROOT / page).read_text(), flags=re.MULTILINE | re.DOTALL)


def links(page: str) -> list[str]:
    """What the page links to, addresses on the web left out."""
    return re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose(page))


def anchors(page: str) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.append(f"{words}-{found.count(words)}" if words in found else words)
    return set(found)
