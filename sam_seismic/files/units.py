"""A number comes in; as a size in bytes, or with the noun that it counts, it goes out for messages and tables."""

UNITS = ("kB", "MB", "GB", "TB", "PB")
"""Powers of 1000, as for disks and downloads."""


def format_bytes(count: int) -> str:
    """Bytes in the largest unit that fits, one decimal below 100: `12 bytes`, `2.1 MB`, `375 MB`, `1.4 GB`."""
    if count < 1000:
        return f"{count} bytes"
    value = count / 1000
    for unit in UNITS:
        if value < 999.5 or unit == UNITS[-1]:  # 999.5 would be rounded to 1000, which is 1 of the next unit
            break
        value /= 1000
    return f"{value:.1f} {unit}" if value < 99.95 else f"{value:.0f} {unit}"


def counted(count: int, noun: str, verb: str = "") -> str:
    """A count and its noun, and a verb in the plural: `1 epoch`, `2,500 epochs`, `1 trace is`, `2 classes share`."""
    one = count == 1
    singular = {"": "", "are": " is", "were": " was", "have": " has"}.get(verb, f" {verb}s")
    return f"{count:,} {plural(count, noun)}" + ((singular if one else f" {verb}") if verb else "")


def plural(count: int, noun: str) -> str:
    """The noun as it stands behind a count."""
    return noun if count == 1 else f"{noun}es" if noun.endswith(("s", "x")) else f"{noun}s"
