"""The published weights: a size goes in, the file's name, address, hash and place on this machine come out."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import pooch

from sam_seismic.downloads import Published
from sam_seismic.errors import WeightsError


@dataclass(frozen=True)
class OfficialWeights:
    """A published weights file.

    Args:
        file: its name.
        address: where it is fetched from.
        sha256: its hash, 64 hex digits.
        size_bytes: its length.
    """

    file: str
    address: str
    sha256: str
    size_bytes: int

    @property
    def published(self) -> Published:
        """What is downloaded."""
        return Published(self.file, self.address, f"sha256:{self.sha256}", self.size_bytes)


_PLACE = "https://dl.fbaipublicfiles.com/segment_anything"

# The hex digits in the names are the head of the MD5, not of the SHA-256 that is checked here.
OFFICIAL = {
    "vit_b": OfficialWeights(
        file="sam_vit_b_01ec64.pth",
        address=f"{_PLACE}/sam_vit_b_01ec64.pth",
        sha256="ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
        size_bytes=375_042_383,
    ),
    "vit_l": OfficialWeights(
        file="sam_vit_l_0b3195.pth",
        address=f"{_PLACE}/sam_vit_l_0b3195.pth",
        sha256="3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
        size_bytes=1_249_524_607,
    ),
    "vit_h": OfficialWeights(
        file="sam_vit_h_4b8939.pth",
        address=f"{_PLACE}/sam_vit_h_4b8939.pth",
        sha256="a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
        size_bytes=2_564_550_879,
    ),
}
"""The published weights by size."""


def official_weights(size: str) -> OfficialWeights:
    """The published weights of a size.

    Raises:
        WeightsError: none are published for it.
    """
    if size not in OFFICIAL:
        raise WeightsError(
            problem=f"no weights are published for {size!r}",
            fix=f"choose one of {', '.join(OFFICIAL)}, or train from random weights: model.weights: random",
        )
    return OFFICIAL[size]


def weights_folder() -> Path:
    """The folder of weights: $SAM_SEISMIC_WEIGHTS, else ./weights where there is one, else the user's cache."""
    if chosen := os.environ.get("SAM_SEISMIC_WEIGHTS"):
        return Path(chosen).expanduser()
    here = Path("weights")
    return here if here.is_dir() else Path(pooch.os_cache("sam-seismic")) / "weights"


def official_path(size: str, folder: Path | None = None) -> Path:
    """The published file of a size in the weights folder.

    Raises:
        WeightsError: none is published for the size, or the file has not been fetched.
    """
    weights = official_weights(size)
    path = (folder or weights_folder()) / weights.file
    if not path.is_file():
        raise WeightsError(
            problem=f"{path}: the weights of {size} are not there",
            fix=f"sam-seismic weights fetch {size}, or set model.weights to where {weights.file} lies",
        )
    return path


def file_hash(path: Path) -> str:
    """SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
