"""sam-seismic: fine-tune SAM (Segment Anything) on seismic sections; SEG-Y in, facies SEG-Y out.

From Python: `import sam_seismic as ss`, then `ss.open`, `ss.load`, `ss.train`; docs/python.md shows them.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False  # type checkers take it for True, as that of `typing`, which would be a first import
if TYPE_CHECKING:
    from sam_seismic.api import (
        Config,
        Geometry,
        Listener,
        Model,
        Orientation,
        ReadOptions,
        Run,
        Section,
        SegyOptions,
        UserError,
        Volume,
        load,
        open,
        prepare,
        train,
    )

__all__ = [
    "Config",
    "Geometry",
    "Listener",
    "Model",
    "Orientation",
    "ReadOptions",
    "Run",
    "Section",
    "SegyOptions",
    "UserError",
    "Volume",
    "__version__",
    "load",
    "open",
    "prepare",
    "train",
]

if not TYPE_CHECKING:  # else a type checker would take any name for one that is there

    def __getattr__(name: str) -> object:
        """What Python asks for a name that is not there yet: the package alone imports nothing."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from sam_seismic import api  # noqa: PLC0415

        return getattr(api, name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
