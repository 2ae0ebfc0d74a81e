"""A volume, a configuration or a checkpoint comes in; its content goes out as facts, blocks and warnings."""

# ruff: noqa: PLC0415  # importing torch takes seconds, and volumes do not need it

from sam_seismic.config import ReadOptions, load_config
from sam_seismic.errors import SurveyError
from sam_seismic.inspection.request import Inspection, InspectRequest
from sam_seismic.inspection.volume import inspect_volume
from sam_seismic.listener import Listener


def inspect(request: InspectRequest, listener: Listener) -> Inspection:
    """Inspect a file; its suffix tells what it is.

    Raises:
        UserError: the file cannot be read, or an option does not apply to it.
    """
    kind = request.path.suffix.lower()
    if kind not in (".yaml", ".yml", ".ckpt"):
        return inspect_volume(request, listener)
    if request.others:
        raise SurveyError(
            problem=f"{request.path}: {len(request.others)} more paths are given; only the SEG-Y files of one survey "
            "are inspected together",
            fix="give one file alone",
        )
    refused = [
        name
        for name, given in (
            ("--picture", request.picture is not None),
            ("--labels", request.labels),
            ("--config", request.config is not None),
            ("the reading options", request.read != ReadOptions()),
        )
        if given
    ]
    if refused:
        raise SurveyError(
            problem=f"{request.path}: {' and '.join(refused)} apply to volumes only", fix="leave them out"
        )
    if kind == ".ckpt":
        from sam_seismic.inspection.checkpoint import inspect_checkpoint

        return inspect_checkpoint(request.path)
    from sam_seismic.inspection.configuration import inspect_config

    return inspect_config(request.path, load_config(request.path), listener)
