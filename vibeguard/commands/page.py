"""A page in the browser of whoever asks: `report --open`, `runs --open`."""

import os

from vibeguard.commands.streams import write_err, write_out
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.rundir.files import replace_file


def open_page(text: str, path: str) -> None:
    """Write the page to `path` and open it; where there is no browser, print where it is.

    Raises UsageError when it cannot be written.
    """
    from pathlib import Path  # noqa: PLC0415 - every report loads this module, few open a page

    path = os.path.abspath(path)
    write_page(text, path)
    if _opened(Path(path).as_uri()):
        write_err(f"vibeguard: opened {sanitise(path)}\n")
    else:
        write_err("vibeguard: no browser could be opened; the page is\n")
        write_out(f"{sanitise(path)}\n")


def write_page(text: str, path: str) -> None:
    """Write it whole or not at all; whatever stands there is replaced, never written through.

    Raises UsageError when it cannot be written.
    """
    try:
        replace_file(path, text.encode(errors="backslashreplace"))
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}", "name a place with --output FILE"
        ) from error


def _opened(address: str) -> bool:
    import webbrowser  # noqa: PLC0415 - rarely needed, and it looks for browsers

    try:
        return webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return False
