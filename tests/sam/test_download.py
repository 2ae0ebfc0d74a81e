"""Download of weights from a server on this machine: resumed, verified, and never an incomplete file under its name."""

import socket
from collections.abc import Iterator

import pytest

from sam_seismic.errors import WeightsError
from sam_seismic.sam.weights import OFFICIAL, OfficialWeights, download, fetch
from tests.shop import CONTENT, MB, Shop, open_shop


def weights_of(shop: Shop) -> OfficialWeights:
    """The file that the server offers, as a weights file."""
    published = shop.published("sam.pth")
    return OfficialWeights("sam.pth", published.address, published.checksum.removeprefix("sha256:"), len(CONTENT))


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with open_shop(monkeypatch) as opened:
        yield opened


def test_a_file_is_downloaded_with_progress(shop, tmp_path):
    """The content is complete, progress ends at the full size, and no partial file remains."""
    seen: list[tuple[int, int | None]] = []
    path = download(weights_of(shop), tmp_path / "new", progress=lambda done, total: seen.append((done, total)))
    assert path == tmp_path / "new" / "sam.pth"
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len(seen) == 5
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_an_existing_file_is_not_downloaded_again(shop, tmp_path):
    download(weights_of(shop), tmp_path)
    download(weights_of(shop), tmp_path)
    assert shop.asked == [None]


def test_an_interrupted_download_is_resumed(shop, tmp_path):
    """The received part has another name, and only the rest is requested."""
    shop.break_after = 3 * MB
    with pytest.raises(WeightsError, match=r"broke off after 3\.1 MB, which are kept"):
        download(weights_of(shop), tmp_path)
    part = tmp_path / "sam.pth.part"
    assert list(tmp_path.iterdir()) == [part]
    assert part.read_bytes() == CONTENT[: 3 * MB]

    shop.break_after = None
    seen: list[tuple[int, int | None]] = []
    path = download(weights_of(shop), tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert shop.asked == [None, f"bytes={3 * MB}-"]
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]
    assert seen[0] == (4 * MB, 5 * MB)


def test_without_range_requests_the_download_starts_again(shop, tmp_path):
    """The whole file is not appended to the existing part."""
    (tmp_path / "sam.pth.part").write_bytes(CONTENT[:MB])
    shop.ranges = False
    assert download(weights_of(shop), tmp_path).read_bytes() == CONTENT
    assert shop.asked == [f"bytes={MB}-"]


def test_a_complete_part_is_not_downloaded_again(shop, tmp_path):
    """The last run was killed after the last byte and before the file was renamed."""
    (tmp_path / "sam.pth.part").write_bytes(CONTENT)
    assert download(weights_of(shop), tmp_path).read_bytes() == CONTENT
    assert shop.asked == [f"bytes={5 * MB}-"]


def test_a_part_longer_than_the_file_is_discarded(shop, tmp_path):
    (tmp_path / "sam.pth.part").write_bytes(CONTENT + b"more")
    assert download(weights_of(shop), tmp_path).read_bytes() == CONTENT
    assert shop.asked == [f"bytes={5 * MB + 4}-", None]


def test_a_download_with_another_hash_is_deleted(shop, tmp_path):
    """No file remains that could be loaded, and no part that the next run would resume."""
    shop.content = CONTENT[:-1] + b"?"
    with pytest.raises(WeightsError, match="not the published file"):
        download(weights_of(shop), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_replaced(shop, tmp_path):
    (tmp_path / "sam.pth").write_bytes(b"half")
    assert download(weights_of(shop), tmp_path).read_bytes() == CONTENT


def test_a_damaged_file_is_not_deleted_if_the_download_fails(shop, tmp_path):
    """A file of the user is replaced only by a verified one."""
    (tmp_path / "sam.pth").write_bytes(b"half")
    shop.status = 503
    with pytest.raises(WeightsError, match=r"127\.0\.0\.1:\d+ answered 503 Service Unavailable"):
        download(weights_of(shop), tmp_path)
    assert (tmp_path / "sam.pth").read_bytes() == b"half"


def test_without_a_connection_the_error_names_the_url_and_the_folder(tmp_path, monkeypatch):
    """A compute node without internet access: no file remains, and the fix describes a manual download."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        shop = Shop(port=port)  # bound but not listening: connections are refused
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setitem(OFFICIAL, "vit_b", weights_of(shop))
        with pytest.raises(WeightsError) as caught:
            fetch("vit_b", tmp_path)
    assert caught.value.problem == f"sam.pth could not be fetched: no connection to 127.0.0.1:{port}"
    assert f"get http://127.0.0.1:{port}/sam.pth on a machine with internet access" in caught.value.fix
    assert f"put it in {tmp_path}" in caught.value.fix
    assert list(tmp_path.iterdir()) == []


def test_fetch_uses_the_weights_folder_unless_a_folder_is_given(shop, tmp_path, monkeypatch):
    monkeypatch.setitem(OFFICIAL, "vit_b", weights_of(shop))
    monkeypatch.setenv("SAM_SEISMIC_WEIGHTS", str(tmp_path / "chosen"))
    assert fetch("vit_b") == tmp_path / "chosen" / "sam.pth"
    assert fetch("vit_b", tmp_path / "other") == tmp_path / "other" / "sam.pth"


def test_a_size_without_published_weights_is_refused():
    with pytest.raises(WeightsError, match="no weights are published for 'vit_t'") as caught:
        fetch("vit_t")
    assert "vit_b, vit_l, vit_h" in caught.value.fix


def test_a_folder_that_is_not_writable_is_reported(shop, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WeightsError, match=r"cannot write sam\.pth") as caught:
        download(weights_of(shop), tmp_path / "file" / "below")
    assert "SAM_SEISMIC_WEIGHTS" in caught.value.fix
