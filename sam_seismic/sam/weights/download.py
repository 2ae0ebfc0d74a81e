"""Fetching published weights: a size goes in, a whole and verified file comes out, or nothing under its name."""

from pathlib import Path

from sam_seismic import downloads
from sam_seismic.downloads import DownloadError, Progress
from sam_seismic.errors import WeightsError
from sam_seismic.sam.weights.official import OfficialWeights, official_weights, weights_folder


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
    elsewhere = "export SAM_SEISMIC_WEIGHTS=FOLDER"
    try:
        return downloads.download(weights.published, folder, elsewhere=elsewhere, progress=progress)
    except DownloadError as error:
        raise WeightsError(problem=error.problem, fix=error.fix) from error
