"""Measure the network against other implementations of SAM and against what this machine's arithmetic allows.

    .venv/bin/python scripts/benchmark.py                     everything; on two cores that takes hours, vit_h most
    .venv/bin/python scripts/benchmark.py --rows encoder --sizes vit_b --batches 1
    .venv/bin/python scripts/benchmark.py --fill docs/benchmarks.md       put the tables there
    .venv/bin/python scripts/benchmark.py --quick             tiny networks, one round, to see that it runs

Rows are printed as they are finished. With --json FILE all figures are written; rows that the file has already are
replaced where they were measured again and kept where not, so that a long benchmark can be made in parts, for --fill.
What is compared takes turns within each round; figures are medians. The other implementations come with the test extra.
"""

import argparse
import importlib
import json
from pathlib import Path
from types import ModuleType

import torch
from benchmarking.apart import print_peaks
from benchmarking.measure import EVERY_SIZE, PRECISIONS, TINY, Settings
from benchmarking.rows import Row, Table, filled, joined, written

COMPARED = ("what", "against", "ms", "theirs, ms", "times as fast")
MEMORY = ("MB", "theirs, MB", "of theirs")
ARITHMETIC = ("GFLOP/s", "of limit")
TABLES = {
    "machine": Table("This machine's product of two square matrices: the limit", ("what", "ms", "GFLOP/s")),
    "encoder": Table("Image encoder, for one section", (*COMPARED, "largest difference", *MEMORY, *ARITHMETIC)),
    "exact": Table("Image encoder in float32 beside ours in float64", ("what", "against", "largest difference")),
    "decoder": Table(
        "Training step of the decoder on stored embeddings, for one section", (*COMPARED, *MEMORY, *ARITHMETIC)
    ),
    "training": Table("Training with a frozen encoder, for one section", (*COMPARED, "sections/s")),
    "prediction": Table("`sam-seismic predict`, SEG-Y to SEG-Y, for one section", (*COMPARED, "sections/s")),
    "memory": Table(
        "Memory of a whole training, of the process or of the GPU",
        ("what", "against", "MB", "theirs, MB", "of theirs"),
    ),
    "start": Table("Start of the command line and of a network", COMPARED),
    "sparse": Table(
        "One epoch of `train` with few interpreted lines, from opening to its end; MB of its store",
        ("what", "against", "s", "theirs, s", "times as fast", *MEMORY),
    ),
    "scaling": Table("One or two processes, one thread each", ("what", "against", "s", "theirs, s", "times as fast")),
    "breakdown": Table("Where the time of ours goes, for one section", ("what", "ms", "of the whole")),
}
CANVASES = ("square", "tight")
PUBLISHED = ("vit_b", "vit_l", "vit_h")


def main() -> None:
    """Measure what was asked for, print, fill in."""
    given = _arguments()
    if given.peak:
        print_peaks(given.peak, lambda group, run: _group(group).prepare(run))
        return
    settings = _settings(given)
    rows: list[Row] = []
    for group in given.rows:
        print(f"\n{TABLES[group].head}", flush=True)
        for row in _group(group).measure(settings):
            rows.append(row)
            print(TABLES[group].line(row), flush=True)
    if given.json is not None:
        older = json.loads(given.json.read_text()) if given.json.is_file() else []
        rows = joined([Row.from_plain(plain) for plain in older], rows)
        given.json.write_text(json.dumps([row.as_plain() for row in rows], indent=1))
    if given.fill is not None:
        given.fill.write_text(filled(given.fill.read_text(), written(rows, TABLES)))


def _group(name: str) -> ModuleType:
    """What measures the rows of a table; the many processes that tell of memory need not import the others."""
    return importlib.import_module(f"benchmarking.{name}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=TABLES, default=list(TABLES), help="kinds of rows; all")
    parser.add_argument("--sizes", nargs="+", choices=EVERY_SIZE, default=PUBLISHED, help="of the network")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    parser.add_argument("--canvases", nargs="+", choices=CANVASES, default=CANVASES, help="of whole commands")
    parser.add_argument("--batches", nargs="+", type=int, default=(1, 4), help="sections at a time")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto: a GPU where there is one"
    )
    parser.add_argument("--no-memory", action="store_true", help="leave out the memory: each figure costs a process")
    parser.add_argument("--quick", action="store_true", help="a tiny network and one round, to see that it runs")
    parser.add_argument("--json", type=Path, help="add the figures to those of this file")
    parser.add_argument("--fill", type=Path, help="replace the tables in this page: docs/benchmarks.md")
    parser.add_argument("--peak", nargs="+", metavar="PASS", help=argparse.SUPPRESS)
    return parser.parse_args()


def _settings(given: argparse.Namespace) -> Settings:
    auto = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(auto if given.device == "auto" else given.device)
    return Settings(
        device=device,
        rounds=1 if given.quick else given.rounds,
        sizes={"tiny": TINY} if given.quick else {size: EVERY_SIZE[size] for size in given.sizes},
        precisions=tuple(given.precisions),
        canvases=("tight",) if given.quick else tuple(given.canvases),
        batches=(1,) if given.quick else tuple(given.batches),
        matrix=256 if given.quick else 8192 if device.type == "cuda" else 4096,
        quick=given.quick,
        memory=() if given.no_memory else ("float32",) if given.quick else tuple(given.precisions),
    )


if __name__ == "__main__":
    main()
