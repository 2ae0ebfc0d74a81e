"""All bytes are read and written, even if the system transfers only a few at a time."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sam_seismic.errors import SurveyError
from sam_seismic.files import positional
from sam_seismic.files.positional import expect_order, read_ahead, read_exactly, write_exactly

CONTENT = bytes(range(100))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def descriptor(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Limits each system call to 7 bytes; returns the offsets of the calls."""
    offsets: list[int] = []
    preadv, pwrite = os.preadv, os.pwrite

    def read_few(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        offsets.append(offset)
        return preadv(descriptor, [buffers[0][:7]], offset)

    def write_few(descriptor: int, buffer: memoryview, offset: int) -> int:
        offsets.append(offset)
        return pwrite(descriptor, buffer[:7], offset)

    monkeypatch.setattr(os, "preadv", read_few)
    monkeypatch.setattr(os, "pwrite", write_few)
    return offsets


@pytest.mark.parametrize("size", [0, 1, 7, 8, 30, 90])
def test_short_reads_are_continued(path: Path, descriptor: int, few: list[int], size: int):
    buffer = bytearray(size)
    read_exactly(descriptor, memoryview(buffer), 10, path=path)
    assert bytes(buffer) == CONTENT[10 : 10 + size]
    assert few == list(range(10, 10 + max(1, size), 7))


@pytest.mark.parametrize("size", [0, 1, 7, 8, 30, 200])
def test_short_writes_are_continued(path: Path, descriptor: int, few: list[int], size: int):
    write_exactly(descriptor, memoryview(b"\xff" * size), 10)
    assert path.read_bytes() == CONTENT[:10] + b"\xff" * size + CONTENT[10 + size :]
    assert few == list(range(10, 10 + max(1, size), 7))


@pytest.mark.parametrize(("offset", "size"), [(90, 11), (0, 200), (100, 1), (5000, 1)])
def test_the_error_names_the_end_of_the_file(path: Path, descriptor: int, offset: int, size: int):
    """Also if the read begins beyond the end."""
    with pytest.raises(SurveyError) as refused:
        read_exactly(descriptor, memoryview(bytearray(size)), offset, path=path)
    assert refused.value.problem == f"{path}: ends at byte 100: it was cut since it was opened"
    with pytest.raises(SurveyError) as refused:
        read_exactly(descriptor, memoryview(bytearray(size)), offset, path=path, place=lambda byte: f"in row {byte}")
    assert refused.value.problem == f"{path}: ends at byte 100, in row 100: it was cut since it was opened"


def test_read_ahead_requests_every_byte_of_a_long_run(descriptor: int, monkeypatch: pytest.MonkeyPatch):
    """The system ignores the part of a request that exceeds its limit."""
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda _, at, size, advice: asked.append((at, size)))
    monkeypatch.setattr(positional, "ADVISED", 40)
    read_ahead(descriptor, [(5, 100), (300, 40), (400, 1)])
    assert asked == [(5, 40), (45, 40), (85, 20), (300, 40), (400, 1)]


def test_a_system_without_fadvise_works(descriptor: int, monkeypatch: pytest.MonkeyPatch):
    """MacOS has no posix_fadvise."""
    monkeypatch.delattr(os, "posix_fadvise")
    assert read_ahead(descriptor, [(0, 10)]) is None
    assert expect_order(descriptor, sequential=True) is None
