"""HDF5 <-> Volume: chunked so that inlines, crosslines and time slices all read fast. The wing's only user of h5py."""

from sam_seismic.survey.hdf5.reader import Hdf5Volume
from sam_seismic.survey.hdf5.writer import Hdf5Result, write_hdf5

__all__ = ["Hdf5Result", "Hdf5Volume", "write_hdf5"]
