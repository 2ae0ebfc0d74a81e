"""A checkpoint comes in; its origin, classes, split and training progress go out."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sam_seismic.data.canvas import describe_canvas
from sam_seismic.files.units import format_bytes
from sam_seismic.inspection.request import Inspection
from sam_seismic.report.blocks import Columns, Facts, ReportBlock
from sam_seismic.tasks.checkpoint import CheckpointMetadata, read_checkpoint

METRIC = "val_mean_iou"


def inspect_checkpoint(path: Path) -> Inspection:
    """Report what a checkpoint was trained on, and how far.

    Raises:
        WeightsError: the file is missing, damaged, or not a checkpoint of sam-seismic.
    """
    metadata, checkpoint = read_checkpoint(path)
    # The counters are Lightning's, not part of the metadata: a checkpoint without them can still predict.
    epoch, step = checkpoint.get("epoch"), checkpoint.get("global_step")
    counters = {"epoch": epoch + 1 if isinstance(epoch, int) else None, "step": step if isinstance(step, int) else None}
    score = _score(path, counters["epoch"])
    best = _best(checkpoint)
    parameters = sum(int(tensor.numel()) for tensor in checkpoint["state_dict"].values() if hasattr(tensor, "numel"))
    resumable = "optimizer_states" in checkpoint
    rows = {
        "file": f"{format_bytes(path.stat().st_size)}, {parameters:,} parameters, "
        + ("training can be resumed from it" if resumable else "weights only: for eval and predict"),
        "model": f"{metadata.model.name}, {metadata.model.trained_words}",
        "started from": _provenance(metadata),
        "trained": _progress(counters),
        f"{METRIC} then": "not known: no metrics.csv beside it" if score is None else f"{score:.4f}",
        "best so far": "" if best is None else f"{best:.4f}",
        "amplitudes": f"{metadata.scale.center:g} +- {metadata.scale.clip:g} becomes [-1, 1] "
        f"({metadata.inputs.clip_percentile:g}th percentile of the training lines)",
        "sample interval": "" if metadata.sample_interval_ms is None else f"{metadata.sample_interval_ms:g} ms",
        "canvas": describe_canvas(metadata.inputs),
        "orientation": metadata.data.orientation,
        "written by": f"sam-seismic {metadata.version}",
    }
    facts = (
        metadata.as_plain()
        | counters
        | {METRIC: score, "best_so_far": best, "resumable": resumable, "parameters": parameters}
    )
    split = [(line.partition(": ")[0], line.partition(": ")[2]) for line in metadata.split]
    values = [(str(value), name) for name, value in zip(metadata.facies.names, metadata.facies.values, strict=True)]
    values += [(str(value), "(not interpreted)") for value in metadata.facies.ignored]
    blocks: list[ReportBlock] = [
        Facts(str(path), [row for row in rows.items() if row[1]]),
        Columns("Label values", ("value", "name"), values),
        Facts("Split", split),
    ]
    return Inspection(facts, blocks)


def _provenance(metadata: CheckpointMetadata) -> str:
    words = metadata.model.weights_words
    return words if metadata.weights_hash is None else f"{words}, SHA-256 {metadata.weights_hash}"


def _progress(counters: Mapping[str, int | None]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counters.items() if count is not None)


def _score(path: Path, epoch: int | None) -> float | None:
    """The validation score of its epoch, from the metrics.csv of its run; None outside of a run folder."""
    table = path.resolve().parent.parent / "metrics.csv"
    if epoch is None or not table.is_file():
        return None
    with table.open(newline="", encoding="utf-8") as file:
        cells = [row.get(METRIC) or "" for row in csv.DictReader(file) if row.get("epoch") == str(epoch)]
    return _number(cells[-1]) if cells else None  # the last row, since a resumed run may write an epoch twice


def _best(checkpoint: Mapping[str, Any]) -> float | None:
    """The best validation score so far."""
    states = checkpoint.get("callbacks", {}).values()
    found = [
        each.get("best_model_score") for each in states if isinstance(each, dict) and each.get("monitor") == METRIC
    ]
    return float(found[0]) if found and found[0] is not None else None


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:  # the table was edited; the checkpoint is still valid
        return None
