"""The published weights: a size goes in; name, address and hash of the file, and its local path come out."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from sam_seismic.config.places import system_cache
from sam_seismic.downloads import Published
from sam_seismic.errors import WeightsError
from sam_seismic.files.user_paths import variable_folder

WEIGHTS = "SAM_SEISMIC_WEIGHTS"
"""Environment variable that names the folder of weights."""


@dataclass(frozen=True)
class OfficialWeights:
    """A published weights file.

    Args:
        file: name of the file.
        address: URL of the file.
        sha256: hash of the file, 64 hex digits.
        size_bytes: size of the file in bytes.
    """

    file: str
    address: str
    sha256: str
    size_bytes: int

    @property
    def published(self) -> Published:
        """The file as `downloads.download` needs it."""
        return Published(self.file, self.address, f"sha256:{self.sha256}", self.size_bytes)


_BASE_URL = "https://dl.fbaipublicfiles.com/segment_anything"

# The hex digits in the names are the first digits of the MD5, not of the SHA-256 that is checked here.
OFFICIAL = {
    "vit_b": OfficialWeights(
        file="sam_vit_b_01ec64.pth",
        address=f"{_BASE_URL}/sam_vit_b_01ec64.pth",
        sha256="ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
        size_bytes=375_042_383,
    ),
    "vit_l": OfficialWeights(
        file="sam_vit_l_0b3195.pth",
        address=f"{_BASE_URL}/sam_vit_l_0b3195.pth",
        sha256="3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
        size_bytes=1_249_524_607,
    ),
    "vit_h": OfficialWeights(
        file="sam_vit_h_4b8939.pth",
        address=f"{_BASE_URL}/sam_vit_h_4b8939.pth",
        sha256="a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
        size_bytes=2_564_550_879,
    ),
}
"""The published weights by size."""


def official_weights(size: str) -> OfficialWeights:
    """The published weights of a size.

    Raises:
        WeightsError: no weights are published for this size.
    """
    if size not in OFFICIAL:
        raise WeightsError(
            problem=f"no weights are published for {size!r}",
            fix=f"choose one of {', '.join(OFFICIAL)}, or train from random weights: model.weights: random",
        )
    return OFFICIAL[size]


def weights_folder() -> Path:
    """The folder of weights: $SAM_SEISMIC_WEIGHTS, else ./weights if it exists, else a folder in the user's cache."""
    if configured := variable_folder(WEIGHTS):
        return configured
    local = Path("weights")
    return local if local.is_dir() else system_cache(WEIGHTS) / "weights"


def official_path(size: str, folder: Path | None = None) -> Path:
    """The published file of a size in the weights folder.

    Raises:
        WeightsError: no weights are published for this size, or the file is not in the folder.
    """
    weights = official_weights(size)
    path = (folder or weights_folder()) / weights.file
    if not path.is_file():
        raise WeightsError(
            problem=f"{path}: the weights of {size} are not there",
            fix=f"sam-seismic weights fetch {size}, or set model.weights to the path of {weights.file}",
        )
    return path


def file_hash(path: Path) -> str:
    """SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
