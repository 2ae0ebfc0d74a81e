"""32-bit words of samples go in; whether they are IBM or IEEE floats comes out, where the words show it.

Decoding one as the other gives no error: it squares amplitudes or takes their root, which can look plausible. The
words differ, though: an IBM float is normalised, so the highest hex digit of its fraction is never zero; in IEEE
floats that digit mixes an exponent bit with three bits of the mantissa, and is zero for about one value in twelve.
"""

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config.choices import FormatName
from sam_seismic.survey.null_values import HUGE_NULLS, equal_to
from sam_seismic.survey.segy.samples import ibm_words

_ENOUGH = 200
"""With fewer words nothing is concluded."""
_UNNORMALISED = 0.02
"""Share of zero leading digits that true IBM floats never reach."""


def other_float(words: NDArray[np.uint32], declared: FormatName) -> FormatName | None:
    """`ieee` or `ibm`, where the words are of this format though the other one is declared; else None.

    Args:
        words: uint32[n] in the machine's byte order, from many places of the file.
        declared: `ibm` or `ieee`.
    """
    words = np.unique(words[(words & 0x00FFFFFF) != 0])
    if declared == "ibm" and (_is_unnormalised(words) or _only_ieee_is_whole(words)):
        return "ieee"
    if declared == "ieee" and _is_ibm(words):
        return "ibm"
    return None


def null_words(words: NDArray[np.uint32], values: NDArray[np.float32], null: float | None) -> NDArray[np.bool_]:
    """Which words are null values, as IBM or as IEEE floats: bool[n].

    Args:
        words: uint32[n].
        values: float32[n], the same as they are decoded.
        null: one more null value, named by the user.
    """
    names = np.array(
        [-999.25, 9999.0, -9999.0, *HUGE_NULLS, *(-value for value in HUGE_NULLS), *([] if null is None else [null])]
    )
    ieee, finite = names.astype(np.float32).view(np.uint32), names[np.abs(names) < 16.0**62]
    found = np.isin(words, [*ieee.tolist(), *ibm_words(finite).tolist()]) | np.isnan(values)
    return found if null is None else found | equal_to(values, null)


def absurd(values: NDArray[np.float32]) -> bool:
    """Whether values cannot be amplitudes: the median is not within 1e-30 to 1e30, or 1 % exceed it 1e12 times.

    NaN does not count: some writers fill empty places with it.
    """
    size = np.abs(values[~np.isnan(values) & (values != 0)]).astype(np.float64)
    if len(size) < _ENOUGH:
        return False
    median = np.median(size)
    return bool(not 1e-30 < median < 1e30 or np.percentile(size, 99, method="lower") > 1e12 * median)


def _leading_digit(words: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The highest hex digit of an IBM fraction."""
    return np.asarray((words >> 20) & 0xF, np.uint32)


def _is_unnormalised(words: NDArray[np.uint32]) -> bool:
    return len(words) >= _ENOUGH and float(np.mean(_leading_digit(words) == 0)) > _UNNORMALISED


def _only_ieee_is_whole(words: NDArray[np.uint32]) -> bool:
    """Labels such as 1.0, 3.0 and 5.0: whole numbers as IEEE, fractions as IBM, where 1.0 would be 1/32."""
    if len(words) < 2:
        return False
    with np.errstate(invalid="ignore"):  # IBM words can be signalling NaN as IEEE
        ieee = words.view(np.float32).astype(np.float64)
    fraction = (words & 0x00FFFFFF) / 2.0**24
    ibm = np.ldexp(fraction, 4 * (((words >> 24) & 0x7F).astype(np.int64) - 64))
    return bool(np.all(ieee == np.rint(ieee)) and np.any(ieee == 1.0) and np.any(ibm != np.rint(ibm)))


def _is_ibm(words: NDArray[np.uint32]) -> bool:
    """Whether no leading digit is zero where IEEE floats would have some.

    Only powers of 16 with smaller and larger ones around them count: there the values run through all digits, while
    at the edges a property such as density (2.2 to 2.9) may avoid one.
    """
    power = (words >> 24) & 0x7F
    inner = words[(power > power.min()) & (power < power.max())] if len(words) else words
    # Half of all IEEE values have an even exponent; a zero digit is due among these alone.
    due = inner[_leading_digit(inner) < 8]
    return len(due) >= _ENOUGH and not np.any(_leading_digit(due) == 0)
