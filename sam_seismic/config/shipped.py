"""The configurations that are shipped with sam-seismic, by name."""

from pathlib import Path

import sam_seismic


def shipped_config(name: str) -> Path:
    """Path of configs/NAME.yaml: inside the installed package, or beside the package in a source checkout."""
    package = Path(sam_seismic.__file__).parent
    installed = package / "configs" / f"{name}.yaml"
    return installed if installed.is_file() else package.parent / "configs" / f"{name}.yaml"
