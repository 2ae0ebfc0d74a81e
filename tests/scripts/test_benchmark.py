"""The benchmark of the network runs, on a tiny one: its rows are there, its numbers agree, its page is filled."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "benchmark.py"
PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a quick run left its figures and filled a page."""
    folder = tmp_path_factory.mktemp("benchmark")
    page = folder / "page.md"
    page.write_text("before\n<!-- benchmark -->\nthe figures of last year\n<!-- end of benchmark -->\nafter\n")
    given = ["--quick", "--device", "cpu", "--json", str(folder / "figures.json"), "--fill", str(page)]
    ran = subprocess.run([sys.executable, str(SCRIPT), *given], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    (folder / "printed.txt").write_text(ran.stdout)
    return folder


@pytest.fixture(scope="module")
def rows(folder: Path) -> Rows:
    return json.loads((folder / "figures.json").read_text())


def test_each_canvas_and_precision_is_compared_with_both_others(rows: Rows):
    found = {(row["what"], row["against"]) for row in rows if row["group"] == "encoder"}
    for precision in ("float32", "bfloat16"):
        for canvas, square in (
            ("square 1024 x 1024", ""),
            ("square 1024 x 1024, padding skipped", ""),
            ("resized 384 x 1024", ", square"),
            ("tight 256 x 704", ", square"),
        ):
            for other in ("transformers", "segment-anything"):
                assert (f"tiny, {canvas}, {precision}, batch 1", f"{other}{square}") in found


def test_a_step_of_the_decoder_is_compared_on_both_canvases(rows: Rows):
    found = {(row["what"], row["against"]) for row in rows if row["group"] == "decoder"}
    for precision in ("float32", "bfloat16"):
        assert (f"embedding 64 x 64, {precision}, batch 1", "transformers") in found
        assert (f"embedding 16 x 44, {precision}, batch 1", "transformers, square") in found


def test_a_training_with_a_store_and_one_without_are_compared_with_one_that_encodes_in_each_step(rows: Rows):
    found = [row["what"] for row in rows if row["group"] == "training"]
    for precision in ("float32", "bfloat16"):
        for what in (
            "filling the store, under way",
            "first epoch and filling the store",
            "later epochs",
            "first epoch without a store",
            "later epochs without a store",
        ):
            assert f"{what}, vit_t, tight canvas, {precision}, batch 1" in found
    sparing = {row["what"] for row in rows if row["against"] == "both checkpoints after each epoch"}
    assert "later epochs with validation and checkpoints, vit_t, tight canvas, float32, batch 1" in sparing


def test_a_prediction_is_compared_with_the_network_alone(rows: Rows):
    found = [row["what"] for row in rows if row["group"] == "prediction"]
    for precision in ("float32", "bfloat16"):
        assert f"under way, vit_t, tight canvas, {precision}, batch 1" in found
        assert f"a run of 10 sections, loading included, vit_t, tight canvas, {precision}, batch 1" in found


def test_few_interpreted_lines_cost_what_they_are(rows: Rows):
    """The store holds 5 sections, where all of 60 inlines are interpreted, 41 (train and val); flips are not stored."""
    (row,) = (row for row in rows if row["group"] == "sparse")
    assert row["what"] == "6 of 60 inlines interpreted: vit_t, tight canvas, float32"
    assert row["memory_share"] == pytest.approx(5 / 41, rel=0.05)


def test_the_parts_of_a_pass_make_the_whole(rows: Rows):
    """What PyTorch calls by a name that no kind knows is not lost: it stands with all else."""
    parts = [row for row in rows if row["group"] == "breakdown"]
    wholes = {row["what"]: row["seconds"] for row in parts if not row["against"]}
    for canvas in ("square 1024 x 1024", "tight 256 x 704"):
        whole = wholes[f"encoder, tiny, {canvas}, float32, batch 1"]
        mine = {
            row["what"]: row["seconds"] for row in parts if canvas in row["against"] and "float32" in row["against"]
        }
        assert sum(mine.values()) == pytest.approx(whole)
        for kind in ("products of matrices", "norms", "activations"):
            assert mine[f"\N{MIDDLE DOT} {kind}"] > 0
        attention = "\N{MIDDLE DOT} attention: scores, softmax and their product with the values"
        assert mine[attention] > 0


def test_a_whole_training_takes_about_the_memory_that_was_foreseen(rows: Rows):
    found = [row for row in rows if row["group"] == "memory"]
    assert [row["what"].rpartition(", vit_t, ")[2] for row in found] == [
        f"tight canvas, {precision}, batch 1" for precision in ("float32", "bfloat16")
    ]
    for row in found:
        if row["memory"] is None:
            pytest.skip("this system does not tell of a process's memory at its peak")
        assert 0.5 < row["memory_share"] < 2


def test_all_encoders_are_near_one_in_float64(rows: Rows):
    found = {row["what"].partition(":")[0]: row["difference"] for row in rows if row["group"] == "exact"}
    assert found.keys() == {"ours", "transformers", "segment-anything"}
    assert all(0 < difference <= 1e-3 for difference in found.values())


def test_help_does_without_torch(rows: Rows):
    """Torch takes seconds to import, which somebody who only asks for help need not wait for."""
    whats = {row["what"] for row in rows if row["group"] == "start"}
    assert whats == {"`sam-seismic --help`, torch not imported", "vit_t with weights from a file"}


def test_all_figures_are_above_zero(rows: Rows):
    for row in rows:
        assert row["seconds"] > 0
        assert all(row[name] is None or row[name] > 0 for name in ("faster", "memory_share", "rate", "limit_share")), (
            row
        )
    for row in rows:
        assert row["group"] in ("machine", "exact", "memory") or row["faster"] is not None, row
        assert row["group"] not in ("encoder", "decoder") or None not in (row["rate"], row["limit"]), row


def test_memory_is_measured_in_a_process_of_its_own(rows: Rows):
    measured = [row for row in rows if row["group"] in ("encoder", "decoder") and "float32" in row["what"]]
    if all(row["memory"] is None for row in measured):
        pytest.skip("this system does not tell of a process's memory at its peak")
    for row in measured:
        assert 0 < row["memory"] < row["their_memory"], row


def test_the_same_canvas_gives_the_same_numbers(rows: Rows):
    """What is compared does the same: all have the same weights, and ours makes no mistake when it skips padding."""
    differences = [row["difference"] for row in rows if row["group"] == "encoder" and row["difference"] is not None]
    assert len(differences) == 4
    assert max(differences) <= 1e-3


def test_a_skipped_padding_and_a_smaller_canvas_ask_for_less_arithmetic(rows: Rows):
    """What is counted is what is really done, attention included."""
    done = [row["rate"] * row["seconds"] for row in rows if row["group"] == "encoder" and "float32" in row["what"]]
    assert done == sorted(done, reverse=True)
    square = 2 * 64**4 * 32 * 2  # FLOP of attention over the whole canvas: two products of 4096 x 4096 x 32 numbers
    assert done[0] * 1e9 > square


def test_it_prints_and_fills_in_what_it_found(folder: Path, rows: Rows):
    printed, page = (folder / "printed.txt").read_text(), (folder / "page.md").read_text()
    for row in rows:
        assert any(line.startswith(f"| {row['what']} |") for line in printed.splitlines())
    for line in printed.splitlines():
        assert line in page
    assert page.startswith("before\n")
    assert page.endswith("\nafter\n")
    assert "last year" not in page


def test_our_page_has_a_place_for_the_tables():
    page = PAGE.read_text()
    assert page.index("<!-- benchmark -->") < page.index("<!-- end of benchmark -->")


def test_a_benchmark_can_be_made_in_parts(folder: Path, tmp_path: Path):
    """Rows that were not measured again stay, others are replaced, and the page gets all of them."""
    figures, page = tmp_path / "figures.json", tmp_path / "page.md"
    older = json.loads((folder / "figures.json").read_text())
    old = [row | {"seconds": 1e9} if row["group"] == "machine" else row for row in older]
    figures.write_text(json.dumps(old))
    page.write_text("<!-- benchmark --><!-- end of benchmark -->")
    given = ["--quick", "--device", "cpu", "--rows", "machine", "--json", str(figures), "--fill", str(page)]
    subprocess.run([sys.executable, str(SCRIPT), *given], capture_output=True, check=True)
    rows = json.loads(figures.read_text())
    assert [(row["what"], row["against"]) for row in rows] == [(row["what"], row["against"]) for row in older]
    assert all(row["seconds"] < 1e9 for row in rows)
    assert [row for row in rows if row["group"] != "machine"] == [row for row in older if row["group"] != "machine"]
    assert "Training step of the decoder" in page.read_text()
