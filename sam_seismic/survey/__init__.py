"""Seismic files <-> numpy: every format gives one Volume, and a result goes back in the shape of its source."""
