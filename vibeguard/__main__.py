"""The program: `python -m vibeguard`, and what the installed script imports.

Signals that end it are held back before anything else, until a command lets them come: in the
middle of an import Python prints a traceback for one, or drops it.
"""

import _signal  # type: ignore[import-not-found]  # built in; `signal` imports a dozen modules
import sys

if sys.platform != "win32":
    _signal.pthread_sigmask(_signal.SIG_BLOCK, (_signal.SIGHUP, _signal.SIGINT, _signal.SIGTERM))

from vibeguard.cli import command

if __name__ == "__main__":
    command()
