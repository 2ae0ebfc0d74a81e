"""docs/python.md: its snippets are run in their order, in one namespace, as a reader in a notebook would."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam_seismic.runs.quiet import quiet_lightning
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.synthetic import model_survey

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


def snippets() -> list[str]:
    """The Python of the page; each begins at its line of the page, for tracebacks."""
    text = PAGE.read_text()
    found = re.finditer(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return ["\n" * text.count("\n", 0, each.start(1)) + each[1] for each in found]


def test_every_snippet_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    survey = model_survey((32, 32, 32), 0)
    write_segy(tmp_path / "amplitude.sgy", survey.amplitude, survey.geometry, format="ieee")
    write_segy(tmp_path / "labels.sgy", survey.labels, survey.geometry, format="int8")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    with quiet_lightning():
        for snippet in snippets():
            exec(compile(snippet, str(PAGE), "exec"), names)

    assert names["run"].folder == Path("runs/first")
    assert names["run"].best.is_file()
    assert names["found"].probabilities.shape == (6, 32, 24)
    np.testing.assert_allclose(names["found"].probabilities.sum(axis=0), 1, atol=1e-5)
    np.testing.assert_array_equal(names["found"].facies, names["found"].probabilities.argmax(axis=0))
    assert names["files"] == [Path("facies.sgy"), Path("confidence.sgy")]
    assert names["facies"].geometry.same_grid(survey.geometry)
    assert Path("facies.h5").is_file()
    assert names["loss"].item() > 0
    assert len(names["losses"]) == len(names["batch"].labels)
    assert names["model"].checkpoint == Path("mine.ckpt")
    told = capsys.readouterr().out
    assert "32 inlines 100-131" in told
    assert "predicting 32 inlines" in told
    assert "nowhere.sgy: there is no such file or folder\ncheck the path\n" in told
