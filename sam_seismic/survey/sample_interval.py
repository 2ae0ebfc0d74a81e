"""A volume comes in; the time between its samples goes out, if its files state it and it was not just assumed."""

from sam_seismic.survey.axis_order import ASSUMED_TIMES
from sam_seismic.survey.segy.times import ASSUMED_INTERVAL
from sam_seismic.survey.volume import Volume


def stated_interval_ms(volume: Volume) -> float | None:
    """Milliseconds from one sample to the next (metres or feet in depth); None where the files do not say."""
    # A copy in HDF5 has the notes of its source, each behind the name of its file.
    if not volume.has_grid or any(note.endswith((ASSUMED_TIMES, ASSUMED_INTERVAL)) for note in volume.notes):
        return None
    return volume.geometry.sample_interval_ms
