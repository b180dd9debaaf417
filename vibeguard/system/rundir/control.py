"""Requests to a live run: small files renamed into its control folder (DESIGN section 6).

No command signals another run's pid: the supervisor takes requests up, records them, deletes them.
"""

import errno
import os
from typing import Final

from msgspec import Struct, json

from vibeguard.core.problems import UNDECODABLE, LogWriteError, UsageError
from vibeguard.system.rundir.files import OTHERS_WRITE, open_regular, replace_file

CONTROL: Final = "control"
_SUFFIX: Final = ".json"
_LARGEST_BYTES: Final = 64 << 10
# Too few descriptors, too little memory: what is not readable now will be.
_PASSING: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class Request(Struct, frozen=True):
    """One request: its kind ("cancel"), and what it needs to say beside that."""

    kind: str
    payload: dict[str, str] = {}


def request(run_folder: str, kind: str, payload: dict[str, str], *, now_ns: int) -> None:
    """Put a request before the supervisor of the run. Requests are taken up in order of `now_ns`.

    Raises UsageError when the run is gone, LogWriteError when the request cannot be written.
    """
    name = f"{now_ns:020d}-{os.urandom(4).hex()}{_SUFFIX}"
    path = os.path.join(run_folder, CONTROL, name)
    data = json.encode(Request(kind, payload))
    if len(data) > _LARGEST_BYTES:
        raise UsageError("the request is too long")
    try:
        replace_file(path, data)
        _hand_over(path, run_folder)
    except FileNotFoundError as error:
        raise UsageError(f"the run in {run_folder} is gone") from error
    except OSError as error:
        raise LogWriteError(f"{path}: {error.strerror}") from error


def take_requests(run_folder: str) -> list[Request]:
    """The requests that have come, in order; they are deleted.

    A file counts only if it is regular, small, written by this user and holds a request; whatever
    else lies there is removed, or left alone if it is a folder. Others may read it where a mount
    takes no modes. What cannot be read for want of
    descriptors or memory is there at the next look. Raises FileNotFoundError when the control
    folder itself is gone.
    """
    control = os.path.join(run_folder, CONTROL)
    taken: list[Request] = []
    for name in _names_in(control):
        if not name.endswith(_SUFFIX) or name.startswith("."):
            continue
        path = os.path.join(control, name)
        try:
            found = _read(path)
        except OSError:
            break
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue  # whoever removed it took it up
        except OSError:
            continue  # not to be removed (a folder): must not be obeyed again and again
        if found is not None:
            taken.append(found)
    return taken


def has_requests(run_folder: str) -> bool:
    """Whether something lies there that may be a request. Raises OSError as `take_requests`."""
    return any(name.endswith(_SUFFIX) for name in _names_in(os.path.join(run_folder, CONTROL)))


def _hand_over(path: str, run_folder: str) -> None:
    """Give a request that root makes for somebody else's run to the run's owner."""
    owner = os.stat(run_folder)
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _names_in(folder: str) -> list[str]:
    """What is in the folder, in order; nothing when it cannot be opened at this moment."""
    try:
        return sorted(os.listdir(folder))
    except OSError as error:
        if error.errno in _PASSING:
            return []
        raise


def _read(path: str) -> Request | None:
    """The request in the file, if it is one. Raises OSError when that cannot be told now."""
    try:
        fd = open_regular(path)
    except OSError as error:
        if error.errno in _PASSING:
            raise
        return None
    try:
        status = os.fstat(fd)
        anybodys = status.st_uid != os.geteuid() or status.st_mode & OTHERS_WRITE
        if anybodys or status.st_size > _LARGEST_BYTES:
            return None
        return json.decode(os.read(fd, _LARGEST_BYTES + 1), type=Request)
    except (OSError, *UNDECODABLE):
        return None
    finally:
        os.close(fd)
