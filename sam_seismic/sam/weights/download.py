"""Download of published weights: a size goes in, a complete and verified file comes out."""

from pathlib import Path

from sam_seismic import downloads
from sam_seismic.downloads import DownloadError, Progress
from sam_seismic.errors import WeightsError
from sam_seismic.sam.weights.official import WEIGHTS, OfficialWeights, official_weights, weights_folder


def fetch(size: str, folder: Path | None = None, *, progress: Progress | None = None) -> Path:
    """Download the published weights of a size, unless the file exists already.

    An interrupted download remains as `NAME.part`, and the next call resumes it.

    Args:
        size: vit_b, vit_l or vit_h.
        folder: folder for the file; None for the weights folder.
        progress: called with the bytes received so far and in total.

    Returns:
        The file; its SHA-256 equals the published one.

    Raises:
        WeightsError: no weights are published for the size, the server or disk fails, or the hash differs.
    """
    return download(official_weights(size), folder or weights_folder(), progress=progress)


def download(weights: OfficialWeights, folder: Path, *, progress: Progress | None = None) -> Path:
    """Download a weights file into a folder, as `fetch` does."""
    elsewhere = f"export {WEIGHTS}=FOLDER"
    try:
        return downloads.download(weights.published, folder, elsewhere=elsewhere, progress=progress)
    except DownloadError as error:
        raise WeightsError(problem=error.problem, fix=error.fix) from error
