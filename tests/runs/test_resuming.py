"""A run that is resumed knows whether anything is left to do."""

import pytest

from sam_seismic.config import Config
from sam_seismic.runs.resuming import Position


@pytest.mark.parametrize(
    ("epochs", "patience", "told"),
    [
        (5, None, None),
        (4, None, "4 epochs are done, train.epochs: 4 asks for no more; --set train.epochs=8 goes on"),
        (5, 3, "train.patience: 3 ended it after epoch 4; --set train.patience=6 goes on"),
        (5, 4, None),
    ],
)
def test_what_is_left_of_a_run(epochs: int, patience: int | None, told: str | None):
    """After four epochs, three of them without a higher score; what the message names leaves something to do."""
    position = Position(epochs=4, step=40, within=0.0, waited=3)
    model = {"size": "vit_t", "weights": "random"}
    train = {"epochs": epochs, "patience": patience}
    config = Config.model_validate({"data": {"source": "synthetic"}, "model": model, "train": train})
    assert position.why_finished(config) == (None if told is None else f"finished already: {told}")
    if told is not None:
        key, _, value = told.partition("--set train.")[2].partition(" ")[0].partition("=")
        config = Config.model_validate(config.model_dump() | {"train": {**train, key: int(value)}})
        assert position.why_finished(config) is None
