"""The choices of the YAML and of the command line are those that the program implements."""

from typing import get_args

from sam_seismic.config.choices import AxesChoice, FormatName, LabelFormat, OrientationChoice
from sam_seismic.survey.axis_order import AxisOrder
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.segy.formats import FORMATS


def test_all_sample_formats_of_segy_can_be_chosen():
    assert set(get_args(FormatName)) == {form.name for form in FORMATS.values()}


def test_label_formats_are_formats_of_segy():
    assert set(get_args(LabelFormat)) < set(get_args(FormatName))


def test_orientations():
    assert get_args(OrientationChoice) == (*Orientation, "both")


def test_every_axis_order_can_be_used():
    for order in get_args(AxesChoice):
        assert sorted(AxisOrder.named(order).grid_shape((2, 3, 5))) == [2, 3, 5]
