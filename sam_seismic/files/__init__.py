"""Files and folders: atomic writes, resumable results, reading of slices and records. Nothing seismic."""
