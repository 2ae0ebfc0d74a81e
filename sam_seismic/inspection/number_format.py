"""Numbers come in; short text for tables goes out."""


def format_amount(value: float, digits: int = 4) -> str:
    """A number with few digits, but without rounding thousands: `-12,750`, `0.01234`, `1.2e+09`."""
    if 1000 <= abs(value) < 1e7:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def format_percent(share: float) -> str:
    """A share as a percentage with two digits; only exact 0 and 1 become `0 %` and `100 %`."""
    value = 100 * share
    if 0 < value < 0.01:
        return "less than 0.01 %"
    if 99 < value < 100:
        return f"{min(value, 99.99):.2f} %"
    return f"{value:.0f} %" if value >= 10 else f"{value:.2g} %"


def format_duration(seconds: float) -> str:
    """An estimated time with two digits: `0.35 s`, `12 s`, `4.5 min`, `2.1 h`, `3.2 days`."""
    for unit, scale in (("days", 24 * 3600), ("h", 3600), ("min", 60)):
        if seconds >= 2 * scale:
            value = seconds / scale
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.2g} s"
