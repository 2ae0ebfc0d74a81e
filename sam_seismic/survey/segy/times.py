"""The headers of a file and what the user said go in; the times of its samples come out, and what to note on them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import SegyOptions
from sam_seismic.survey.segy.formats import Order
from sam_seismic.survey.segy.headers import FileHeader
from sam_seismic.survey.segy.lines import Lines
from sam_seismic.survey.segy.scan import DELAY, INTERVAL, LAG, SCALAR_OF_TIMES
from sam_seismic.survey.segy.template import field_of, scalar_factor

_DEFAULT_INTERVAL_US = 4000.0
_SHORTEST_US, _LONGEST_US = 100.0, 32000.0
"""Sample intervals of seismic data lie between these: 0.1 ms of a sparker, 32 ms of an earthquake record."""
_INTERVAL_OPTION = "(YAML: data.read.segy.sample_interval)"
_START_OPTION = "(YAML: data.read.segy.start)"
ASSUMED_INTERVAL = (
    f"no sample interval in the headers: {_DEFAULT_INTERVAL_US:g} us assumed; to give it in ms: "
    f"--sample-interval {_DEFAULT_INTERVAL_US / 1000:g} {_INTERVAL_OPTION}"
)


@dataclass(frozen=True)
class Times:
    """When the samples of a file were recorded.

    Args:
        interval_ms: time between samples, ms (metres or feet in depth).
        start_ms: time of the first sample on the grid.
        vary: whether traces begin at different times, told by their own headers.
        notes: what was assumed or looks odd.
    """

    interval_ms: float
    start_ms: float
    vary: bool
    notes: tuple[str, ...]


def find_times(header: FileHeader, lines: Lines, options: SegyOptions) -> Times:
    """The sample interval and the start: as given, else from the headers.

    Args:
        header: of the file.
        lines: what a pass over the trace headers found.
        options: what the user gave.
    """
    interval_ms, interval_notes = options.sample_interval, tuple[str, ...]()
    if interval_ms is None:
        interval_us, interval_notes = _interval_us(header, lines)
        interval_ms = interval_us / 1000
    if options.start is not None:
        return Times(interval_ms, options.start, vary=False, notes=interval_notes)
    start_ms, start_notes = _start_ms(lines, interval_ms)
    return Times(interval_ms, start_ms, vary=len(lines.checked[DELAY]) > 1, notes=interval_notes + start_notes)


def _interval_us(header: FileHeader, lines: Lines) -> tuple[float, tuple[str, ...]]:
    """Sample interval in microseconds, from the binary header if it can be one, and what to note."""
    binary, stored = header.interval_us, lines.checked[INTERVAL]
    first = stored[0]
    where = {first: "the first trace"}
    if _is_plausible(binary):
        other = next((value for value in stored if value not in (0, binary)), None)
        if other is None:
            return binary, ()
        named = where.get(other, "some traces")
        words = f"sample interval {binary:g} us in the binary header, {other} us in {named}: the former is used"
        return binary, (words,)
    known = next((value for value in stored if _is_plausible(value)), 0)
    if known > 0:
        named = where.get(known, "the traces: the first one")
        has = f"the binary header has {binary:g} us" if binary > 0 else "the binary header has none"
        return float(known), (f"sample interval {known} us is taken from {named}: {has}",)
    odd = binary or next((float(value) for value in stored if value > 0), 0.0)
    if odd <= 0:
        return _DEFAULT_INTERVAL_US, (ASSUMED_INTERVAL,)
    # 4 is mostly 4 ms, or 4 m, by a writer that did not convert; what was meant does not show.
    meant = odd if odd < _SHORTEST_US else odd / 1000
    return odd, (
        f"SAMPLE INTERVAL {odd:g} us IN THE HEADERS ({odd / 1000:g} ms) CAN HARDLY BE MEANT; it is used until the "
        f"right one is given: --sample-interval {meant:g} {_INTERVAL_OPTION}",
    )


def _is_plausible(interval_us: float) -> bool:
    return _SHORTEST_US <= interval_us <= _LONGEST_US


def _start_ms(lines: Lines, interval_ms: float) -> tuple[float, tuple[str, ...]]:
    """Time of the first sample, ms, and what to note."""
    delays, lags = lines.checked[DELAY], lines.checked[LAG]
    factor = float(time_factor(np.array([lines.checked[SCALAR_OF_TIMES][0]]))[0])
    if len(delays) > 1:
        filled = [delay for delay in delays if delay]
        # Traces of padding often have none.
        delay = filled[0] if delays[0] == 0 and len(filled) == 1 else delays[0]
        words = (
            f"delay of the first sample (byte {DELAY}) varies from {min(delays)} to {max(delays)}; {delay} is used, "
            "and each trace's own in the times of horizons; one for all, in ms: "
            f"--start {delay * factor:g} {_START_OPTION}"
        )
        return delay * factor, (words,)
    if delays[0] or not any(lags):
        return delays[0] * factor, ()
    lag = lags[0] * factor
    whole = abs(lag / interval_ms - round(lag / interval_ms)) < 1e-6
    if len(lags) == 1 and lag > 0 and whole:
        return lag, (
            f"START {lag:g} ms TAKEN FROM BYTE {LAG}, as byte {DELAY}, where the standard has it, is zero in every "
            f"trace; if that is wrong: --start 0 {_START_OPTION}",
        )
    span = f"{lags[0]}" if len(lags) == 1 else f"{min(lags)} to {max(lags)}"
    return 0.0, (
        f"the delay of the first sample (byte {DELAY}) is zero in every trace, and byte {LAG} holds {span}: the first "
        f"sample is taken to lie at 0 ms; if that is wrong, give its time: --start {lag:g} {_START_OPTION}",
    )


def time_factor(scalar: NDArray[np.integer]) -> NDArray[np.float64]:
    """What times are multiplied by: float64[trace].

    Bytes 215-216 are unassigned before revision 1: only the standard's values are believed.
    """
    believed = np.where(np.isin(np.abs(scalar.astype(np.int64)), (1, 10, 100, 1000, 10000)), scalar, 0)
    return scalar_factor(believed.astype(np.float64))


def starts_of(headers: NDArray[np.uint8], order: Order) -> NDArray[np.float64]:
    """Time of the first sample of each trace by its own header, ms: float64[trace].

    Args:
        headers: uint8[trace, 240].
        order: byte order.
    """
    return field_of(headers, DELAY, "i2", order) * time_factor(field_of(headers, SCALAR_OF_TIMES, "i2", order))
