"""A page is one file: text is text, all is inside, a browser shows it without errors, a phone without scrolling."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.report.blocks import Columns, Facts
from sam_seismic.report.drawings import amplitude_png, curves_drawing, interval_drawing, labels_png, map_drawing
from sam_seismic.report.page import RENDERERS, write_page
from sam_seismic.report.page_blocks import Drawing, HeatTable, Notes, PageBlock, Picture, SectionComparison, Text

MARKUP = "<script>alert('x')</script> & \"quoted\""
CHROMIUM = shutil.which("chromium")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--allow-file-access-from-files"),
    *("--virtual-time-budget=5000", "--enable-logging=stderr", "--window-size=1200,900"),
)


def every_kind() -> list[PageBlock]:
    labels = np.uint8([[0, 1, 2], [0, 1, 255]])
    png, grey = labels_png(labels, 3), amplitude_png(labels, AmplitudeScale(0, 2))
    return [
        Facts("facts", [("long", "0123456789abcdef" * 16), ("markup", MARKUP)]),
        Columns("columns", ("name", *["a long header"] * 9), [(MARKUP, *["0.123456"] * 9)], shares=[0.5], note="n"),
        Notes("notes", [MARKUP]),
        Drawing("curves", curves_drawing({"network": ([1, 2], [0.1, 0.2]), "b": ([1, 2], [0.3, 0.4])}, x="x", y="y")),
        Drawing("map", map_drawing(np.array([[0.1, np.nan]]), inlines=(1, 1), crosslines=(5, 6), label="share")),
        Drawing("intervals", interval_drawing({"a": (0.5, 0.4, 0.6), "b": (0.2, None, None)}, x="x", highlight="a")),
        HeatTable("heat", ("a", "b"), [[(0.5, "50 %"), (0.5, "50 %")], [None, None]], rows="r", columns="c"),
        SectionComparison("sections", ("truth", "prediction"), grey, png, png, 0.5, [("a", "#123456")]),
        Picture("picture", png, "n"),
        Text("text", "\n".join(["a line that is rather long " * 20] * 3)),
    ]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("page") / "report.html", MARKUP, "below", every_kind())


def test_each_kind_of_block_is_on_the_page(page: Path):
    assert {block.kind for block in every_kind()} == set(RENDERERS)
    text = page.read_text()
    assert all(
        f"<h2>{name}</h2>" in text for name in ("facts", "columns", "notes", "curves", "map", "heat", "sections")
    )


def test_text_is_text_and_nothing_lies_outside(page: Path):
    text = page.read_text()
    assert "alert('x')</script>" not in text
    assert text.count("&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; &quot;quoted&quot;") == 5
    sources = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert sources
    assert all(source.startswith(("data:image/png;base64,", "#")) for source in sources)
    assert not re.findall(r"url\((?!#)", text)
    assert "@import" not in text


def test_labels_have_the_colours_of_the_classes_and_are_transparent_elsewhere(tmp_path: Path):
    (tmp_path / "labels.png").write_bytes(labels_png(np.uint8([[0, 255], [1, 7]]), 2))
    pixels = np.array(Image.open(tmp_path / "labels.png").convert("RGBA"))
    assert pixels[0, 0].tolist() == [0xDD, 0xCC, 0x77, 255]
    assert pixels[1, 0].tolist() == [0x11, 0x77, 0x33, 255]
    assert pixels[0, 1, 3] == pixels[1, 1, 3] == 0
    (tmp_path / "amplitude.png").write_bytes(amplitude_png(np.float32([[-9, 1, 3, 9]]), AmplitudeScale(1, 2)))
    grey = np.array(Image.open(tmp_path / "amplitude.png"))[0].astype(int)
    assert grey[0] < 8 < grey[1] < grey[2] == grey[3]
    assert grey[1] == pytest.approx(127, abs=5)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: scripts/install_tools.sh installs it")
@pytest.mark.parametrize("width", [400, 1200])
def test_a_browser_shows_it_without_an_error_and_without_scrolling_sideways(page: Path, tmp_path: Path, width: int):
    """A frame of the width of a phone; what it measures is written into the page that holds it."""
    outer = tmp_path / "outer.html"
    outer.write_text(
        f"""<iframe src="{page.as_uri()}" style="width:{width}px;height:900px;border:0"></iframe><pre></pre><script>
onload = () => {{
  const inner = document.querySelector("iframe").contentDocument, root = inner.documentElement;
  const slider = inner.querySelector("input[type=range]");
  slider.value = 20;
  slider.dispatchEvent(new Event("input"));
  const at = slider.closest("figure").style.getPropertyValue("--at");
  const pictures = [...inner.images].every(image => image.naturalWidth > 0);
  const seen = [root.scrollWidth - root.clientWidth, at, pictures, inner.images.length];
  document.querySelector("pre").textContent = seen.join(" ");
}}</script>"""
    )
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", outer.as_uri()],
        capture_output=True, text=True, check=True, env=os.environ | {"HOME": str(tmp_path)},
    )  # fmt: skip
    found = re.search(r"<pre>(.*)</pre>", done.stdout)
    assert found is not None
    assert found[1].split() == ["0", "20%", "true", "4"]
    assert not [line for line in done.stderr.splitlines() if "CONSOLE" in line]
