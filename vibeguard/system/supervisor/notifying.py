"""The end of a run for those who asked to be told of it; nothing is imported without any."""

import os
from typing import TYPE_CHECKING

from vibeguard.core.model.state import State
from vibeguard.core.names import ExitCode, LogStatus
from vibeguard.system.channel import Launch, Sealed
from vibeguard.system.discovery.environment import is_in_a_check

if TYPE_CHECKING:
    import subprocess


def notify(
    launch: Launch, state: State, run_folder: str, sealed: Sealed
) -> "subprocess.Popen[bytes] | None":
    """Start the process that tells them; None where nobody is to be told.

    A run that was started inside a check of another run notifies nobody: that one does.
    """
    if not launch.notify or is_in_a_check(launch.environment):
        return None
    from vibeguard.core.notifying import due  # noqa: PLC0415 - seldom needed
    from vibeguard.core.report.build import build_report  # noqa: PLC0415
    from vibeguard.core.report.conclusion import Ending, verdict_event  # noqa: PLC0415
    from vibeguard.core.report.safe_json import encode_document  # noqa: PLC0415
    from vibeguard.system.notifying.notify_job import NotifyJob, start_notifier  # noqa: PLC0415
    from vibeguard.system.rundir.notes import note_told  # noqa: PLC0415

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
        from vibeguard.core.model.notification import Told  # noqa: PLC0415

        why = f"no process could be started: {error.strerror}"
        note_told(run_folder, [Told("whoever asks for it", 0, why)])
        return None
