"""From Python: light to import, typed, and the same answers as the commands."""

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import sam_seismic as ss
from sam_seismic import api
from sam_seismic.files import resume_journal
from sam_seismic.listener import Listener, Silent
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.synthetic import SyntheticSurvey, model_survey
from sam_seismic.workflows import train as training
from sam_seismic.workflows.train import TrainRequest
from tests.runs.test_versions import run_of

INLINE = ss.Orientation.INLINE


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ss.Model:
    run = run_of("full", tmp_path_factory.mktemp("runs"))
    return ss.load(str(run / "checkpoints" / "best.ckpt"), device="cpu")


@pytest.fixture(scope="module")
def survey() -> SyntheticSurvey:
    return model_survey((32, 32, 32), 0)


@pytest.fixture(scope="module")
def segy(survey: SyntheticSurvey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A survey with a corner that was not recorded."""
    live = np.ones((8, 32), np.bool_)
    live[:4, :7] = False
    geometry = replace(survey.geometry, inlines=survey.geometry.inlines[:8], live=live)
    path = tmp_path_factory.mktemp("survey") / "amplitude.sgy"
    write_segy(path, survey.amplitude[:8], geometry, format="ieee")
    return path


def modules_after(code: str) -> set[str]:
    told = f"import sys; {code}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True).stdout.split())


def test_the_package_imports_nothing_heavy(segy: Path):
    assert not modules_after("import sam_seismic as ss; dir(ss)") & {"torch", "numpy", "pydantic", "sam_seismic.api"}
    opened = modules_after(f"import sam_seismic as ss; ss.open({str(segy)!r}).geometry; ss.train")
    assert {"numpy", "sam_seismic.api"} <= opened
    assert not opened & {"torch", "lightning", "matplotlib", "rich"}


def test_what_type_checkers_see_is_what_there_is():
    body = ast.parse(Path(ss.__file__).read_text()).body
    (block,) = [each for each in body if isinstance(each, ast.If) and ast.unparse(each.test) == "TYPE_CHECKING"]
    seen = {alias.name for each in block.body if isinstance(each, ast.ImportFrom) for alias in each.names}
    assert seen == set(api.__all__) == set(ss.__all__) - {"__version__"}
    assert all(getattr(ss, name) is getattr(api, name) for name in seen)
    assert set(dir(ss)) >= seen


def test_a_wrong_name_is_told():
    with pytest.raises(AttributeError, match="'sam_seismic' has no attribute 'opne'"):
        ss.opne  # noqa: B018


def test_a_section_gets_what_it_has_in_the_volume(model: ss.Model, segy: Path, tmp_path: Path):
    volume = ss.open(str(segy))
    files = model.predict(
        volume,
        str(tmp_path / "facies.sgy"),
        probabilities=tmp_path / "probability.sgy",
        orientation="inline",
        batch_size=1,
        progress=False,
    )
    assert files == [tmp_path / "facies.sgy", *(tmp_path / f"probability_{name}.sgy" for name in model.facies.names)]
    line = int(volume.geometry.inlines[2])
    found = model.predict(volume.section(INLINE, line))
    assert found.names == model.facies.names
    assert (found.probabilities.dtype, found.facies.dtype) == (np.float32, np.int16)
    assert found.null == -1
    for written, expected in zip(files, (found.facies, *found.probabilities), strict=True):
        section = ss.open(written).section(INLINE, line)
        live = section.live if written.name == "facies.sgy" else volume.section(INLINE, line).live
        np.testing.assert_allclose(section.values[:, live], expected[:, live], atol=1e-6)
    assert (found.facies[:, :7] == -1).all()
    assert (found.probabilities[:, :, :7] == -1).all()
    assert (found.facies[:, 7:] >= 0).all()


def test_an_array_is_a_section_of_live_traces(model: ss.Model, survey: SyntheticSurvey):
    values = survey.amplitude[3].T.copy()  # [sample, trace]
    values[:, 5] = 0
    found = model.predict(values.astype(np.float64))
    section = ss.Section(INLINE, 1, values, np.ones(32, np.bool_))
    np.testing.assert_array_equal(found.probabilities, model.predict(section).probabilities)
    assert (found.facies >= 0).all()
    np.testing.assert_allclose(found.probabilities.sum(axis=0), 1, atol=1e-5)


def test_a_section_of_another_scale_is_told(model: ss.Model, survey: SyntheticSurvey):
    """A line alone is compared with the training, too; within the bounds of lines of one survey, nothing is told."""
    values = survey.amplitude[3].T
    for other in (values / 1000, values * 1000, values + 30 * np.abs(values).max()):
        with pytest.warns(UserWarning, match="AMPLITUDES UNLIKE THOSE OF THE TRAINING: the section has"):
            model.predict(other)
    model.predict(1.5 * values)
    model.predict(np.zeros_like(values))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.zeros((4, 5, 6), np.float32), r"\(4, 5, 6\) and type float32 is no section"),
        (np.zeros((0, 5), np.float32), r"\(0, 5\) and type float32 is no section"),
        (np.zeros((4, 5), np.complex64), "type complex64 is no section"),
        (np.full((4, 5), np.nan, np.float32), r"the array of shape \(4, 5\) has 20 samples that are not finite"),
    ],
)
def test_what_is_no_section_is_refused(model: ss.Model, values: np.ndarray, told: str):
    with pytest.raises(ss.UserError, match=told):
        model.predict(values)


def test_what_cannot_apply_is_refused(model: ss.Model, survey: SyntheticSurvey, segy: Path):
    values = survey.amplitude[0].T
    with pytest.raises(ss.UserError, match="a section is not written to files"):
        model.predict(values, "facies.sgy")
    with pytest.raises(ss.UserError, match="a section is not written to files"):
        model.predict(values, confidence="confidence.sgy")
    with pytest.raises(ss.UserError, match="a volume is predicted into a file"):
        model.predict(segy)
    with pytest.raises(ss.UserError, match=r"\(in memory\): is no file"):
        model.predict(MemoryVolume(survey.amplitude, survey.geometry), "facies.sgy")


class Stopping(Silent):
    """Stops the work once so many sections are done."""

    def __init__(self, after: int) -> None:
        self.after = after

    def progress(self, what: str, done: int, total: int | None, detail: str = "") -> None:
        if done >= self.after:
            raise KeyboardInterrupt


def test_a_volume_that_is_read_otherwise_is_not_gone_on_with(
    model: ss.Model, survey: SyntheticSurvey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """An opened volume does not tell the options that it was opened with."""
    monkeypatch.setattr(resume_journal, "SECONDS", 0)
    np.save(tmp_path / "amplitude.npy", survey.amplitude[:16, :16, :16])
    one = ss.open(tmp_path / "amplitude.npy", ss.ReadOptions(axes="inline,crossline,sample"))
    other = ss.open(tmp_path / "amplitude.npy", ss.ReadOptions(axes="sample,crossline,inline"))
    output = tmp_path / "facies.npy"
    with pytest.raises(KeyboardInterrupt):
        model.predict(one, output, orientation="inline", progress=Stopping(4))
    with pytest.raises(ss.UserError, match="read"):
        model.predict(other, output, orientation="inline", resume=True, progress=False)
    model.predict(one, output, orientation="inline", resume=True, progress=False)
    expected = np.stack([model.predict(one.section(INLINE, line)).facies.T for line in one.lines(INLINE).tolist()])
    assert np.mean(np.load(output) == expected) > 0.999  # batches of one and of two round differently


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[TrainRequest, Listener]]:
    """What the workflow is asked for; nothing is trained."""
    requests: list[tuple[TrainRequest, Listener]] = []
    monkeypatch.setattr(training, "train", lambda request, listener: requests.append((request, listener)))
    return requests


PLAIN = {"data": {"source": "synthetic"}, "train": {"epochs": 7}}


def test_a_training_is_asked_for_in_three_ways(asked: list[tuple[TrainRequest, Listener]], tmp_path: Path):
    config = ss.Config.model_validate(PLAIN)
    (tmp_path / "mine.yaml").write_text("data: {source: synthetic}\ntrain: {epochs: 7}\n")
    listener = Silent()
    runs = [
        ss.train(PLAIN, "a", progress=listener),
        ss.train(config.model_copy(update={"output": Path("b")}), resume=True, progress=False),
        ss.train(str(tmp_path / "mine.yaml"), overwrite=True, progress=False),
    ]
    assert [run.folder for run in runs] == [Path("a"), Path("b"), Path("runs/mine")]
    assert runs[0].best == Path("a/checkpoints/best.ckpt")
    assert [request.output for request, _ in asked] == [run.folder for run in runs]
    assert [(request.resume, request.overwrite) for request, _ in asked] == [
        (False, False),
        (True, False),
        (False, True),
    ]
    assert {request.config.train.epochs for request, _ in asked} == {7}
    assert asked[0][1] is listener


def test_a_configuration_that_cannot_be_used_is_told(asked: list[tuple[TrainRequest, Listener]]):
    with pytest.raises(ss.UserError, match="there is no folder for the run"):
        ss.train(PLAIN)
    with pytest.raises(
        ss.UserError, match=r"the configuration: 1 problem\n  data.sorce  unknown key; did you mean data.source"
    ):
        ss.train({"data": {"sorce": "synthetic"}}, "a")
    assert not asked


def test_progress_is_drawn_told_or_silent(
    model: ss.Model, segy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    class Heard(Silent):
        done = 0

        def progress(self, what: str, done: int, total: int | None, detail: str = "") -> None:
            assert (what, total) == ("predict", 8)
            self.done = done

    heard = Heard()
    model.predict(segy, tmp_path / "a.npy", orientation="inline", progress=heard)
    assert heard.done == 8
    model.predict(segy, tmp_path / "b.npy", orientation="inline", progress=False)
    assert capsys.readouterr() == ("", "")
    model.predict(segy, tmp_path / "c.npy", orientation="inline")
    assert "predicting 8 inlines" in capsys.readouterr().err
