"""The process that tells others, all at the same time and within a bound, and notes how it went."""

import os
import signal
import sys
import threading

from vibeguard.core.model.notification import Notification, Told
from vibeguard.system.clock import monotonic_s
from vibeguard.system.ending_signals import ENDING
from vibeguard.system.notifying.command import tell_command
from vibeguard.system.notifying.notify_job import NotifyJob, decode_job
from vibeguard.system.notifying.webhook import Address, tell_webhook
from vibeguard.system.rundir.notes import note_told

BOUND_S = 90.0


def main() -> None:
    """Do the job that lies on the standard input."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (*ENDING, signal.SIGTSTP):
        signal.signal(number, signal.SIG_DFL)
    job = decode_job(sys.stdin.buffer.read())
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
    return f"the webhook at {Address(notification.webhook).host}"


def _tell(job: NotifyJob, number: int, told: dict[int, Told]) -> None:
    notification = job.notifications[number]
    if notification.command:
        attempts, error = tell_command(job, notification.command)
    else:
        attempts, error = tell_webhook(job, notification.webhook, number)
    told[number] = Told(shown(notification), attempts, error)
