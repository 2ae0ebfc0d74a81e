"""Files and folders as such: written whole or not at all, resumed, read in slices. Nothing seismic."""
