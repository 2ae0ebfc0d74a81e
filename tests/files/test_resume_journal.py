"""An interrupted job resumes after its last recorded step; no other job or process touches its results."""

from pathlib import Path

import numpy as np
import pytest

from sam_seismic.errors import SurveyError
from sam_seismic.files import locks
from sam_seismic.files import resume_journal as journals
from sam_seismic.files.resume_journal import Journal
from sam_seismic.survey.arrays import ArrayResult
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.volume import Section

GRID = Geometry.complete(range(5), range(3), 4)
JOB = {"checkpoint": "abc", "orientations": ("inline",)}


def run(
    path: Path, *, until: int = 5, resume: bool = False, overwrite: bool = False, value: int = 1, job: object = None
) -> list[int]:
    """Write the lines of a volume until line `until` interrupts the job; return the written lines."""
    written = []
    with Journal([path], JOB if job is None else job, steps=5, resume=resume, overwrite=overwrite) as journal:
        given = {"geometry": GRID, "overwrite": journal.overwrite, "start": journal.start}
        result = ArrayResult(path, np.dtype(np.int8), **given)
        journal.claim()
        with result:
            for line in range(journal.finished, 5):
                if line == until:
                    raise KeyboardInterrupt
                result.write(Section(Orientation.INLINE, line, np.full((4, 3), line + value), np.ones(3, bool)))
                written.append(line)
                journal.advance(line + 1, [result])
    return written


def part(folder: Path) -> Path:
    """The only hidden result in a folder."""
    (found,) = folder.glob(".out.*.part.npy")
    return found


@pytest.fixture(autouse=True)
def _record_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "SECONDS", 0)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_interrupted_job_resumes_after_its_last_step(tmp_path: Path):
    path = tmp_path / "out.npy"
    with pytest.raises(KeyboardInterrupt) as stopped:
        run(path, until=3)
    assert stopped.value.__notes__ == [
        "3 of 5 steps are finished and kept: --resume goes on with them, --overwrite starts anew"
    ]
    assert names(tmp_path) == sorted([".out.npy.journal", part(tmp_path).name])
    assert run(path, resume=True) == [3, 4]
    assert names(tmp_path) == ["out.npy"]
    np.testing.assert_array_equal(np.load(path)[:, 0, 0], [1, 2, 3, 4, 5])


def test_a_job_interrupted_in_its_first_step_leaves_no_files(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt) as stopped:
        run(tmp_path / "out.npy", until=0)
    assert not hasattr(stopped.value, "__notes__")
    assert names(tmp_path) == []


def test_unfinished_results_are_neither_removed_nor_resumed_by_default(tmp_path: Path):
    path = tmp_path / "out.npy"
    with pytest.raises(KeyboardInterrupt):
        run(path, until=2)
    with pytest.raises(SurveyError, match="earlier run finished 2 of 5 steps") as refused:
        run(path)
    assert "--resume" in refused.value.fix
    with pytest.raises(SurveyError, match="these have changed: checkpoint\n"):
        run(path, resume=True, job={**JOB, "checkpoint": "other"})
    assert names(tmp_path) == sorted([".out.npy.journal", part(tmp_path).name])
    assert run(path, overwrite=True, value=7) == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(np.load(path)[:, 0, 0], [7, 8, 9, 10, 11])


def test_resume_without_unfinished_results_starts_anew(tmp_path: Path):
    """So a batch script can always use --resume."""
    assert run(tmp_path / "out.npy", resume=True) == [0, 1, 2, 3, 4]


def test_an_incomplete_line_is_ignored(tmp_path: Path):
    path = tmp_path / "out.npy"
    with pytest.raises(KeyboardInterrupt):
        run(path, until=2)
    with (tmp_path / ".out.npy.journal").open("ab") as file:
        file.write(b"4")  # of 4\n or of 45\n
    with pytest.raises(KeyboardInterrupt):
        run(path, resume=True, until=3)
    assert run(path, resume=True) == [3, 4]


@pytest.mark.parametrize("left", [b"", b'{"checkpoint": "a', b"\xff\x00\n", b"[1]\n3\n"])
def test_a_journal_with_a_damaged_first_line_is_ignored(tmp_path: Path, left: bytes):
    (tmp_path / ".out.npy.journal").write_bytes(left)
    assert run(tmp_path / "out.npy") == [0, 1, 2, 3, 4]


def test_a_missing_unfinished_result_is_refused(tmp_path: Path):
    path = tmp_path / "out.npy"
    with pytest.raises(KeyboardInterrupt):
        run(path, until=2)
    part(tmp_path).unlink()
    with pytest.raises(SurveyError, match="cannot be read"):
        run(path, resume=True)


def test_a_second_process_is_refused(tmp_path: Path):
    """Locks belong to an open file, so opening it twice in one process acts like two processes."""
    path = tmp_path / "out.npy"
    with Journal([path], JOB, steps=5), pytest.raises(SurveyError, match="another process is writing it"):
        run(path, overwrite=True)
    assert names(tmp_path) == []


def test_steps_are_recorded_at_most_every_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(journals, "SECONDS", 3600)
    with Journal([tmp_path / "out"], JOB, steps=5) as journal:
        journal.claim()
        for step in (1, 2, 3):
            journal.advance(step, [])
        assert journal.finished == 0
        journal.advance(5, [])
        assert journal.finished == 5
    assert not journal.start.resumed


def test_an_interrupt_records_finished_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """But not if no step was recorded before."""
    with Journal([tmp_path / "out"], JOB, steps=5) as journal:
        journal.claim()
        monkeypatch.setattr(journals, "SECONDS", 3600)
        journal.advance(1, [])
        journal.catch_up(2, [])
        assert journal.finished == 0
        monkeypatch.setattr(journals, "SECONDS", 0)
        journal.advance(1, [])
        journal.catch_up(2, [])
        assert journal.finished == 2


def test_jobs_have_different_hidden_files(tmp_path: Path):
    """Two interrupted jobs share a secondary output; each resumes its own hidden file."""
    shared, marks = tmp_path / "shared.npy", []
    for name in ("a", "b"):
        with Journal([tmp_path / name, shared], {"name": name}, steps=5) as journal:
            result = ArrayResult(shared, np.dtype(np.int8), geometry=GRID, overwrite=False, start=journal.start)
            marks.append(result.temporary)
    assert marks[0] != marks[1]


def test_a_refused_job_removes_nothing(tmp_path: Path):
    """--overwrite, and then an output is refused: the results of the earlier run remain."""
    path = tmp_path / "out.npy"
    with pytest.raises(KeyboardInterrupt):
        run(path, until=3)
    before = names(tmp_path)
    with pytest.raises(SurveyError, match="refused"), Journal([path], JOB, steps=5, overwrite=True):
        raise SurveyError(problem="refused", fix="")
    assert names(tmp_path) == before
    assert run(path, resume=True) == [3, 4]


def test_a_refused_job_leaves_no_folders(tmp_path: Path):
    with pytest.raises(SurveyError), Journal([tmp_path / "new" / "sub" / "out.npy"], JOB, steps=5):
        raise SurveyError(problem="refused", fix="")
    assert names(tmp_path) == []


def test_a_finished_job_is_not_resumed(tmp_path: Path):
    path = tmp_path / "out.npy"
    assert run(path) == [0, 1, 2, 3, 4]
    with pytest.raises(SurveyError, match="there is no unfinished result beside it to resume") as refused:
        run(path, resume=True)
    assert "use it as it is" in refused.value.fix
    assert names(tmp_path) == ["out.npy"]


def test_a_resumed_job_may_replace_outputs_if_the_first_run_might(tmp_path: Path):
    path = tmp_path / "out.npy"
    run(path)
    with pytest.raises(KeyboardInterrupt):
        run(path, until=3, overwrite=True, value=7)
    assert run(path, resume=True, value=7) == [3, 4]
    np.testing.assert_array_equal(np.load(path)[:, 0, 0], [7, 8, 9, 10, 11])


def test_a_journal_removed_before_it_is_locked_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Another process may finish between opening and locking; two processes must not write at once."""
    path, lock, first = tmp_path / "out.npy", locks.try_lock, []

    def slow(descriptor: int) -> bool:
        if not first:
            first.append(descriptor)
            path.with_name(".out.npy.journal").unlink()
        return lock(descriptor)

    monkeypatch.setattr(locks, "try_lock", slow)
    with Journal([path], JOB, steps=5), pytest.raises(SurveyError, match="another process"):
        run(path)
