"""What `scripts/benchmark.py` measures: settings go in, rows come out as they are finished.

A module named like a table has `measure`, which gives its rows, and where memory is measured apart `prepare`, which
makes a run from its text.
"""
