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


class NotifyJob(Struct, frozen=True):
    """Tell these of a run that has ended; `document` is its report, as JSON.

    Commands run in `folder` with `environment`; what became of it is noted in `run_folder`.
    """

    notifications: tuple[Notification, ...]
    run_id: str
    run_folder: bytes
    folder: bytes
    environment: dict[bytes, bytes]
    document: bytes


encode_job = msgspec.msgpack.Encoder().encode
decode_job = msgspec.msgpack.Decoder(NotifyJob).decode


def start_notifier(job: NotifyJob) -> "subprocess.Popen[bytes]":
    """Start a process that outlives this one. Raises OSError.

    It imports what this process does: the checks may have changed what a search would find.
    """
    # A process of its own: a slow address must hold up neither the verdict nor the terminal (ADR
    # 0155). A file, since a pipe takes only so much before somebody reads.
    with tempfile.TemporaryFile() as file:
        file.write(encode_job(job))
        file.seek(0)
        return subprocess.Popen(
            [sys.executable, "-I", "-c", _PROGRAM.format(path=sys.path)],
            stdin=file,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
