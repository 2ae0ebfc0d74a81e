"""The command line, as the installed script and as `python -m sam_seismic`."""

import os
import signal
import sys


def main() -> None:
    """Run the program. Ctrl-C ends it at once, without a traceback, as long as it is being imported.

    After an error or a stop, no child process keeps it from ending.
    """
    python_handles = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if python_handles:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from sam_seismic.cli import app  # noqa: PLC0415  # while the signal ends the process
    from sam_seismic.cli.stopping import end_child_processes  # noqa: PLC0415

    if python_handles:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        app(prog_name="sam-seismic")
    except SystemExit as end:
        if isinstance(end.code, int) and end.code != 0 and not end_child_processes():
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(end.code)
        raise


if __name__ == "__main__":
    main()
