"""HDF5 <-> Volume: in blocks, so that inlines, crosslines and time slices all read fast. The only user of h5py."""

from sam_seismic.survey.hdf5.copying import origin_of, write_hdf5
from sam_seismic.survey.hdf5.reader import Hdf5Volume
from sam_seismic.survey.hdf5.restoring import write_segy_of
from sam_seismic.survey.hdf5.writer import Hdf5Result, Origin, hdf5_result

__all__ = ["Hdf5Result", "Hdf5Volume", "Origin", "hdf5_result", "origin_of", "write_hdf5", "write_segy_of"]
