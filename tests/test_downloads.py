"""Downloads are verified; of archives only the named members are unpacked, all or none."""

import errno
import fcntl
import shutil
import zipfile
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from sam_seismic.downloads import DownloadError, download, unpack
from tests.shop import CONTENT, MB, Shop, open_shop

Usage = namedtuple("Usage", "total used free")
MEMBERS = {"data/a.npy": "a.npy", "data/sub/b.npy": "sub/b.npy"}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with open_shop(monkeypatch) as opened:
        yield opened


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive with the members to unpack, and others that must not be."""
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("data/a.npy", b"a" * 100)
        opened.writestr("data/sub/b.npy", b"b" * 3 * MB)
        opened.writestr("../outside.npy", b"evil")
        opened.writestr("/outside.npy", b"evil")
        opened.writestr("__MACOSX/data/._a.npy", b"nonsense")
    return path


def free(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1 << 40, 0, size))


def test_an_md5_is_verified_as_a_sha256_is(shop: Shop, tmp_path: Path):
    """Zenodo publishes MD5 sums."""
    published = shop.published("data.zip", "md5")
    assert download(published, tmp_path, elsewhere="--output FOLDER").read_bytes() == CONTENT
    shop.content = CONTENT[:-1] + b"?"
    with pytest.raises(DownloadError, match=rf"not the published file \(MD5 {published.checksum[4:12]}\.\.\.\)"):
        download(published, tmp_path / "other", elsewhere="--output FOLDER")
    assert list((tmp_path / "other").iterdir()) == []


def test_a_disk_without_room_is_told_before_the_first_byte(shop: Shop, tmp_path: Path, monkeypatch):
    """Room for what will be made of the file counts too; bytes that were fetched earlier need none."""
    published = shop.published("data.zip")
    free(monkeypatch, 7 * MB)
    with pytest.raises(DownloadError, match=r"data\.zip needs 8\.4 MB there, the disk has 7\.3 MB left") as refused:
        download(published, tmp_path / "deep" / "down", elsewhere="--output FOLDER", room=3 * MB)
    assert refused.value.fix == "make room, or choose a folder on another disk: --output FOLDER"
    assert shop.asked == []
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "data.zip.part").write_bytes(CONTENT[: 2 * MB])
    assert download(published, tmp_path, elsewhere="--output FOLDER", room=3 * MB).read_bytes() == CONTENT


def test_two_processes_do_not_write_one_file(shop: Shop, tmp_path: Path):
    """Jobs of a cluster start together: if both appended to one partial file, it would be neither's."""
    published = shop.published("data.zip")
    part = tmp_path / "data.zip.part"
    with part.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(DownloadError, match=r"data\.zip: another process is fetching it"):
            download(published, tmp_path, elsewhere="--output FOLDER")
    assert shop.asked == []
    assert download(published, tmp_path, elsewhere="--output FOLDER").read_bytes() == CONTENT


def test_a_part_that_the_other_process_renames_meanwhile_is_left_to_it(shop: Shop, tmp_path: Path, monkeypatch):
    """The part was renamed to the finished file while this process waited for the lock: nothing is appended to it."""
    (tmp_path / "data.zip.part").write_bytes(CONTENT)
    lock = fcntl.flock

    def finish_first(file: int, operation: int) -> None:
        (tmp_path / "data.zip.part").rename(tmp_path / "data.zip")
        lock(file, operation)

    monkeypatch.setattr(fcntl, "flock", finish_first)
    with pytest.raises(DownloadError, match="another process is fetching it"):
        download(shop.published("data.zip"), tmp_path, elsewhere="--output FOLDER")
    assert (tmp_path / "data.zip").read_bytes() == CONTENT
    assert shop.asked == []


def test_a_file_system_without_locks_is_no_obstacle(shop: Shop, tmp_path: Path, monkeypatch):
    def refuse(file: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert download(shop.published("a"), tmp_path, elsewhere="--output FOLDER").read_bytes() == CONTENT


def test_only_known_members_are_unpacked(archive: Path, tmp_path: Path):
    """A name like ../outside.npy in an archive leads nowhere: the places are the caller's."""
    seen: list[tuple[int, int | None]] = []
    unpack(archive, MEMBERS, tmp_path / "new", progress=lambda done, total: seen.append((done, total)))
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == {
        "data.zip",
        "new/a.npy",
        "new/sub/b.npy",
    }
    assert (tmp_path / "new" / "sub" / "b.npy").read_bytes() == b"b" * 3 * MB
    assert seen[-1] == (3 * MB + 100, 3 * MB + 100)
    assert len(seen) == 4


def test_all_members_that_an_archive_lacks_are_named(archive: Path, tmp_path: Path):
    with pytest.raises(DownloadError, match=r"data\.zip: does not hold c\.npy, d\.npy\n"):
        unpack(archive, MEMBERS | {"d.npy": "d.npy", "c.npy": "c.npy"}, tmp_path / "new")
    assert list(tmp_path.iterdir()) == [archive]


def test_a_damaged_archive_leaves_nothing_behind(archive: Path, tmp_path: Path):
    """Its first member is whole, but the folder appears only when all are."""
    content = bytearray(archive.read_bytes())
    content[250] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(DownloadError, match=r"data\.zip: is damaged"):
        unpack(archive, MEMBERS, tmp_path / "new")
    archive.write_bytes(b"no zip file")
    with pytest.raises(DownloadError, match=r"data\.zip: is damaged"):
        unpack(archive, MEMBERS, tmp_path / "new")
    assert list(tmp_path.iterdir()) == [archive]


def test_an_interrupt_leaves_nothing_behind(archive: Path, tmp_path: Path):
    def interrupt(done: int, total: int | None) -> None:
        if done > MB:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack(archive, MEMBERS, tmp_path / "new", progress=interrupt)
    assert list(tmp_path.iterdir()) == [archive]


def test_what_a_killed_run_left_is_replaced(archive: Path, tmp_path: Path):
    left = tmp_path / ".new.part" / "stale.npy"
    left.parent.mkdir()
    left.write_bytes(b"half")
    unpack(archive, MEMBERS, tmp_path / "new")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.npy", "sub"]
    assert not left.parent.exists()


def test_a_folder_that_is_there_is_not_touched(archive: Path, tmp_path: Path):
    (tmp_path / "new").mkdir()
    with pytest.raises(DownloadError, match="new: exists already"):
        unpack(archive, MEMBERS, tmp_path / "new")
