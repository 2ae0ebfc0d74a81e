"""Where sam-seismic keeps what it can make again: folders of the user, or the ones that the environment names."""

import os
from pathlib import Path

import pooch


def cache_folder(name: str) -> Path:
    """A folder of the cache: below $SAM_SEISMIC_CACHE where that is set, else in the system's place for caches.

    That is `~/.cache/sam-seismic` on Linux. What it holds may be removed at any time.
    """
    return Path(os.environ.get("SAM_SEISMIC_CACHE") or pooch.os_cache("sam-seismic")) / name
