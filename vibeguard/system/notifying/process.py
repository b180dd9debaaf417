"""The process that tells others, all at the same time and within a bound, and notes how it went."""

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterable
from functools import partial
from importlib import import_module
from typing import IO

from vibeguard.core.model.notification import Notification, Told
from vibeguard.system.clock import monotonic_s
from vibeguard.system.detach import close_inherited, in_a_child, leave_terminal
from vibeguard.system.discovery.environment import without_git_locals
from vibeguard.system.ending_signals import ENDING
from vibeguard.system.notifying.notify_job import NotifyJob
from vibeguard.system.own_group import Program, begin_group, end_group
from vibeguard.system.rundir.notes import note_told

BOUND_S = 90.0
COMMAND_S = 60.0
_END_BYTES = 4096
_OF_WEBHOOKS = ("encodings.idna", "vibeguard.system.notifying.webhook")


def tell_command(job: NotifyJob, command: str) -> tuple[int, str]:
    """Run it once, the document on its standard input; attempts, and what went wrong.

    Its output is for a failure alone.
    """
    with tempfile.TemporaryFile() as document, tempfile.TemporaryFile() as output:
        document.write(job.document)
        document.seek(0)
        try:
            process = begin_group(
                ["sh", "-c", command],
                stdin=document,
                stdout=output,
                cwd=job.folder,
                env=without_git_locals(job.environment),
            )
        except OSError as error:
            return 1, f"it could not be started: {error.strerror}"
        code = _wait(process)
        if code is None:
            return 1, f"it was ended after {COMMAND_S:.0f} s"
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return 1, f"{how}{_last_line(output)}" if code else ""


def _wait(process: Program) -> int | None:
    """Its exit code; None where it, with all of its group, had to be ended."""
    try:
        return process.wait(COMMAND_S)
    except subprocess.TimeoutExpired:
        end_group(process)
        return None


def _last_line(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _END_BYTES))
    last = output.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
    return f": {last}" if last else ""


def import_to_notify(notifications: Iterable[Notification]) -> None:
    """Import what telling these needs beside this module."""
    if any(one.webhook for one in notifications):
        for module in _OF_WEBHOOKS:
            import_module(module)


def start_notifier(job: NotifyJob) -> int:
    """Start a process that outlives this one; its id. Raises OSError.

    It is a process of its own since a slow address must hold up neither the verdict nor the
    terminal (ADR 0155), and a fork since the checks may have changed what would be imported.
    """
    return in_a_child(partial(_notify, job))


def _notify(job: NotifyJob) -> None:
    """The child: it keeps nothing of the run's."""
    leave_terminal(b"vg-notifier")
    close_inherited(())
    os.chdir("/")
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (*ENDING, signal.SIGTSTP):
        signal.signal(number, signal.SIG_DFL)
    _tell_all(job)


def _tell_all(job: NotifyJob) -> None:
    told: dict[int, Told] = {}
    threads = [
        threading.Thread(target=_tell, args=(job, number, told), daemon=True)
        for number in range(len(job.notifications))
    ]
    for thread in threads:
        thread.start()
    ends = monotonic_s() + BOUND_S
    for thread in threads:
        thread.join(max(0.0, ends - monotonic_s()))
    late, defect = f"it was not over within {BOUND_S:.0f} s", "VibeGuard has a defect there"
    note_told(
        os.fsdecode(job.run_folder),
        [
            told.get(number) or Told(shown(one), 1, late if thread.is_alive() else defect)
            for number, (one, thread) in enumerate(zip(job.notifications, threads, strict=True))
        ],
    )


def shown(notification: Notification) -> str:
    """What a note calls it: of an address no more than the host, for the rest may be a secret."""
    if notification.command:
        return f"the command {notification.command!r}"
    from urllib.parse import urlsplit  # noqa: PLC0415 - for webhooks alone

    return f"the webhook at {urlsplit(notification.webhook).hostname or ''}"


def _tell(job: NotifyJob, number: int, told: dict[int, Told]) -> None:
    notification = job.notifications[number]
    if notification.command:
        attempts, error = tell_command(job, notification.command)
    else:
        from vibeguard.system.notifying.webhook import tell_webhook  # noqa: PLC0415 - as above

        attempts, error = tell_webhook(job, notification.webhook, number)
    told[number] = Told(shown(notification), attempts, error)
