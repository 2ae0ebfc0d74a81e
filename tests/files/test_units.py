"""Sizes have one form in all messages and tables."""

import pytest

from sam_seismic.files.units import counted, format_bytes


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (57_600, "57.6 kB"),
        (99_940, "99.9 kB"),
        (99_950, "100 kB"),
        (375_042_383, "375 MB"),
        (999_499_999, "999 MB"),
        (999_500_000, "1.0 GB"),
        (1_400_000_000, "1.4 GB"),
        (21 * 10**12, "21.0 TB"),
        (5 * 10**18, "5000 PB"),
    ],
)
def test_a_size_has_three_digits_and_the_largest_unit_that_fits(count: int, words: str):
    assert format_bytes(count) == words


def test_counts_and_nouns():
    assert [counted(n, "epoch") for n in (0, 1, 2500)] == ["0 epochs", "1 epoch", "2,500 epochs"]
    assert [counted(n, "class") for n in (1, 2)] == ["1 class", "2 classes"]
    assert [counted(n, "trace", "are") for n in (1, 2)] == ["1 trace is", "2 traces are"]
    assert [counted(n, "pick", "share") for n in (1, 2)] == ["1 pick shares", "2 picks share"]
