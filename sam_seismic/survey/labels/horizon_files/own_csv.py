"""Our own table of tops: the CSV that `predict --horizons` writes, one row a trace and one column a surface.

Source: `survey/horizons.py` of this project. The columns are IL, XL, X, Y, then NAME_ms for each surface, then
out_of_order.
"""

from pathlib import Path

import numpy as np

from sam_seismic.survey.labels.horizon_files.columns import NAME_COLUMNS
from sam_seismic.survey.labels.horizon_files.picks import PickOptions, Picks
from sam_seismic.survey.labels.horizon_files.table import Table, splitter

_ENDING = "_ms"
_LAST = "out_of_order"


def recognises_csv(_: Path, text: str) -> bool:
    """Whether the header is the one that `predict` writes."""
    titles = _titles(text)
    # X and Y that are angles have their unit behind them: X_arcsec.
    head = [title.partition("_")[0] for title in titles[:4]]
    return head == ["IL", "XL", "X", "Y"] and any(title.endswith(_ENDING) for title in titles[4:])


def read_csv(path: Path, text: str, options: PickOptions) -> list[Picks]:
    """The surfaces of a table, in the order of their columns.

    Raises:
        SurveyError: a cell is no number.
    """
    titles, table = _titles(text), Table.of(path, text)
    il, xl, x, y = (table.column(at, NAME_COLUMNS) for at in range(4))
    lines, places = np.stack([il, xl], axis=1), np.stack([x, y], axis=1)  # [pick, 2] each
    known = None if np.isnan(places).all() or titles[2] != "X" else places
    tops = [(at, title) for at, title in enumerate(titles) if at >= 4 and title.endswith(_ENDING)]
    found = (
        Picks(title.removesuffix(_ENDING), path, table.column(at, NAME_COLUMNS), lines, known, "ms")
        for at, title in tops
    )
    return [picks.with_picks_only(options.null, guess=False) for picks in found]


def _titles(text: str) -> list[str]:
    first = text.split("\n", 1)[0].strip()
    return splitter(first)(first) if "," in first else []
