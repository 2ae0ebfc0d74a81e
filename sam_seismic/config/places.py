"""The folders in which sam-seismic caches files that it can create again."""

import os
from pathlib import Path

import pooch


def cache_folder(name: str) -> Path:
    """A subfolder of $SAM_SEISMIC_CACHE, or of the system's cache folder (`~/.cache/sam-seismic` on Linux).

    The user may delete its contents at any time.
    """
    return Path(os.environ.get("SAM_SEISMIC_CACHE") or pooch.os_cache("sam-seismic")) / name
