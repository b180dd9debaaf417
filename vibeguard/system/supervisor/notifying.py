"""The end of a run for those who asked to be told of it; imported only where somebody did."""

import os

from vibeguard.core.model.notification import Told
from vibeguard.core.model.state import State
from vibeguard.core.names import ExitCode, LogStatus
from vibeguard.core.notifying import due
from vibeguard.core.report.build import build_report
from vibeguard.core.report.conclusion import Ending, verdict_event
from vibeguard.core.report.safe_json import encode_document
from vibeguard.system.channel import Launch, Sealed
from vibeguard.system.discovery.environment import is_in_a_check
from vibeguard.system.notifying.notify_job import NotifyJob
from vibeguard.system.notifying.process import start_notifier
from vibeguard.system.rundir.notes import note_told


def notify(launch: Launch, state: State, run_folder: str, sealed: Sealed) -> int | None:
    """Start the process that tells them; its id, None where nobody is to be told.

    A run that was started inside a check of another run notifies nobody: that one does.
    """
    if is_in_a_check(launch.environment):
        return None
    ending = Ending(sealed.exit_code, LogStatus.COMPLETE)
    if sealed.differences:
        what = "; ".join(sealed.differences)
        ending = Ending(ExitCode.CORRUPT, LogStatus.CORRUPT, problem=what)
    finished = verdict_event(state, ending)
    told = due(launch.notify, finished.verdict if finished else None)
    if not told:
        return None
    report = build_report(state, run_folder=run_folder, ending=ending)
    job = NotifyJob(
        notifications=told,
        run_id=report.run_id,
        run_folder=os.fsencode(run_folder),
        folder=launch.folder,
        environment=launch.environment,
        document=encode_document(report).encode(),
    )
    try:
        return start_notifier(job)
    except OSError as error:
        why = f"no process could be started: {error.strerror}"
        note_told(run_folder, [Told("whoever asks for it", 0, why)])
        return None
