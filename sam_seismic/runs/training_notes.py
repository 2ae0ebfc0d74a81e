"""A finished training comes in; what its scores do not say by themselves goes out, a sentence each."""

from pathlib import Path

from sam_seismic.config import TrainConfig
from sam_seismic.report.training import QUALITY, Curve, read_curves
from sam_seismic.scoring.guesses import guess_notes, guess_scores
from sam_seismic.survey.parts import Survey

LEAST_RISE = 1e-4
"""Mean IoUs that differ less are the same: metrics.csv rounds them, and the table of `eval` shows three digits."""


def training_notes(metrics_csv: Path, survey: Survey, train: TrainConfig) -> tuple[str, ...]:
    """Notes on a training that ended no better than it began, or than a guess.

    Args:
        metrics_csv: of the run.
        survey: that it was trained on; the labels of its parts train and val are read.
        train: the optimisation.

    Raises:
        UserError: the table or the labels cannot be read.
    """
    curve = read_curves(metrics_csv, (QUALITY,))[QUALITY]
    if not curve.epochs:
        return ()
    guesses = guess_scores(survey, [survey.parts["val"]])
    return (*progress_notes(curve, train), *guess_notes(curve.best[1], guesses, lines="validation"))


def progress_notes(curve: Curve, train: TrainConfig) -> tuple[str, ...]:
    """A note where no epoch was better than the first one.

    Args:
        curve: mean IoU of the validation lines.
        train: the optimisation, of which the note names the learning rate.
    """
    first, count = curve.values[0], len(curve.epochs)
    if count < 2 or curve.best[1] >= min(first + LEAST_RISE, 1.0):
        return ()
    if min(curve.values) > first - LEAST_RISE:
        return (
            f"the mean IoU of the validation lines was {first:.3f} after each of {count} epochs: the network learned "
            f"nothing that counts there; try another train.learning_rate (now {train.learning_rate:g}) or more epochs",
        )
    return (
        f"no epoch was better on the validation lines than epoch {curve.epochs[0]}, with a mean IoU of {first:.3f}, so "
        f"best.ckpt is hardly trained; try train.learning_rate: {train.learning_rate / 10:g} "
        f"(now {train.learning_rate:g})",
    )
