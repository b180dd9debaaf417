"""What the process that tells others is given, and how it is started."""

import subprocess
import sys
import tempfile

import msgspec
from msgspec import Struct

from vibeguard.core.model.notification import Notification

_PROGRAM = """import sys
sys.path[:] = {path!r}
from vibeguard.system.notifying.process import main
main()
"""


class Errand(Struct, frozen=True):
    """Tell these of a run that has ended; `document` is its report, as JSON.

    Commands run in `folder` with `environment`; what became of it is noted in `run_folder`.
    """

    notifications: tuple[Notification, ...]
    run_id: str
    run_folder: bytes
    folder: bytes
    environment: dict[bytes, bytes]
    document: bytes


encode_errand = msgspec.msgpack.Encoder().encode
decode_errand = msgspec.msgpack.Decoder(Errand).decode


def start_notifier(errand: Errand) -> "subprocess.Popen[bytes]":
    """Start a process that outlives this one. Raises OSError.

    It imports what this process does: the checks may have changed what a search would find.
    """
    with tempfile.TemporaryFile() as file:
        file.write(encode_errand(errand))
        file.seek(0)
        return subprocess.Popen(
            [sys.executable, "-I", "-c", _PROGRAM.format(path=sys.path)],
            stdin=file,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
