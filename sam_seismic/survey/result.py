"""A result on its way to disk: sections go in, and the finished file appears under its name only when all went well."""

import os
import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from sam_seismic.errors import SurveyError
from sam_seismic.survey.volume import Section


class Result(ABC):
    """A volume (or folder of sections) being written, as a context manager.

    Everything goes to a hidden temporary name beside the final one. Leaving the block renames it; leaving the block by
    an error or an interrupt removes it, so no half file is ever found under the final name.

    Args:
        path: the final name.
        dtype: type of the samples: int8 for classes, float32 for probabilities.
        overwrite: whether an existing file may be replaced.

    Raises:
        SurveyError: the path exists and may not be replaced, or its folder cannot be written to.
    """

    def __init__(self, path: Path, dtype: np.dtype[np.generic], *, overwrite: bool) -> None:
        check_output(path, overwrite=overwrite)
        self.path = path
        self.dtype = dtype
        # The ending stays last: some writers judge the format by it.
        self.temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")

    @abstractmethod
    def open(self) -> None:
        """Create the temporary file, at its full size, with everything but the samples."""

    @abstractmethod
    def write(self, section: Section) -> None:
        """Write one whole section, [sample, trace]; values of dead traces are not used."""

    @abstractmethod
    def close(self) -> None:
        """Flush and close the temporary file."""

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.open()
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self.close()
            if kind is None:
                if self.temporary.is_dir() and self.path.is_dir():
                    shutil.rmtree(self.path)
                self.temporary.replace(self.path)
        finally:
            self._discard()

    def _discard(self) -> None:
        if self.temporary.is_dir():
            shutil.rmtree(self.temporary)
        else:
            self.temporary.unlink(missing_ok=True)


def check_output(path: Path, *, overwrite: bool) -> None:
    """Refuse an output that exists, before any work is done for it.

    Raises:
        SurveyError: it exists, and `overwrite` is not given.
    """
    if path.is_dir() and path.suffix:
        raise SurveyError(problem=f"{path}: is a folder, where a file is to be written", fix="choose another name")
    if path.exists() and not overwrite:
        raise SurveyError(
            problem=f"{path}: exists already", fix="choose another name, or add --overwrite to replace it"
        )
