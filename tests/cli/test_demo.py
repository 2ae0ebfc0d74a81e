"""`demo` walks the whole road and leaves every file that it lists."""

from pathlib import Path

import pytest

from sam_seismic.workflows import demo
from tests.cli.running import Run


@pytest.mark.usefixtures("pictures")
def test_the_demo_leaves_what_it_lists(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The shipped demo is tried on a smaller survey with one epoch; its own takes minutes."""
    text = demo.shipped_config("demo").read_text()
    assert "shape: [128, 128, 128]" in text
    assert "epochs: 7" in text
    small = tmp_path / "demo.yaml"
    small.write_text(
        text.replace("[128, 128, 128]", "[64, 32, 48]").replace("epochs: 7", "epochs: 1").replace("256", "64")
    )
    monkeypatch.setattr(demo, "shipped_config", lambda _: small)
    result = run("demo", "--output", tmp_path / "demo")
    assert result.exit_code == 0, result.stderr
    assert "its encoder starts from random weights and is trained too" in result.stderr
    assert "guess by depth only" in result.stdout
    assert "guess by majority class" in result.stdout
    listed = [Path(line.strip()) for line in result.stdout.split("written:")[1].splitlines() if line.startswith("  ")]
    assert {"amplitude.sgy", "labels.sgy", "facies.sgy", "best.ckpt", "metrics.json", "confusion.png"} <= {
        path.name for path in listed
    }
    assert all(path.is_file() for path in listed)
    again = run("demo", "--output", tmp_path / "demo")
    assert again.exit_code == 2
    assert "holds files already" in again.stderr
