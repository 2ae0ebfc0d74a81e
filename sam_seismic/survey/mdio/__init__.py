"""MDIO stores (Zarr); their only reader, and the only user of zarr."""

from sam_seismic.survey.mdio.reader import MdioVolume

__all__ = ["MdioVolume"]
