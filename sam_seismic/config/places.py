"""The folders in which sam-seismic caches files that it can create again."""

from pathlib import Path

import pooch

from sam_seismic.files.user_paths import user_path, variable_folder

CACHE = "SAM_SEISMIC_CACHE"
"""Environment variable that names the cache."""


def cache_folder(name: str) -> Path:
    """A subfolder of $SAM_SEISMIC_CACHE, or of the system's cache folder (`~/.cache/sam-seismic` on Linux).

    The user may delete its contents at any time.

    Raises:
        UserError: the variable holds a variable that is not set, or no home folder is known.
    """
    return (variable_folder(CACHE) or system_cache(CACHE)) / name


def system_cache(variable: str) -> Path:
    """The system's folder for what sam-seismic caches.

    Args:
        variable: environment variable that would name another one, for the message.

    Raises:
        UserError: no home folder is known.
    """
    # Without a home folder pooch names a folder `~` in the current one.
    return user_path(pooch.os_cache("sam-seismic"), f"{variable} is not set, and XDG_CACHE_HOME")
