"""The allowed values of YAML keys and command-line options, each list defined once."""

from typing import Literal

OrientationChoice = Literal["inline", "crossline", "both"]
"""Orientations whose sections are read."""
FormatName = Literal["ibm", "ieee", "int32", "int16", "int8", "float64", "uint32", "uint16", "uint8"]
"""Sample formats of SEG-Y."""
LabelFormat = Literal["int8", "int16", "int32", "uint8", "ieee", "ibm"]
"""Sample formats of SEG-Y in which classes can be written."""
ByteOrder = Literal["big", "little"]
"""Byte orders of SEG-Y."""
DuplicateChoice = Literal["first", "last"]
"""Which one of several traces with the same line numbers is read."""
AngleUnit = Literal["arc seconds", "degrees", "DDDMMSS"]
"""Units of coordinates that are angles."""
AxesChoice = Literal[
    "inline,crossline,sample",
    "crossline,inline,sample",
    "inline,sample,crossline",
    "crossline,sample,inline",
    "sample,inline,crossline",
    "sample,crossline,inline",
]
"""Axis orders of arrays, slowest axis first; a stack of pictures of inlines [n, h, w] is inline,sample,crossline."""
HorizonFormatName = Literal["csv", "opendtect", "iesx", "dug", "irap-grid", "irap-points", "columns"]
"""Formats of horizon files that are read."""
WrittenHorizonFormat = Literal["csv", "opendtect", "iesx", "dug", "irap-grid", "irap-points"]
"""Formats in which horizons are written."""
ColumnRole = Literal["il", "xl", "x", "y", "time", "depth", "name", "skip"]
"""What a column of a file of horizons or bodies holds."""
TimeUnit = Literal["s", "ms", "us"]
"""Units of times; for depths, `ms` is the unit of the volume."""
Protocol = Literal["f3-benchmark", "seam-ai"]
"""Public benchmarks by whose rules scores are told; the keys of `scoring.protocols.PROTOCOLS`."""
