"""A number of the configuration that may be NaN comes in; one that equals itself goes out, and back as text."""

import math
from typing import Any


def as_number(given: Any) -> Any:
    """NaN, as a number or as the text that JSON has for it, as the one object `math.nan`; anything else as it is.

    Two configurations with this object are equal, which they are not with two NaN.
    """
    if isinstance(given, str) and given.strip().lower().lstrip(".") == "nan":
        return math.nan
    return math.nan if isinstance(given, float) and math.isnan(given) else given


def plain_number(value: float | None) -> float | str | None:
    """NaN as the text `.nan`; anything else as it is."""
    return ".nan" if value is not None and math.isnan(value) else value
