"""Fetching published weights: a size goes in, a whole and verified file comes out, or nothing under its name."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pooch
import requests

from sam_seismic.errors import WeightsError
from sam_seismic.sam.weights.official import OfficialWeights, official_weights, weights_folder

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and the bytes of the whole file, where the server says how many."""

_BLOCK = 1 << 20
_TIMEOUT = (10, 60)  # seconds to connect, and between two blocks: a cluster's firewall drops packets silently


def fetch(size: str, folder: Path | None = None, *, progress: Progress | None = None) -> Path:
    """Fetch the published weights of a size, unless they are there already.

    A transfer that breaks off is kept as `NAME.part` and goes on where it stopped the next time.

    Args:
        size: vit_b, vit_l or vit_h.
        folder: where to put the file; by default the weights folder.
        progress: called as the bytes come in.

    Returns:
        The file, whose SHA-256 is the published one.

    Raises:
        WeightsError: there is no such file, no connection, no room, or other bytes came than were published.
    """
    return download(official_weights(size), folder or weights_folder(), progress=progress)


def download(weights: OfficialWeights, folder: Path, *, progress: Progress | None = None) -> Path:
    """Fetch a weights file into a folder; as `fetch`."""
    part = folder / f"{weights.file}.part"

    def transfer(address: str, output: str | Path, _: object) -> None:
        _transfer(address, part, progress)
        part.replace(output)

    pooch.get_logger().setLevel("WARNING")  # what it says goes through the progress instead
    try:
        path = pooch.retrieve(
            url=weights.address,
            known_hash=f"sha256:{weights.sha256}",
            fname=weights.file,
            path=folder,
            downloader=transfer,
        )
    except requests.RequestException as error:
        raise _not_fetched(weights, folder, part=part, error=error) from error
    except ValueError as error:  # pooch: the hash differs, and it has removed the file
        raise WeightsError(
            problem=f"{weights.address}: what came is not the published file (SHA-256 {weights.sha256[:8]}...)",
            fix="fetch it again; if that fails too, something between here and the server changes it",
        ) from error
    except OSError as error:
        raise WeightsError(
            problem=f"{folder}: cannot write {weights.file}: {error}",
            fix=f"make room ({weights.size_bytes / 1e6:.0f} MB), or choose a folder: export SAM_SEISMIC_WEIGHTS=FOLDER",
        ) from error
    return Path(path)


def _transfer(address: str, part: Path, progress: Progress | None) -> None:
    """Append to a partial file what it lacks, or start anew where the server cannot continue."""
    done = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with requests.get(address, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            if answer.headers.get("Content-Range") != f"bytes */{done}":  # longer than the file: not a part of it
                part.unlink()
                _transfer(address, part, progress)
            return
        answer.raise_for_status()
        if answer.status_code != requests.codes.partial_content:
            done = 0
        length = answer.headers.get("Content-Length")
        total = None if length is None else done + int(length)
        with part.open("ab" if done else "wb") as file:
            for block in answer.iter_content(_BLOCK):
                file.write(block)
                done += len(block)
                if progress is not None:
                    progress(done, total)


def _not_fetched(
    weights: OfficialWeights, folder: Path, *, part: Path, error: requests.RequestException
) -> WeightsError:
    host = urlsplit(weights.address).netloc
    if isinstance(error, requests.HTTPError) and error.response is not None:
        reason = f"{host} answered {error.response.status_code} {error.response.reason}"
    elif part.exists():
        reason = f"the connection to {host} broke off after {part.stat().st_size / 1e6:.1f} MB, which are kept"
    else:
        reason = f"no connection to {host}"
    return WeightsError(
        problem=f"{weights.file} could not be fetched: {reason}",
        fix=f"try again, or get {weights.address} on a machine with internet access and put it in {folder.absolute()}",
    )
