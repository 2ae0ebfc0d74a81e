"""32-bit words of a header field go in; the numbers that they hold as floats come out, where they can hold only floats.

Some writers store line numbers and coordinates as IEEE or IBM floats where the standard has integers. Floats from 1 to
10^8 are the integers from 1,065,353,216 on, in both notations; no survey has so many lines.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatKind = Literal["ieee", "ibm"]
_LEAST = 0x3F800000
"""1.0 as IEEE; as IBM it is greater."""
_MOST = 0x4CBEBC20
"""10^8 as IEEE; as IBM it is smaller."""


def may_be_floats(words: NDArray[np.integer]) -> bool:
    """Whether all words but zeros lie where floats from 1 to 10^8, of either sign, lie; and whether there are any."""
    size = words[words != 0].astype(np.int64) & 0x7FFFFFFF
    return len(size) > 0 and int(size.min()) >= _LEAST and int(size.max()) <= _MOST


def as_floats(words: NDArray[np.integer], kind: FloatKind) -> NDArray[np.float64]:
    """The numbers that int32 words hold as floats: float64, same shape."""
    raw = np.ascontiguousarray(words.astype(np.int32)).view(np.uint32)
    if kind == "ieee":
        return raw.view(np.float32).astype(np.float64)
    size = np.ldexp((raw & 0x00FFFFFF) / 2.0**24, 4 * (((raw >> 24) & 0x7F).astype(np.int64) - 64))
    return np.where(raw >> 31, -size, size)


def whole_numbers(words: NDArray[np.integer]) -> tuple[NDArray[np.int32], FloatKind] | None:
    """Line numbers that are stored as floats, and as which; None where they are not, or are not whole.

    Numbers such as 100.0 can be whole in both notations: then those that step more finely are meant, as lines mostly
    step by one.
    """
    if not may_be_floats(words):
        return None
    found: list[tuple[float, NDArray[np.int32], FloatKind]] = []
    for kind in ("ieee", "ibm"):
        floats = as_floats(words, kind)
        if np.abs(floats).max() < 2**31 and np.array_equal(floats, np.rint(floats)):
            steps = np.diff(np.unique(floats))
            found.append((float(steps.min()) if len(steps) else 1.0, floats.astype(np.int32), kind))
    if not found:
        return None
    _, numbers, kind = min(found, key=lambda each: each[0])
    return numbers, kind
