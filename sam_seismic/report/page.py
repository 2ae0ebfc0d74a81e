"""Blocks come in; one HTML file goes out that needs no other file and no network.

It can be read on a phone and printed. What stands in a block is text, never markup.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from sam_seismic.files.atomic import write_text
from sam_seismic.report.blocks import Columns, Facts
from sam_seismic.report.page_blocks import Drawing, HeatTable, Notes, PageBlock, SectionComparison, Text

REPORT = "report.html"
HEIGHT = 34
"""Of a section on the page, at most, in the size of its letters."""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""The browser itself refuses whatever would leave the file."""


def write_page(path: Path, title: str, subtitle: str, blocks: Sequence[PageBlock]) -> Path:
    """Write a page with a title and blocks, atomically; its folder is created.

    Args:
        path: the HTML file.
        title: of the page.
        subtitle: a line below it.
        blocks: from top to bottom.
    """
    style, script = (files("sam_seismic.report").joinpath(f"page.{kind}").read_text("utf-8") for kind in ("css", "js"))
    content = "\n".join(RENDERERS[block.kind](block) for block in blocks)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(
        path,
        f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>{escape(title)}</h1>
<p class="sub">{escape(subtitle)}</p>
</header>
{content}
<script>
{script}</script>
</body>
</html>
""",
    )
    return path


def _section(title: str, content: str, *, note: str = "", kind: str = "") -> str:
    below = f'\n<p class="note">{escape(note)}</p>' if note else ""
    return f'<section class="{kind}">\n<h2>{escape(title)}</h2>\n{content}{below}\n</section>'


def _facts(block: Facts) -> str:
    rows = "\n".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in block.rows)
    return _section(block.title, f"<dl>\n{rows}\n</dl>")


def _columns(block: Columns) -> str:
    longest = max(block.shares, default=0.0) or 1.0
    head = "".join(f"<th>{escape(name)}</th>" for name in block.header) + (
        '<th class="bar"></th>' if block.shares else ""
    )
    rows = []
    for position, row in enumerate(block.rows):
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in row)
        if block.shares:
            color = f";background:{block.colors[position]}" if block.colors else ""
            length = 100 * block.shares[position] / longest
            cells += f'<td class="bar"><i style="width:{length:.1f}%{color}"></i></td>'
        rows.append(f"<tr>{cells}</tr>")
    table = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(rows) + "\n</tbody>\n</table>"
    return _section(block.title, f'<div class="columns">{table}</div>', note=block.note)


def _notes(block: Notes) -> str:
    sentences = "\n".join(f"<p>{escape(sentence)}</p>" for sentence in block.sentences)
    return _section(block.title, f'<div class="notes">\n{sentences}\n</div>')


def _drawing(block: Drawing) -> str:
    return _section(block.title, f'<div class="drawing">{block.svg}</div>', note=block.note)


def _heat_table(block: HeatTable) -> str:
    numbers = "".join(f'<th scope="col" title="{escape(name)}">{at}</th>' for at, name in enumerate(block.names, 1))
    rows = []
    for at, (name, cells) in enumerate(zip(block.names, block.cells, strict=True), 1):
        shown = "".join("<td>-</td>" if cell is None else _heat_cell(*cell) for cell in cells)
        rows.append(f'<tr><th scope="row">{at} {escape(name)}</th>{shown}</tr>')
    table = f"<table>\n<thead><tr><th></th>{numbers}</tr></thead>\n<tbody>\n" + "\n".join(rows) + "\n</tbody>\n</table>"
    note = f"Rows: {block.rows}; columns: {block.columns}, by the numbers of the rows."
    return _section(block.title, f'<div class="columns heat">{table}</div>', note=note)


def _heat_cell(share: float, text: str) -> str:
    red, green, blue = (round(255 - share * (255 - end)) for end in (47, 93, 138))
    ink = "#fff" if share > 0.5 else "#262626"
    return f'<td style="background:rgb({red},{green},{blue});color:{ink}">{escape(text)}</td>'


def _section_comparison(block: SectionComparison) -> str:
    left, right = (escape(name) for name in block.names)
    images = "".join(
        f'<img class="{kind}" alt="{alt}" src="data:image/png;base64,{b64encode(png).decode()}">'
        for kind, alt, png in (
            ("amplitude", "amplitude", block.background),
            ("labels left", left, block.left),
            ("labels right", right, block.right),
        )
    )
    legend = "".join(
        f'<li><i style="background:{escape(color)}"></i>{escape(name)}</li>' for name, color in block.legend
    )
    shape = f"aspect-ratio:{1 / block.aspect:.3f};width:min(100%,{HEIGHT / block.aspect:.1f}rem)"
    return f"""<figure>
<h2>{escape(block.title)}</h2>
<div class="frame" style="{shape}">{images}<b></b><span class="l">{left}</span>\
<span class="r">{right}</span></div>
<div class="controls">
{_slider("at", 50, f"{left} | {right}")}
{_slider("opacity", 60, "amplitude | classes")}
</div>
<ul class="legend">{legend}</ul>
<figcaption>{escape(block.note)}</figcaption>
</figure>"""


def _slider(variable: str, start: int, label: str) -> str:
    """A slider that sets a variable of the style of its figure, in percent; see page.js."""
    return f'<label>{label} <input type="range" min="0" max="100" value="{start}" data-sets="{variable}"></label>'


def _text(block: Text) -> str:
    return f"<details>\n<summary>{escape(block.title)}</summary>\n<pre>{escape(block.content)}</pre>\n</details>"


RENDERERS: Mapping[str, Callable[[Any], str]] = {
    "facts": _facts,
    "columns": _columns,
    "notes": _notes,
    "drawing": _drawing,
    "heat_table": _heat_table,
    "section_comparison": _section_comparison,
    "text": _text,
}
"""By kind of block."""
