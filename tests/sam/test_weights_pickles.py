"""Objects beside the weights in a file: harmless ones are accepted, others are never created, but named with a fix."""

import argparse
import pathlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sam_seismic.errors import WeightsError
from sam_seismic.sam import Sam, build_sam
from sam_seismic.sam.weights import read_weights
from tests.sam.weights_files import Save, State, carried_out, renamed, same


class Odd:
    """An object of a program that is not here."""


def test_plain_objects_of_training_scripts_do_no_harm(trained: State, save: Save):
    """A best score of NumPy's, the arguments of the command line, a path."""
    beside = {"best": np.float64(0.3), "n": np.int64(2), "args": argparse.Namespace(lr=1), "p": pathlib.Path("a/b")}
    assert same(build_sam("vit_t", save({"model": trained, **beside})), trained)


@pytest.mark.parametrize("zipped", [True, False])
def test_an_object_that_is_not_opened_is_named_with_its_key(trained: State, tmp_path: Path, zipped: bool):
    """The fix is carried out: what it writes loads."""
    path = tmp_path / "odd.pth"
    torch.save({"model": trained, "extras": Odd()}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError, match=r"holds an object of .*Odd under 'extras', and could run code") as caught:
        read_weights(path)
    assert same(build_sam("vit_t", carried_out(caught.value.fix, path)), trained)


def test_a_whole_module_is_not_opened_but_can_be_saved_anew(trained: State, save: Save):
    sam = Sam("vit_t")
    sam.load_state_dict(trained)
    path = save(nn.ModuleDict({"sam": sam}), "module.pth")
    with pytest.raises(WeightsError, match=r"holds an object of torch.nn.modules.container.ModuleDict") as caught:
        read_weights(path)
    assert same(build_sam("vit_t", carried_out(caught.value.fix, path)), trained)


def test_an_own_checkpoint_is_sent_to_init_from(trained: State, save: Save):
    path = save({"sam_seismic": {}, "state_dict": renamed(trained, lambda name: f"network.{name}")}, "best.ckpt")
    with pytest.raises(WeightsError, match="a checkpoint of sam-seismic train") as caught:
        read_weights(path)
    assert f"model.init_from={path} --set model.weights=null" in caught.value.fix
