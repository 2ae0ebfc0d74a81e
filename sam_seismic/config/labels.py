"""The mapping `data.labels:` in place of a path: horizons and bodies from which labels are made."""

from typing import Literal, Self

from pydantic import Field, model_validator

from sam_seismic.config.base import Model, Paths
from sam_seismic.config.choices import ColumnRole, HorizonFormatName, TimeUnit


class HorizonsConfig(Model):
    """Horizon files, from the shallowest surface to the deepest: a class lies between each two."""

    files: Paths
    """The files, from top to bottom; a file may hold several surfaces."""
    format: HorizonFormatName | None = None
    """Format of the files; if not set, it is found out for each."""
    columns: tuple[ColumnRole, ...] | None = None
    """What each column of the files holds; if not set, the names in their header say it."""
    unit: TimeUnit | None = None
    """Unit of the times; if not set, the one that the file names, or in which the picks lie in the volume. For depths,
    `ms` is the unit of the volume."""
    upward: bool | None = None
    """Whether times count upwards, so that deeper picks are more negative; if not set, it is found out."""
    null: tuple[float, ...] = ()
    """Values without a pick, beside the usual ones (-999.25, -9999, 9999, 99999, 9999900, 1e30, NaN)."""
    max_gap: int = Field(default=0, ge=0)
    """Longest gap in traces along a line over which picks are interpolated; 0: only where they are picked."""
    along: Literal["inline", "crossline"] | None = None
    """The lines along which gaps are interpolated; if not set, those of the orientation of which a smaller
    share is picked."""
    priority: tuple[str, ...] = ()
    """Where surfaces cross: names of surfaces, the one that is kept first; the others are cut at it. If not set,
    crossing surfaces are refused."""
    above: bool = False
    """Whether all above the first surface is a class, too: the first one."""
    below: bool = False
    """Whether all below the last surface is a class, too."""
    max_residual: float | None = Field(default=None, ge=0)
    """Largest distance between a pick that has X and Y only and its trace, in the unit of X; if not set, half a bin."""


class BodiesConfig(Model):
    """Closed bodies, such as salt, as polygons on lines: each file is a class, laid over the horizons."""

    files: Paths
    """The files; each is a class, in this order after those of the horizons."""
    columns: tuple[ColumnRole, ...] | None = None
    """What each column of the files holds; if not set, the names in their header say it. `name` is the polygon."""
    unit: TimeUnit | None = None
    """Unit of the times; as for horizons."""
    upward: bool | None = None
    """Whether times count upwards; as for horizons."""


class InterpretationConfig(Model):
    """Labels that are made from horizons and bodies when the survey is opened; all else is not interpreted."""

    horizons: HorizonsConfig | None = None
    """Surfaces between which the classes lie."""
    bodies: BodiesConfig | None = None
    """Bodies that are laid over them."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.horizons is None and self.bodies is None:
            raise ValueError("labels needs horizons, bodies or both")
        return self
