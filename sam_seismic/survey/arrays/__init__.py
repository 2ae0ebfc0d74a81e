"""NumPy files <-> Volume: an .npy or .npz array is read a section at a time; a result goes out as .npy."""

from sam_seismic.survey.arrays.reader import ArrayVolume
from sam_seismic.survey.arrays.result import ArrayResult, array_result

__all__ = ["ArrayResult", "ArrayVolume", "array_result"]
