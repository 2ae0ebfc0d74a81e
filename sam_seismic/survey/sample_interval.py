"""A volume comes in; the time between its samples goes out, if its files state it and it was not just assumed."""

from sam_seismic.survey.axis_order import ASSUMED_TIMES
from sam_seismic.survey.segy.notes import ASSUMED_INTERVAL
from sam_seismic.survey.volume import Volume


def stated_interval_ms(volume: Volume) -> float | None:
    """Milliseconds from one sample to the next (metres or feet in depth); None where the files do not say."""
    if not volume.has_grid or not {ASSUMED_TIMES, ASSUMED_INTERVAL}.isdisjoint(volume.notes):
        return None
    return volume.geometry.sample_interval_ms
