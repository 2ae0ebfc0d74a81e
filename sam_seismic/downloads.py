"""Address and checksum of a published file come in; a verified copy goes out, or no file of that name."""

import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pooch
import requests

from sam_seismic.errors import UserError
from sam_seismic.files.folders import nearest_existing
from sam_seismic.files.locks import is_named, try_lock
from sam_seismic.files.units import format_bytes

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are done, and the bytes in all; None where these are not known."""

_BLOCK = 1 << 20
_TIMEOUT = (10, 60)  # seconds to connect, and between two blocks: a cluster's firewall drops packets silently


class DownloadError(UserError):
    """A published file that could not be fetched, differs from what was published, or has no room on the disk."""


@dataclass(frozen=True)
class Published:
    """A file that was published.

    Args:
        file: its name.
        address: where it is fetched from.
        checksum: an algorithm of hashlib and the hex digits: `sha256:ec2df62732...`.
        size_bytes: its length.
    """

    file: str
    address: str
    checksum: str
    size_bytes: int

    @property
    def checksum_in_words(self) -> str:
        """`SHA-256 ec2df627...`."""
        algorithm, _, digits = self.checksum.partition(":")
        return f"{'SHA-256' if algorithm == 'sha256' else algorithm.upper()} {digits[:8]}..."


def download(
    published: Published, folder: Path, *, elsewhere: str, room: int = 0, progress: Progress | None = None
) -> Path:
    """Fetch a published file into a folder, unless it is there already.

    If the transfer breaks off, `NAME.part` stays, and the next call continues it.

    Args:
        published: what to fetch.
        folder: where to put it.
        elsewhere: how the user chooses another folder, for the message: `--output FOLDER`.
        room: bytes that must be free beyond those of the file, for what will be made of it.
        progress: called as the bytes come in.

    Returns:
        The file, whose checksum is the published one.

    Raises:
        DownloadError: there is no connection or no room, another process is fetching it, or its checksum is not the
            published one.
    """
    part = folder / f"{published.file}.part"  # not `whole_file`: the next run goes on with it
    here = next((path.stat().st_size for path in (folder / published.file, part) if path.is_file()), 0)
    check_room(folder, max(0, published.size_bytes - here) + room, what=published.file, elsewhere=elsewhere)

    def transfer(address: str, output: str | Path, _: object) -> None:
        with _alone(part):
            _transfer(address, part, progress)
            part.replace(output)

    pooch.get_logger().setLevel("WARNING")  # `progress` tells the rest
    try:
        path = pooch.retrieve(
            url=published.address,
            known_hash=published.checksum,
            fname=published.file,
            path=folder,
            downloader=transfer,
        )
    except requests.RequestException as error:
        raise _not_fetched(published, folder, part=part, error=error) from error
    except ValueError as error:  # pooch: the checksum differs, and it has removed the file
        raise DownloadError(
            problem=f"{published.address}: what was received is not the published file ({published.checksum_in_words})",
            fix="fetch it again; if that fails too, a proxy on the way to the server may change it",
        ) from error
    except OSError as error:
        cause = error.__context__ if isinstance(error.__context__, OSError) else error  # pooch adds words of its own
        raise DownloadError(
            problem=f"{folder}: cannot write {published.file}: {cause.strerror or cause}",
            fix=f"make room ({format_bytes(published.size_bytes)}), or choose a folder: {elsewhere}",
        ) from error
    return Path(path)


def check_room(folder: Path, size: int, *, what: str, elsewhere: str) -> None:
    """Refuse a job whose output the disk has no room for; the folder need not exist yet.

    Raises:
        DownloadError: the disk has less than `size` bytes left.
    """
    free = shutil.disk_usage(nearest_existing(folder)).free
    if free < size:
        raise DownloadError(
            problem=f"{folder}: {what} needs {format_bytes(size)} there, the disk has {format_bytes(free)} left",
            fix=f"make room, or choose a folder on another disk: {elsewhere}",
        )


def unpack(archive: Path, members: Mapping[str, str], folder: Path, *, progress: Progress | None = None) -> None:
    """Unpack some members of a zip archive into a new folder, which appears when it is complete.

    No other members are unpacked, and names in the archive do not decide where a file is written.

    Args:
        archive: the .zip file.
        members: name in the archive -> path below the folder.
        folder: what to make.
        progress: called with the bytes that are unpacked.

    Raises:
        DownloadError: the folder exists, the archive is damaged, or it lacks members; the message lists them.
    """
    if folder.exists():
        raise DownloadError(problem=f"{folder}: exists already", fix="move it away, or choose another folder")
    temporary = folder.with_name(f".{folder.name}.part")  # not `whole_file`: it is a folder
    shutil.rmtree(temporary, ignore_errors=True)  # a killed run left it; if that fails, writing will tell why
    try:
        with zipfile.ZipFile(archive) as opened:
            missing = sorted(set(members) - set(opened.namelist()))
            if missing:
                raise DownloadError(
                    problem=f"{archive}: does not hold {', '.join(missing)}", fix="fetch the published archive"
                )
            _extract(opened, members, temporary, progress)
        temporary.rename(folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # RuntimeError: it is encrypted
        raise DownloadError(problem=f"{archive}: is damaged: {error}", fix="remove it and fetch it again") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)  # an error here would hide the one that led here


def _extract(archive: zipfile.ZipFile, members: Mapping[str, str], folder: Path, progress: Progress | None) -> None:
    total, done = sum(archive.getinfo(name).file_size for name in members), 0
    for name, place in members.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(name) as packed, path.open("wb") as file:
            while block := packed.read(_BLOCK):
                file.write(block)
                done += len(block)
                if progress is not None:
                    progress(done, total)


@contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Hold a lock on the partial file: jobs of a cluster that start together would all append to it.

    Raises:
        DownloadError: another process is fetching the file.
    """
    begun = part.exists()
    with part.open("ab") as file:
        if not try_lock(file.fileno()) or not is_named(part, file.fileno()):
            raise DownloadError(
                problem=f"{part.with_suffix('')}: another process is fetching it",
                fix="wait until it is there, then run the command again",
            )
        try:
            yield
        finally:
            if not begun and part.exists() and part.stat().st_size == 0:
                part.unlink()


def _transfer(address: str, part: Path, progress: Progress | None) -> None:
    """Append to a partial file what it lacks, or start anew if the server cannot continue a transfer."""
    done = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with requests.get(address, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            if answer.headers.get("Content-Range") != f"bytes */{done}":  # longer than the file: not a part of it
                os.truncate(part, 0)  # it stays the same file, which is locked
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


def _not_fetched(published: Published, folder: Path, *, part: Path, error: requests.RequestException) -> DownloadError:
    host = urlsplit(published.address).netloc
    if isinstance(error, requests.HTTPError) and error.response is not None:
        reason = f"{host} answered {error.response.status_code} {error.response.reason}"
    elif part.exists():
        reason = f"the connection to {host} broke off after {format_bytes(part.stat().st_size)}, which are kept"
    else:
        reason = f"no connection to {host}"
    return DownloadError(
        problem=f"{published.file} could not be fetched: {reason}",
        fix=f"try again, or get {published.address} on a machine with internet access and put it in "
        f"{folder.absolute()}",
    )
