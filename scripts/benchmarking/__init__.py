"""What `scripts/benchmark.py` measures, one kind of row a file: settings go in, rows come out as they are finished."""
