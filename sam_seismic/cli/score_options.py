"""Options of `score` come in; what they mean together goes out, or a refusal."""

from collections.abc import Sequence
from pathlib import Path

from sam_seismic.errors import UserError


def label_mapping(given: Sequence[str]) -> dict[int, int]:
    """Label value of the truth by that of the predictions, from `3=0` and the like.

    Raises:
        UserError: one is not of that form, is no value from 0 to 254, or a value is mapped twice.
    """
    mapping: dict[int, int] = {}
    for pair in given:
        theirs, equals, ours = pair.partition("=")
        if not equals or not all(each.strip().isdigit() and int(each) < 255 for each in (theirs, ours)):
            raise UserError(
                problem=f"--map {pair}: not two label values from 0 to 254",
                fix="write it as THEIRS=OURS, such as --map 3=0",
            )
        if int(theirs) in mapping:
            raise UserError(problem=f"--map: the value {int(theirs)} is mapped twice", fix="map it once")
        mapping[int(theirs)] = int(ours)
    return mapping


def refuse_misplaced(truth: Sequence[Path] | None, config: Path | None, split: str | None, classes: int | None) -> None:
    """Refuse options that cannot apply.

    Raises:
        UserError: there is no truth, or there are two; or an option belongs to the other kind of truth.
    """
    if bool(truth) == (config is not None):
        raise UserError(
            problem="--truth and --config are both given" if truth else "there is no truth to score against",
            fix="give --truth LABELS, or --config FILE for the labels of a survey",
        )
    if truth and split is not None:
        raise UserError(problem="--split names a part of a survey, and --truth is none", fix="leave --split out")
    if config is not None and classes is not None:
        raise UserError(problem="the classes are those of --config", fix="leave --classes out")
