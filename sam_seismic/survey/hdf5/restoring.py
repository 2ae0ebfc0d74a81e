"""A volume goes in, a SEG-Y file comes out: of HDF5, the file that it was converted from."""

from pathlib import Path

from sam_seismic.errors import SurveyError
from sam_seismic.files.identity import stamp
from sam_seismic.files.resume_journal import Journal
from sam_seismic.files.unfinished import Start
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.hdf5.copying import Done
from sam_seismic.survey.result import Result
from sam_seismic.survey.segy import SegyResult, SegyTemplate
from sam_seismic.survey.volume import Volume


class _Restored(SegyResult):
    """A SEG-Y file with the text header of its template unchanged: as the samples are the same, no note is added."""

    def __init__(self, path: Path, source: Volume, template: SegyTemplate, *, overwrite: bool, start: Start) -> None:
        form = template.layout.form.name
        super().__init__(path, source.dtype, source=template, overwrite=overwrite, note="", form=form, start=start)
        self._head = template.head()

    def open(self) -> None:
        """Write all headers and zeros for all samples."""
        super().open()
        with self.temporary.open("r+b") as file:
            file.write(self._head)


def write_segy_of(
    source: Volume, path: Path, *, overwrite: bool = False, resume: bool = False, progress: Done | None = None
) -> None:
    """Write a volume as SEG-Y, with the headers and the sample format of the file that it was converted from.

    The file equals that one byte for byte, except for samples that HDF5 does not hold: those of traces that are marked
    as dead or were passed over, doubles beyond single precision, unnormalised IBM floats. Of a volume without headers
    of a SEG-Y file, a plain file of revision 1 is made.

    Args:
        source: the volume.
        path: the SEG-Y file.
        overwrite: whether an existing file may be replaced.
        resume: go on with what an earlier run left, if it left anything.
        progress: told of sections written.

    Raises:
        SurveyError: the path exists, SEG-Y cannot hold the samples, the disk is full, or what an earlier run left is of
            another job or may not be gone on with.
    """
    template = source.segy_template
    if template is not None and template.layout.form.given != source.dtype:
        raise SurveyError(
            problem=f"{source.path}: holds {source.dtype} samples and the headers of a SEG-Y of {template.layout.form}",
            fix="convert the SEG-Y file again",
        )
    orientation = Orientation.INLINE if template is None else template.fast_orientation
    lines = source.geometry.lines(orientation).tolist()
    job = {"input": stamp(source.path)}
    with Journal([path], job, steps=len(lines), resume=resume, overwrite=overwrite) as journal:
        result: Result
        overwrite = journal.overwrite or journal.complete
        if template is None:
            note = f"COPIED FROM {source.path.name}"
            result = SegyResult(
                path, source.dtype, source=source.geometry, overwrite=overwrite, note=note, start=journal.start
            )
        else:
            result = _Restored(path, source, template, overwrite=overwrite, start=journal.start)
        journal.claim()
        if journal.complete and path.exists() and not result.temporary.exists():
            return  # an earlier run was killed when all was done
        with result:
            for done, line in enumerate(lines[journal.finished :], start=journal.finished + 1):
                result.write(source.section(orientation, line))
                journal.advance(done, [result])
                if progress is not None:
                    progress(done, len(lines))
