"""A number of bytes comes in, a size for messages and tables goes out."""

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
