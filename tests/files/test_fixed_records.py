"""Records are read as they were written, for any layout; bytes between records do not change."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_seismic.errors import SurveyError
from sam_seismic.files.fixed_records import RecordFile, RecordLayout


@given(
    kind=st.sampled_from(["<f4", ">f4", "<f2", ">i2", "i1", ">u4"]),
    count=st.integers(1, 30),
    start=st.integers(0, 9),
    gap=st.integers(0, 5),
    data=st.data(),
)
def test_records_are_read_as_written(tmp_path_factory: pytest.TempPathFactory, kind, count, start, gap, data):
    numbers = np.array(sorted(data.draw(st.sets(st.integers(0, count - 1)))), np.int64)
    records = RecordLayout(np.dtype(kind), (2, 3), start=start, stride=gap and np.dtype(kind).itemsize * 6 + gap)
    path = tmp_path_factory.mktemp("records") / "file"
    size = start + count * (records.size + gap)
    path.write_bytes(b"\xa5" * size)
    values = np.random.default_rng(0).integers(0, 100, (len(numbers), 2, 3)).astype(kind)
    file = RecordFile(path, records)
    file.write(numbers, values)
    file.sync()
    np.testing.assert_array_equal(file.read(numbers), values)
    file.close()
    file.close()
    raw = np.frombuffer(path.read_bytes(), np.uint8).copy()
    for number in numbers:
        at = start + number * (records.size + gap)
        raw[at : at + records.size] = 0xA5
    assert raw.tobytes() == b"\xa5" * size


def test_a_truncated_file_is_refused(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(bytes(10))
    file = RecordFile(path, RecordLayout(np.dtype("<f4"), (2,)))
    with pytest.raises(SurveyError, match="ends at byte 10: it was cut since it was opened"):
        file.read(np.array([0, 1]))
    file.close()
