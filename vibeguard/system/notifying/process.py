"""The process that tells others, all at the same time and within a bound, and notes how it went."""

import os
import signal
import threading
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

from vibeguard.core.model.notification import Notification, Told
from vibeguard.system.clock import monotonic_s
from vibeguard.system.detach import close_inherited, leave_terminal
from vibeguard.system.ending_signals import ENDING
from vibeguard.system.notifying.command import tell_command
from vibeguard.system.notifying.notify_job import NotifyJob
from vibeguard.system.rundir.notes import note_told

BOUND_S = 90.0
_OF_WEBHOOKS = ("encodings.idna", "vibeguard.system.notifying.webhook")


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
    pid = os.fork()
    if pid == 0:
        _notify(job)
    return pid


def _notify(job: NotifyJob) -> NoReturn:
    """The child: it keeps nothing of the run's, and never returns."""
    with suppress(BaseException):
        leave_terminal(b"vg-notifier")
        close_inherited(())
        os.chdir("/")
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for number in (*ENDING, signal.SIGTSTP):
            signal.signal(number, signal.SIG_DFL)
        _tell_all(job)
    os._exit(0)


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
