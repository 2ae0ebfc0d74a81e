"""A result on its way to disk: sections go in, and the finished file appears under its name only when all went well."""

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sam_seismic.config.choices import FormatName
from sam_seismic.files.unfinished import Start, Unfinished, check_output, remove
from sam_seismic.survey.volume import Section, Volume


class Result(Unfinished):
    """A volume (or folder of sections) being written; no half file is ever found under its final name.

    Args:
        path: the final name.
        dtype: type of the samples: int8 for classes, float32 for probabilities.
        overwrite: whether an existing file may be replaced.
        start: in one go, or resumable.
        null: what places without a live trace get.

    Raises:
        SurveyError: the path exists and may not be replaced, or its folder cannot be written to.
    """

    def __init__(
        self,
        path: Path,
        dtype: np.dtype[np.generic],
        *,
        overwrite: bool,
        start: Start = Start.ONCE,
        null: float = 0,
    ) -> None:
        check_output(path, overwrite=overwrite)
        # Not `whole_file`: a later run finds the unfinished file by its token, to go on with it or to remove it.
        # The ending stays last: some writers judge the format by it.
        super().__init__(path.with_name(f".{path.stem}.{start.mark}.part{path.suffix}"), start=start)
        self.path = path
        self.dtype = dtype
        self.null = null
        self._overwrite = overwrite

    @property
    def keeps_each_section(self) -> bool:
        """Whether inlines and crosslines are kept side by side, not as one volume that both fill."""
        return False

    @abstractmethod
    def write(self, section: Section) -> None:
        """Write one whole section, [sample, trace]; values of dead traces are not used."""

    def publish(self) -> None:
        """Give the temporary file, which is closed, the final name."""
        if not (self._overwrite and self.temporary.is_dir() and self.path.is_dir()):
            self.temporary.replace(self.path)
            return
        # A folder cannot be renamed onto another: the old one steps aside and is removed last, when the new one stands.
        old = self.temporary.with_name(f"{self.temporary.name}.old")
        self.path.rename(old)
        try:
            self.temporary.rename(self.path)
        except BaseException:
            old.rename(self.path)
            raise
        remove(old)


@dataclass(frozen=True, eq=False, kw_only=True)
class ResultRequest:
    """What a result is to be; its format is that of its path.

    Args:
        path: where the result goes.
        source: the volume that it was made from: the result lies on its grid.
        dtype: type of the samples.
        overwrite: whether an existing file may be replaced.
        note: a line on where the samples come from, kept where the format has a place for it (SEG-Y, HDF5).
        form: how SEG-Y stores the samples; None for the format that holds the type exactly.
        start: in one go, or resumable.
        null: what places without a live trace get; a folder of sections has its own.
    """

    path: Path
    source: Volume
    dtype: np.dtype[np.generic]
    overwrite: bool
    note: str = ""
    form: FormatName | None = None
    start: Start = Start.ONCE
    null: float = 0
