"""A volume format is a package and one entry in the table: nothing else asks of which format a volume is."""

import ast
import json
import re
from pathlib import Path

import numpy as np
import pytest

import sam_seismic
from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.inspection.request import InspectRequest
from sam_seismic.inspection.volume import inspect_volume
from sam_seismic.listener import Silent
from sam_seismic.report.blocks import Facts
from sam_seismic.survey.formats import FORMATS, VolumeFormat, open_result, open_volume
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.labelled import labelled
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.result import Result, ResultRequest
from sam_seismic.survey.source_facts import SourceFacts
from sam_seismic.survey.synthetic import model_survey
from sam_seismic.survey.volume import Section, Volume
from sam_seismic.workflows.score import ScoreRequest, score


class JsonVolume(MemoryVolume):
    """A volume [inline, crossline, sample] as a list in a text file, with the numbers of its first lines."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        stored = json.loads(path.read_text())
        values = np.array(stored["values"], options.key or "float32")
        lines = [np.arange(count) + first for count, first in zip(values.shape, stored["first"], strict=False)]
        super().__init__(values, Geometry.complete(lines[0], lines[1], values.shape[2]), path=path)

    @property
    def source_facts(self) -> SourceFacts:
        return SourceFacts(standard="JSON", byte_order="big")

    @property
    def fast_orientation(self) -> Orientation:
        return Orientation.CROSSLINE

    def coordinates(self, orientation: Orientation, line: int) -> np.ndarray:
        """Bins of 20 by 10 metres."""
        along = np.arange(len(self.geometry.lines(orientation.across)))
        position = np.full(len(along), self.geometry.index(orientation, line))
        inline, crossline = (position, along) if orientation is Orientation.INLINE else (along, position)
        return np.stack([inline * 20.0, crossline * 10.0], axis=1)


class JsonResult(Result):
    """A result as such a file."""

    def __init__(self, request: ResultRequest) -> None:
        super().__init__(request.path, request.dtype, overwrite=request.overwrite, null=request.null)
        self._grid = request.source.geometry
        self._values = np.zeros(self._grid.shape, request.dtype)

    def open(self) -> None:
        self.temporary.touch()

    def reopen(self) -> None:
        raise NotImplementedError

    def sync(self) -> None:
        pass

    def write(self, section: Section) -> None:
        assert section.orientation is Orientation.INLINE
        self._values[self._grid.index(section.orientation, section.line)] = section.values.T

    def close(self) -> None:
        text = {"values": self._values.tolist(), "first": [int(self._grid.inlines[0]), int(self._grid.crosslines[0])]}
        self.temporary.write_text(json.dumps(text))


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = VolumeFormat("JSON", (".json",), JsonVolume, options=("key",), write=JsonResult, written=(".json",))
    monkeypatch.setitem(FORMATS, "json", entry)


SURVEY = model_survey((8, 16, 32), 0).labelled()


def save(path: Path, source: Volume, dtype: str) -> Path:
    """A volume as a result of the format."""
    request = ResultRequest(path=path, source=source, dtype=np.dtype(dtype), overwrite=False)
    with open_result(request) as result:
        for line in source.lines(Orientation.INLINE).tolist():
            result.write(source.section(Orientation.INLINE, line))
    return path


def saved(folder: Path) -> tuple[Path, Path]:
    """Amplitudes and labels."""
    assert SURVEY.labels is not None
    return save(folder / "a.json", SURVEY.amplitude, "float32"), save(folder / "l.json", SURVEY.labels, "uint8")


def test_a_format_of_the_table_is_opened_and_written(tmp_path: Path):
    volume = open_volume(saved(tmp_path)[0])
    assert volume.geometry.same_grid(SURVEY.amplitude.geometry)
    line = int(volume.geometry.inlines[3])
    expected = SURVEY.amplitude.section(Orientation.INLINE, line).values
    np.testing.assert_array_equal(volume.section(Orientation.INLINE, line).values, expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "l.json"]


def test_its_options_and_its_name_stand_in_the_messages(tmp_path: Path):
    path, _ = saved(tmp_path)
    with pytest.raises(SurveyError, match="axes cannot apply to JSON"):
        open_volume(path, ReadOptions(key="float32", axes="inline,crossline,sample"))
    (tmp_path / "a.dat").touch()
    with pytest.raises(SurveyError, match=r"give SEG-Y .*, JSON \(\.json\)|pictures or JSON \(\.json\)"):
        open_volume(tmp_path / "a.dat")
    other = ResultRequest(path=tmp_path / "a.dat", source=SURVEY.amplitude, dtype=np.dtype("int8"), overwrite=True)
    with pytest.raises(SurveyError, match=r"\.npy or \.json"):
        open_result(other)


def test_inspect_tells_its_facts(tmp_path: Path):
    found = inspect_volume(InspectRequest(saved(tmp_path)[0]), Silent())
    assert found.facts["shape"] == [8, 16, 32]
    assert found.facts["byte_order"] == "big"
    assert (found.facts["inline_byte"], found.facts["text_header"]) == (None, None)
    coordinates = found.facts["coordinates"]
    assert (coordinates["x"], coordinates["y"]) == ([0, 140], [0, 150])
    assert (coordinates["inline_spacing"], coordinates["crossline_spacing"]) == (20, 10)
    top = found.blocks[0]
    assert isinstance(top, Facts)
    rows = dict(top.rows)
    assert rows["format"] == "in memory, big endian, JSON"
    assert "line numbers" not in rows
    assert any("crosslines" in getattr(block, "title", "") for block in found.blocks), "its fast orientation is read"


def test_its_labels_are_joined_and_scored(tmp_path: Path):
    path, labels = saved(tmp_path)
    joined = labelled(open_volume(path), open_volume(labels, ReadOptions(key="uint8")), SURVEY.facies)
    line = int(joined.amplitude.geometry.inlines[0])
    np.testing.assert_array_equal(
        joined.section(Orientation.INLINE, line)[1], SURVEY.section(Orientation.INLINE, line)[1]
    )
    scores = score(ScoreRequest(labels, labels), Silent()).first
    assert scores.as_dict()["pixel_accuracy"] == 1
    assert scores.as_dict()["voxels"] == 8 * 16 * 32


def kinds(base: type) -> list[type]:
    return [each for kind in base.__subclasses__() for each in (kind, *kinds(kind))]


def test_nothing_outside_a_format_asks_whether_a_volume_is_of_it():
    """`isinstance(volume, SegyVolume)` elsewhere would have to be found and extended for every new format."""
    homes = {kind.__name__: kind.__module__ for base in (Volume, Result) for kind in kinds(base)}
    # Formats are packages in survey; MemoryVolume and HorizonTable are modules.
    homes = {name: home for name, home in homes.items() if re.match(r"sam_seismic\.survey\.\w+\.", home)}
    assert {"SegyVolume", "Hdf5Volume", "FolderVolume", "ArrayVolume", "MdioVolume", "FolderResult"} <= homes.keys()
    root, found = Path(sam_seismic.__file__).parent, []
    for file in sorted(root.rglob("*.py")):
        package = ".".join(("sam_seismic", *file.relative_to(root).parent.parts))
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
                asked = {each.id for each in ast.walk(node.args[1]) if isinstance(each, ast.Name)} & homes.keys()
                found += [f"{file.name}:{node.lineno}" for name in asked if homes[name].rpartition(".")[0] != package]
    assert not found
