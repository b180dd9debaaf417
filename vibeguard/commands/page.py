"""A page in the browser of whoever asks: `report --open`, `runs --open`."""

import os

from vibeguard.commands.streams import unwritable_is_told, write_err, write_out
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.rundir.files import replace_file


def open_page(text: str, output: str | None, own: str) -> None:
    """Write the page to `output`, else to its `own` place in the state folder, and open it.

    Where there is no browser, print where it is. Raises UsageError when it cannot be written.
    """
    from pathlib import Path  # noqa: PLC0415 - every report loads this module, few open a page

    path = os.path.abspath(own if output is None else output)
    write_page(text, path, named=output is not None)
    if _opened(Path(path).as_uri()):
        write_err(f"vibeguard: opened {sanitise(path)}\n")
    else:
        write_err("vibeguard: no browser could be opened; the page is\n")
        write_out(f"{sanitise(path)}\n")


def write_page(text: str, path: str, *, named: bool = True) -> None:
    """Write it whole or not at all: a file or a link that stands there is replaced.

    A device or pipe that a user has `named` (/dev/null, /dev/stdout) is written to. Raises
    UsageError when it cannot be written.
    """
    data = text.encode(errors="backslashreplace")
    with unwritable_is_told(path, "name a place with --output FILE"):
        if named and os.path.exists(path) and not os.path.isfile(path):
            with open(path, "wb") as file:
                file.write(data)
        else:
            replace_file(path, data)


def _opened(address: str) -> bool:
    import webbrowser  # noqa: PLC0415 - rarely needed, and it looks for browsers

    try:
        return webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return False
