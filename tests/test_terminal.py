"""Progress reaches people wherever they are: a bar where one can be drawn, lines where not, and no warnings."""

import builtins
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, TracebackType
from typing import Any

import pytest

from sam_seismic.listener import terminal
from sam_seismic.listener.terminal import Terminal


class ZMQInteractiveShell:
    """Rich knows a notebook by the name of this class."""


class Output:
    """Stands for the widget of ipywidgets: what is displayed inside replaces what was there."""

    def __init__(self) -> None:
        self.closed = False

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing to give back."""

    def clear_output(self, *, wait: bool) -> None: ...

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A notebook without ipywidgets; what it displays."""
    shown: list[Any] = []
    display = ModuleType("IPython.display")
    display.display = shown.append
    monkeypatch.setattr(builtins, "get_ipython", ZMQInteractiveShell, raising=False)
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(terminal, "find_spec", lambda name: None)
    return shown


def text(shown: list[Any]) -> list[str]:
    """What a notebook would show of each display that has a text."""
    bundles = [each._repr_mimebundle_([], []) for each in shown if hasattr(each, "_repr_mimebundle_")]
    return [bundle["text/plain"] for bundle in bundles]


def test_a_notebook_without_widgets_gets_lines(displayed: list[Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(terminal, "LOG_EVERY_S", 0.0)
    with Terminal() as shown:
        shown.say("predicting 32 inlines")
        shown.progress("predict", 0, 32)
        shown.progress("predict", 8, 32, "loss 0.5")
    assert text(displayed) == ["predicting 32 inlines\n", "predict: 8/32 loss 0.5\n"]


def test_a_notebook_with_widgets_gets_a_bar(displayed: list[Any], monkeypatch: pytest.MonkeyPatch):
    widgets = ModuleType("ipywidgets")
    widgets.Output = Output
    monkeypatch.setitem(sys.modules, "ipywidgets", widgets)
    monkeypatch.setattr(terminal, "find_spec", lambda name: ModuleSpec(name, None))
    with Terminal() as shown:
        shown.progress("predict", 8, 32, "loss 0.5")
        shown._bar.refresh()  # a thread does so four times a second
    (widget,) = [each for each in displayed if isinstance(each, Output)]
    assert widget.closed  # the bar goes when the work is done
    assert any("predict" in line and "8/32" in line and "loss 0.5" in line for line in text(displayed))


def test_a_log_gets_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(terminal, "LOG_EVERY_S", 0.0)
    with Terminal() as shown:
        shown.progress("train", 0, None)
        shown.progress("train", 1000, None)
    assert capsys.readouterr().err == "train: 1,000\n"
