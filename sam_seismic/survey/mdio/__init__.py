"""MDIO stores (Zarr) -> Volume. The only user of zarr."""

from sam_seismic.survey.mdio.reader import MdioVolume

__all__ = ["MdioVolume"]
