"""A result on its way to disk: sections go in, and the finished file appears under its name only when all went well."""

from abc import abstractmethod
from pathlib import Path

import numpy as np

from sam_seismic.files.unfinished import Start, Unfinished, check_output, remove
from sam_seismic.survey.volume import Section


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
