"""A published archive becomes a folder of verified files, whole or not at all, from a server on this machine."""

import hashlib
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sam_seismic import downloads
from sam_seismic.config import ReadOptions
from sam_seismic.downloads import DownloadError
from sam_seismic.errors import SurveyError
from sam_seismic.survey.catalog import f3, known, seam_ai
from sam_seismic.survey.catalog.fetching import fetch
from sam_seismic.survey.catalog.verifying import verify
from tests.cli.running import invoke
from tests.following import fix_of
from tests.shop import Shop, open_shop
from tests.survey.published_files import SMALL_F3, f3_archive, shrink, write_f3, write_npz

FILES = [f"data/{file}" for known in SMALL_F3.values() for file in known.files]


@pytest.fixture
def shop(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Sells the small benchmark under the name of the true one."""
    shrink(monkeypatch)
    with open_shop(monkeypatch) as opened:
        opened.content = f3_archive(tmp_path_factory.mktemp("archive"))
        survey = known.known_survey("f3")
        assert survey.archive is not None
        offer = replace(
            survey.archive,
            address=f"http://127.0.0.1:{opened.port}/data.zip",
            md5=hashlib.md5(opened.content).hexdigest(),
            size_bytes=len(opened.content),
        )
        monkeypatch.setattr(known, "_f3", lambda: replace(survey, archive=offer))
        yield opened


def files_of(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_benchmark_is_fetched_verified_and_unpacked(shop: Shop, tmp_path: Path):
    """Only its own files come out of the archive, which goes when it is unpacked."""
    seen: list[tuple[str, int, int | None]] = []
    found = fetch("f3", tmp_path / "f3", progress=lambda what, done, total: seen.append((what, done, total)))
    assert found.downloaded
    assert files_of(tmp_path / "f3") == sorted(FILES)
    assert [str(path.relative_to(tmp_path / "f3")) for path in found.files] == FILES
    assert {check.status for check in verify("f3", tmp_path / "f3").files} == {"ok"}
    assert list(f3(tmp_path / "f3")) == ["train", "test1", "test2"]
    unpacked = sum((tmp_path / "f3" / file).stat().st_size for file in FILES)
    assert ("fetch f3", len(shop.content), len(shop.content)) in seen
    assert seen[-1] == ("unpack f3", unpacked, unpacked)


def test_files_that_are_there_are_not_fetched_again(shop: Shop, tmp_path: Path):
    fetch("f3", tmp_path)
    again = fetch("f3", tmp_path)
    assert not again.downloaded
    assert [str(path.relative_to(tmp_path)) for path in again.files] == FILES
    assert shop.asked == [None]
    write_f3(tmp_path / "flat", *SMALL_F3)
    assert not fetch("f3", tmp_path / "flat").downloaded


def test_an_archive_brought_by_hand_is_taken(shop: Shop, tmp_path: Path):
    """The way round for a machine without internet; on request the archive stays."""
    (tmp_path / "data.zip").write_bytes(shop.content)
    fetch("f3", tmp_path, keep_archive=True)
    assert shop.asked == []
    assert files_of(tmp_path) == sorted([*FILES, "data.zip"])


def test_a_broken_transfer_goes_on_where_it_stopped(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(downloads, "_BLOCK", 500)  # a block that is not whole is lost; the archive here is small
    shop.break_after = 1000
    with pytest.raises(DownloadError, match="broke off"):
        fetch("f3", tmp_path)
    assert files_of(tmp_path) == ["data.zip.part"]
    shop.break_after = None
    fetch("f3", tmp_path)
    assert shop.asked == [None, "bytes=1000-"]
    assert files_of(tmp_path) == sorted(FILES)


def test_another_archive_than_was_published_is_not_unpacked(shop: Shop, tmp_path: Path):
    shop.content = shop.content[:-1] + b"?"
    with pytest.raises(DownloadError, match=r"not the published file \(MD5 "):
        fetch("f3", tmp_path)
    assert files_of(tmp_path) == []


def test_what_lies_in_the_way_is_not_touched(shop: Shop, tmp_path: Path):
    write_f3(tmp_path / "data", "train")
    before = files_of(tmp_path)
    with pytest.raises(SurveyError, match=r"is there already, but .*test1_seismic\.npy") as refused:
        fetch("f3", tmp_path)
    assert refused.value.fix == f"move {tmp_path / 'data'} away, or choose another folder: --output FOLDER"
    assert files_of(tmp_path) == before
    assert shop.asked == []


def test_files_of_another_kind_under_the_names_are_refused(shop: Shop, tmp_path: Path):
    write_f3(tmp_path, *SMALL_F3)
    (tmp_path / SMALL_F3["test2"].files[0]).write_bytes(b"half")
    with pytest.raises(SurveyError, match=r"test2_seismic\.npy: cannot be read"):
        fetch("f3", tmp_path)


def test_what_cannot_be_fetched_comes_with_instructions(tmp_path: Path):
    with pytest.raises(SurveyError) as refused:
        fetch("seam_ai", tmp_path)
    assert "https://www.aicrowd.com/challenges/seismic-facies-identification-challenge" in refused.value.problem
    for words in (
        "TrainingData_Image.segy, TrainingData_Labels.segy, TestData_Image1.segy, TestData_Image2.segy (segy)",
        "data_train.npz, labels_train.npz, data_test_1.npz, data_test_2.npz (npz)",
        f"put them in {tmp_path}, then: sam-seismic data verify seam_ai {tmp_path}",
    ):
        assert words in refused.value.fix


@pytest.mark.follows("survey/catalog/known.py", "sam-seismic data fetch {}")
@pytest.mark.follows("survey/catalog/fetching.py", "move {} away, or choose another folder: --output FOLDER")
@pytest.mark.follows("survey/catalog/fetching.py", "--output FOLDER")
def test_what_is_not_there_is_fetched_as_told(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Into a folder that exists for `verify`, beside files of others, and on a disk with room."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "f3").mkdir(parents=True)
    command = fix_of(invoke("data", "verify", "f3", "data/f3")).removeprefix("sam-seismic ").split()
    assert invoke(*command).exit_code == 0
    assert invoke("data", "verify", "f3", "data/f3").exit_code == 0
    (tmp_path / "data" / "f3" / FILES[0]).unlink()
    fix = fix_of(invoke(*command))
    place = Path(fix.removeprefix("move ").partition(" away")[0])
    option = fix.rpartition(": ")[2].split()
    assert invoke(*command, *option).exit_code == 0
    assert (tmp_path / "FOLDER" / FILES[0]).is_file()
    place.rename(tmp_path / "elsewhere")
    assert invoke(*command).exit_code == 0
    usage = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(
            shutil, "disk_usage", lambda path: usage._replace(free=10 if "small" in str(path) else usage.free)
        )
        (tmp_path / "small").mkdir()
        fix = fix_of(invoke(*command, "--output", "small"))
        assert invoke(*command, *fix.rpartition(": ")[2].replace("FOLDER", "LARGE").split()).exit_code == 0


@pytest.mark.follows(
    "survey/catalog/fetching.py", "get {}; the training volume alone is enough to train; put them in {}"
)
def test_what_must_be_got_by_hand_is_verified_as_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """In a folder whose name a shell would take for two."""
    shrink(monkeypatch)
    root = tmp_path / "SEAM AI"
    fix = fix_of(invoke("data", "fetch", "seam_ai", "--output", root))
    root.mkdir()
    write_npz(root, "train")
    assert invoke(*shlex.split(fix.rpartition("sam-seismic ")[2])).exit_code == 0


@pytest.mark.follows("survey/catalog/__init__.py", "remove data.read")
def test_what_is_known_is_read_without_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shrink(monkeypatch)
    write_npz(tmp_path, "train")
    with pytest.raises(SurveyError, match=r"data\.read cannot apply to") as refused:
        seam_ai(tmp_path, ReadOptions(axes="sample,crossline,inline"))
    assert refused.value.fix == "remove data.read"
    assert list(seam_ai(tmp_path)) == ["train"]


def test_an_archive_that_is_kept_is_verified_too(shop: Shop, tmp_path: Path):
    """Its checksum is the only one that was published for the benchmark."""
    fetch("f3", tmp_path, keep_archive=True)
    checks = verify("f3", tmp_path).files
    assert (len(checks), {check.status for check in checks}) == (7, {"ok"})
    whole = shop.content
    (tmp_path / "data.zip").write_bytes(whole[:-1] + b"?")
    (problem,) = verify("f3", tmp_path).files[-1].problems
    found, published = (hashlib.md5(content).hexdigest() for content in (whole[:-1] + b"?", whole))
    assert problem == f"has the MD5 {found}; published was {published}"
    (tmp_path / "data.zip").write_bytes(whole[:-1])
    (problem,) = verify("f3", tmp_path).files[-1].problems
    assert problem == f"has {len(whole) - 1:,} bytes; published were {len(whole):,}"


def test_an_archive_alone_is_no_survey(shop: Shop, tmp_path: Path):
    (tmp_path / "data.zip").write_bytes(shop.content)
    verification = verify("f3", tmp_path)
    assert [check.status for check in verification.chosen] == ["missing"] * 6 + ["ok"]
    with pytest.raises(SurveyError, match="lacks the training volume of f3") as refused:
        verification.raise_for_fault()
    assert refused.value.fix == "sam-seismic data fetch f3"


def test_the_published_address_and_checksum():
    archive = known.known_survey("f3").archive
    assert archive == known.Archive(
        file="data.zip",
        address="https://zenodo.org/records/3755060/files/data.zip",
        md5="bc5932279831a95c0b244fd765376d85",
        size_bytes=1_051_449_986,
    )
