"""The command line starts without what takes seconds to import."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "lightning", "torchmetrics", "matplotlib", "h5py", "pooch", "requests")


@pytest.mark.parametrize(
    "code",
    [
        "import sam_seismic",
        "import sam_seismic.cli",
        "sys.argv = ['sam-seismic', '--help']; runpy.run_module('sam_seismic', run_name='__main__')",
        "sys.argv = ['sam-seismic', 'train', '--help']; runpy.run_module('sam_seismic', run_name='__main__')",
    ],
)
def test_nothing_heavy_is_imported(code: str):
    told = f"print(*sorted({{name.partition('.')[0] for name in sys.modules}} & {set(HEAVY)!r}), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, runpy, atexit\natexit.register(lambda: {told})\n{code}"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stderr.strip() == ""


def test_the_package_alone_imports_nothing_else():
    code = "import sys; before = set(sys.modules); import sam_seismic; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["sam_seismic"]
