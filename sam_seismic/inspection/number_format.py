"""Numbers come in, short words that an interpreter reads at a glance go out."""


def amount(value: float, digits: int = 4) -> str:
    """Few digits, but no rounded thousands: `-12,750`, `0.01234`, `1.2e+09`."""
    if 1000 <= abs(value) < 1e7:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def percent(share: float) -> str:
    """A share as a percentage with two digits, and never 100 % or 0 % of what is less or more."""
    value = 100 * share
    if 0 < value < 0.01:
        return "less than 0.01 %"
    if 99 < value < 100:
        return f"{min(value, 99.99):.2f} %"
    return f"{value:.0f} %" if value >= 10 else f"{value:.2g} %"


def a_while(seconds: float) -> str:
    """A time that is not known well, in two digits: `0.35 s`, `12 s`, `4.5 min`, `2.1 h`, `3.2 days`."""
    for unit, scale in (("days", 24 * 3600), ("h", 3600), ("min", 60)):
        if seconds >= 2 * scale:
            value = seconds / scale
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.2g} s"
