"""The benchmark of reading and converting runs, on a tiny volume, and leaves nothing behind."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "benchmark_io.py"


def test_it_fills_the_table_and_removes_its_files(tmp_path: Path):
    figures, folder = tmp_path / "figures.json", tmp_path / "made"
    folder.mkdir()
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- benchmark_io -->\nthe figures of last year\n<!-- end of benchmark_io -->\nafter\n")
    given = ["--quick", "--rounds", "1", "--sections", "8", "--json", str(figures), "--folder", str(folder)]
    given += ["--fill", str(page)]
    ran = subprocess.run([sys.executable, str(SCRIPT), *given], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    rows = json.loads(figures.read_text())
    names = {(row["what"], row["cold"]) for row in rows}
    for what in (
        "raw sequential read of the SEG-Y",
        "opening the SEG-Y: header pass",
        "inlines, sweep: SEG-Y",
        "crosslines, sweep: segyio",
        "crosslines, random: HDF5",
    ):
        assert (what, False) in names
    assert ("crosslines, each by itself, random: npy", True) in names
    assert all(row["seconds"] > 0 for row in rows)
    assert len(ran.stdout.splitlines()) > len(rows), ran.stdout
    assert list(folder.iterdir()) == []
    assert ran.stdout.strip() in page.read_text()
    assert page.read_text().startswith("before\n")
    assert page.read_text().endswith("\nafter\n")
    assert "last year" not in page.read_text()
