"""An MDIO store goes in; an MdioLayout comes out: where its samples lie, on which grid, and what was assumed.

The layouts are those of the MDIO library: version 1 names the dimensions of its arrays and holds a coordinate array
for each, and `trace_mask`; version 0 lists the coordinates in its attributes, with `data/chunked_012` and
`metadata/live_mask`. They are read through zarr alone: the library itself brings some 30 packages.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.axis_order import AxisOrder
from sam_seismic.survey.geometry import Geometry, Orientation

MOST_TRACES = 1 << 28
"""A larger grid is taken as damage: the mask alone would fill the memory."""
MOST_SAMPLES = 1 << 24
VERTICAL = ("time", "depth", "sample")
"""Names of the sample axis; the last one is of version 0."""
TO_MS = {"s": 1e3, "ms": 1.0, "us": 1e-3}
DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, EOFError)
"""What zarr raises on metadata or chunks that are not what they should be."""


@dataclass(frozen=True, eq=False)
class MdioLayout:
    """What lies in an MDIO store.

    Args:
        array: path of the samples in it.
        shape, dtype, chunks: of the samples as stored.
        axes: order of its axes.
        orders: for each orientation the positions of its lines along the array, line numbers ascending: int64[line].
        geometry: the grid.
        xy: paths of the X and Y of the traces; None where it holds none.
        notes: what was assumed.
    """

    array: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    chunks: tuple[int, ...]
    axes: AxisOrder
    orders: Mapping[Orientation, NDArray[np.int64]]
    geometry: Geometry
    xy: tuple[str, str] | None
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Raw:
    """What a store holds, before its lines are put in order.

    Args:
        name, array: the samples.
        coordinates: of each dimension, in the order of the array's axes.
        mask: bool[inline, crossline], which traces are live; None where there is none.
        to_ms: factor from the unit of the sample axis to ms.
        xy: paths of the X and Y of the traces.
        notes: what was assumed.
    """

    name: str
    array: Any
    coordinates: Mapping[str, Any]
    mask: Any
    to_ms: float
    xy: tuple[str, str] | None
    notes: tuple[str, ...]


def open_group(path: Path) -> Any:
    """The opened store, for reading.

    Raises:
        SurveyError: zarr is not installed.
    """
    try:
        import zarr  # noqa: PLC0415  # an extra: most surveys are SEG-Y
    except ImportError as error:
        raise SurveyError(
            problem=f"{path}: reading MDIO needs zarr, which is not installed", fix="pip install 'sam-seismic[mdio]'"
        ) from error
    return zarr.open_group(str(path), mode="r", use_consolidated=False)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what zarr raises on a damaged store into an error that names the store."""
    try:
        yield
    except SurveyError:
        raise
    except DAMAGED as error:
        raise SurveyError(
            problem=f"{path}: cannot be read as an MDIO store: {type(error).__name__}: {error}",
            fix="check the path, or copy the store again",
        ) from error


def read_layout(path: Path, group: Any, key: str | None) -> MdioLayout:
    """Find out what a store holds.

    Args:
        path: for messages.
        group: the opened store.
        key: the variable with the samples; None for the store's own choice.

    Raises:
        SurveyError: it is no MDIO store, or no stacked 3D volume on one grid.
    """
    attributes = dict(group.attrs)
    if "apiVersion" in attributes:
        return _ordered(path, _version_1(path, group, attributes, key))
    if "api_version" in attributes and "dimension" in attributes:
        return _ordered(path, _version_0(path, group, attributes, key))
    raise SurveyError(
        problem=f"{path}: a Zarr group, but no MDIO store: it has neither apiVersion nor api_version",
        fix="give a store written by MDIO, or save the array as .npy or .h5",
    )


def _version_1(path: Path, group: Any, attributes: dict[str, Any], key: str | None) -> _Raw:
    name = key or (attributes.get("attributes") or {}).get("defaultVariableName", "amplitude")
    if name not in group:
        raise SurveyError(
            problem=f"{path}: holds no variable {name}; it has {', '.join(sorted(group.array_keys()))}",
            fix="name the variable of the samples with key",
        )
    array = group[name]
    dimensions = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS") or ()
    found = {str(each): group[each] for each in dimensions if each in group}
    _check_dimensions(path, dimensions, array.shape, {each: there.shape for each, there in found.items()})
    vertical = _vertical(dimensions)
    to_ms, notes = _unit(path, vertical, found[vertical].attrs.get("unitsV1") or {})
    return _Raw(
        name,
        array,
        {str(each): found[each][:] for each in dimensions},
        group.get("trace_mask"),
        to_ms=to_ms,
        xy=("cdp_x", "cdp_y") if "cdp_x" in group and "cdp_y" in group else None,
        notes=notes,
    )


def _version_0(path: Path, group: Any, attributes: dict[str, Any], key: str | None) -> _Raw:
    if key is not None:
        raise SurveyError(
            problem=f"{path}: the key {key} cannot apply to an MDIO store of version 0", fix="leave the key out"
        )
    coordinates = {str(each["name"]): np.asarray(each["coords"]) for each in attributes["dimension"]}
    name = "data/chunked_" + "".join(str(axis) for axis in range(len(coordinates)))
    array = group[name]
    _check_dimensions(path, [*coordinates], array.shape, {each: there.shape for each, there in coordinates.items()})
    to_ms, notes = _unit(path, "sample", {})
    return _Raw(name, array, coordinates, group["metadata/live_mask"], to_ms=to_ms, xy=None, notes=notes)


def _check_dimensions(
    path: Path, dimensions: Sequence[str], shape: tuple[int, ...], found: dict[str, tuple[int, ...]]
) -> None:
    """Refuse what is no stacked 3D volume, before anything of the size that it claims is read.

    Raises:
        SurveyError: other dimensions, coordinates of another length, or more traces than any survey has.
    """
    vertical = [each for each in dimensions if each in VERTICAL]
    if len(dimensions) != 3 or len(vertical) != 1 or not {"inline", "crossline"} <= set(dimensions):
        raise SurveyError(
            problem=f"{path}: has the dimensions {', '.join(map(str, dimensions)) or 'without names'}; a stacked 3D "
            "volume has inline, crossline, and time or depth",
            fix="stack gathers first; export a 2D line or an unnamed grid to SEG-Y with MDIO, and give that",
        )
    sizes = dict(zip(dimensions, shape, strict=True))
    if {each: (size,) for each, size in sizes.items()} != found:
        raise SurveyError(
            problem=f"{path}: the samples have the shape {sizes}, their coordinates {found}", fix="copy the store again"
        )
    if 0 in shape or sizes["inline"] * sizes["crossline"] > MOST_TRACES or sizes[vertical[0]] > MOST_SAMPLES:
        raise SurveyError(
            problem=f"{path}: the samples have the shape {sizes}, which is no volume", fix="copy the store again"
        )


def _vertical(dimensions: Sequence[str]) -> str:
    return next(each for each in dimensions if each in VERTICAL)


def _unit(path: Path, vertical: str, units: dict[str, str]) -> tuple[float, tuple[str, ...]]:
    """Factor from the sample axis's unit to ms (1 for depths), and what to note."""
    if vertical == "depth":
        return 1.0, (f"its samples are depths ({units.get('length', 'no unit given')}), shown as if they were ms",)
    unit = units.get("time")
    if unit is None:
        return 1.0, ("the unit of its times is not given: ms assumed",)
    if unit not in TO_MS:
        raise SurveyError(
            problem=f"{path}: its times are in {unit}, which is not known", fix=f"write them in {', '.join(TO_MS)}"
        )
    return TO_MS[unit], ()


def _ordered(path: Path, raw: _Raw) -> MdioLayout:
    """The layout, with its lines sorted by number."""
    orders = {o: np.argsort(raw.coordinates[o], kind="stable") for o in Orientation}
    inlines, crosslines = (_lines(path, o, raw.coordinates[o][orders[o]]) for o in Orientation)
    vertical = _vertical([*raw.coordinates])
    start, interval = _sampling(path, np.asarray(raw.coordinates[vertical], np.float64) * raw.to_ms)
    live, notes = np.ones((len(inlines), len(crosslines)), np.bool_), raw.notes
    if raw.mask is None:
        notes += ("it has no trace mask: every trace is taken as live",)
    elif raw.mask.shape != live.shape:
        raise SurveyError(
            problem=f"{path}: its trace mask has the shape {raw.mask.shape}, its lines {live.shape}",
            fix="copy the store again",
        )
    else:
        live = np.asarray(raw.mask[:], np.bool_)[orders[Orientation.INLINE]][:, orders[Orientation.CROSSLINE]]
    return MdioLayout(
        array=raw.name,
        shape=tuple(raw.array.shape),
        dtype=raw.array.dtype,
        chunks=tuple(raw.array.chunks),
        axes=AxisOrder(tuple("sample" if each == vertical else each for each in raw.coordinates)),
        orders=orders,
        geometry=Geometry(inlines, crosslines, len(raw.coordinates[vertical]), interval, start, live),
        xy=raw.xy,
        notes=notes,
    )


def _lines(path: Path, orientation: Orientation, numbers: NDArray[np.generic]) -> NDArray[np.int32]:
    """Sorted line numbers as int32[line], refused where one occurs twice."""
    lines = numbers.astype(np.int32)
    if not np.array_equal(lines, numbers) or np.any(np.diff(lines) == 0):
        raise SurveyError(
            problem=f"{path}: its {orientation} numbers repeat, or are no whole numbers",
            fix="give a stacked volume on one grid",
        )
    return lines


def _sampling(path: Path, times: NDArray[np.float64]) -> tuple[float, float]:
    """Regular times -> the first one and their interval."""
    steps = np.diff(times)
    if len(steps) == 0:
        return float(times[0]), 1.0
    if not np.allclose(steps, steps[0], rtol=1e-3) or steps[0] <= 0:
        raise SurveyError(
            problem=f"{path}: its samples are {steps.min():g} to {steps.max():g} apart; they must be regular",
            fix="resample it to one interval",
        )
    return float(times[0]), float(steps.mean())
