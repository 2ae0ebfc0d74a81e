"""The command line, as the installed script and as `python -m sam_seismic`."""

import signal


def main() -> None:
    """Run the program. Ctrl-C ends it at once, without a traceback, as long as it is being imported."""
    python_handles = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if python_handles:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from sam_seismic.cli import app  # noqa: PLC0415  # while the signal ends the process

    if python_handles:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    app(prog_name="sam-seismic")


if __name__ == "__main__":
    main()
