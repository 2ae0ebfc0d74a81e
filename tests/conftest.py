"""What all tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

# A deadline an example would be a time limit: these machines are shared and noisy.
settings.register_profile("sam-seismic", deadline=None)
settings.load_profile("sam-seismic")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real seismic beside the checkout; its licences keep it out of the repository."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}")
    return folder
