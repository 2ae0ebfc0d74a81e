"""The beginning of a file comes in; what the file is, where it is no weights file, goes out with a fix."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sam_seismic.errors import WeightsError
from sam_seismic.sam.weights.saving import saving_command

HEAD = 512
"""Bytes that the kind of a file is told by."""
_WANTED = "give a file written by torch.save, or a safetensors file"


@dataclass(frozen=True)
class FileKind:
    """A kind of file that holds no weights.

    Args:
        what: it is.
        fix: what to do.
        fits: whether a file that begins like this is one.
    """

    what: str
    fix: str
    fits: Callable[[bytes], bool]


def _begins(*beginnings: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.lstrip().lower().startswith(beginnings)


_KINDS = (
    FileKind("empty", "fetch or copy it again", lambda head: not head),
    FileKind(
        "a Git LFS pointer in the place of the weights",
        "get the file itself: git lfs pull in its repository",
        _begins(b"version https://git-lfs"),
    ),
    FileKind(
        "an HTML page in the place of the weights",
        "download the file itself: its address led to a page, such as a login or a warning that waits for an answer",
        _begins(b"<!doctype html", b"<html", b"<head"),
    ),
    FileKind(
        "an XML message in the place of the weights",
        "read it, and download the file itself: a server answers so when it refuses one",
        _begins(b"<?xml"),
    ),
    FileKind("compressed with gzip", "unpack it with gunzip, and give what comes out", _begins(b"\x1f\x8b")),
    FileKind("compressed with xz", "unpack it with unxz, and give what comes out", _begins(b"\xfd7zxz")),
    FileKind("compressed with bzip2", "unpack it with bunzip2, and give what comes out", _begins(b"bzh")),
    FileKind("compressed with zstd", "unpack it with unzstd, and give what comes out", _begins(b"\x28\xb5\x2f\xfd")),
    FileKind("a 7z archive", "unpack it, and give the weights file that comes out", _begins(b"7z\xbc\xaf")),
    FileKind(
        "a tar archive",
        "unpack it with tar -xf, and give the weights file that comes out",
        lambda head: head[257:262] == b"ustar",
    ),
    FileKind("an HDF5 file, as Keras writes it", _WANTED, _begins(b"\x89hdf")),
    FileKind("a NumPy array", _WANTED, _begins(b"\x93numpy")),
    FileKind("a GGUF or GGML file", _WANTED, _begins(b"gguf", b"lmgg", b"tjgg")),
    FileKind("an ONNX graph", _WANTED, lambda head: head.startswith(b"\x08") and head[2:3] == b"\x12"),
    FileKind("a JSON text", "give the weights file that lies beside it", _begins(b"{", b"[")),
)


def no_weights(path: Path, head: bytes) -> WeightsError:
    """The error for a file that is neither PyTorch's nor safetensors, with what it is."""
    for kind in _KINDS:
        if kind.fits(head):
            return WeightsError(problem=f"{path}: not a weights file: it is {kind.what}", fix=kind.fix)
    line = head.partition(b"\n")[0][:60]
    if line and all(32 <= byte < 127 for byte in line.strip()):
        return WeightsError(
            problem=f"{path}: not a weights file: it is a text, which begins {line.decode().strip()!r}", fix=_WANTED
        )
    return WeightsError(problem=f"{path}: not a file written by PyTorch, nor a safetensors file", fix=_WANTED)


def check_archive(path: Path) -> None:
    """Refuse a ZIP file that `torch.save` did not write.

    Raises:
        WeightsError: it is TorchScript, an archive of files, or another program's.
    """
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any("/code/" in name or name.endswith("constants.pkl") for name in names):
        raise WeightsError(
            problem=f"{path}: a TorchScript archive, which holds a program; it was not run",
            fix="where you trust it, save its weights alone: "
            + saving_command(path, "torch.jit.load(FILE).state_dict()"),
        )
    if any(name.endswith("data.pkl") for name in names):
        return
    if any("archive_format" in name or name.endswith("model.json") for name in names):
        raise WeightsError(problem=f"{path}: a program written by torch.export, not a weights file", fix=_WANTED)
    files = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    if all(name.endswith(".npy") for name in names):
        raise WeightsError(problem=f"{path}: NumPy arrays, not a weights file: {files}", fix=_WANTED)
    raise WeightsError(
        problem=f"{path}: a ZIP archive, not a weights file; it holds {files}",
        fix="unpack it, and give the weights file that comes out",
    )
