"""A volume, a configuration, a checkpoint or a horizon file comes in; its facts, blocks and warnings go out."""

# ruff: noqa: PLC0415  # importing torch takes seconds, and volumes do not need it

from sam_seismic.config import ReadOptions, load_config
from sam_seismic.errors import SurveyError
from sam_seismic.inspection.horizon_file import inspect_horizons, may_be_horizons
from sam_seismic.inspection.request import Inspection, InspectRequest
from sam_seismic.inspection.volume import inspect_volume
from sam_seismic.listener import Listener


def inspect(request: InspectRequest, listener: Listener) -> Inspection:
    """Inspect a file; its suffix tells what it is, and of a text file its content.

    Raises:
        UserError: the file cannot be read, or an option does not apply to it.
    """
    kind = request.path.suffix.lower()
    if kind in (".yaml", ".yml", ".ckpt"):
        _refuse(request, _of_volumes(request), "volumes only")
        _refuse(request, _of_horizons(request), "horizon files only")
        _refuse_others(request)
    elif may_be_horizons(request.path):
        _refuse(request, _of_volumes(request), "volumes only, and this is a text file")
        _refuse_others(request)
        return inspect_horizons(request)
    else:
        _refuse(request, _of_horizons(request), "horizon files only")
        return inspect_volume(request, listener)
    if kind == ".ckpt":
        from sam_seismic.inspection.checkpoint import inspect_checkpoint

        return inspect_checkpoint(request.path)
    from sam_seismic.inspection.configuration import inspect_config

    config = load_config(request.path)
    if config.data.split.has_all_folds:
        from sam_seismic.inspection.folds import inspect_folds

        return inspect_folds(request.path, config, listener)
    return inspect_config(request.path, config, listener)


def _of_volumes(request: InspectRequest) -> dict[str, bool]:
    """The options of volumes, and whether they are given."""
    return {
        "--picture": request.picture is not None,
        "--labels": request.labels,
        "--config": request.config is not None,
        "the reading options": request.read != ReadOptions(),
    }


def _of_horizons(request: InspectRequest) -> dict[str, bool]:
    """The options of horizon files, and whether they are given."""
    return {"--columns": bool(request.columns), "--horizon-format": request.horizon_format is not None}


def _refuse_others(request: InspectRequest) -> None:
    """Refuse more paths than one, where they are not the files of one volume."""
    if request.others:
        raise SurveyError(
            problem=f"{request.path}: {len(request.others)} more paths are given; only the SEG-Y files of one survey "
            "are inspected together",
            fix="give one file alone",
        )


def _refuse(request: InspectRequest, options: dict[str, bool], owner: str) -> None:
    """Refuse options that cannot apply."""
    if given := [name for name, each in options.items() if each]:
        raise SurveyError(problem=f"{request.path}: {' and '.join(given)} apply to {owner}", fix="leave them out")
