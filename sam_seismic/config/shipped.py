"""The configurations that come with sam-seismic, by name."""

from pathlib import Path

import sam_seismic


def shipped_config(name: str) -> Path:
    """Where configs/NAME.yaml lies: inside the installed package, or beside it in a checkout."""
    package = Path(sam_seismic.__file__).parent
    installed = package / "configs" / f"{name}.yaml"
    return installed if installed.is_file() else package.parent / "configs" / f"{name}.yaml"
