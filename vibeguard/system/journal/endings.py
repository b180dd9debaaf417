"""What the reading of a log says beside its events, for whoever shows it."""

from vibeguard.core.names import ExitCode, LogStatus
from vibeguard.core.problems import LogCorrupt
from vibeguard.core.report.build import Ending
from vibeguard.system.journal.reader import LogReading
from vibeguard.system.rundir.crash import crash_of
from vibeguard.system.rundir.differences import differences_of, was_killed


def ending_of(reading: LogReading, folder: str, problem: LogCorrupt | None = None) -> Ending:
    """How the log in the run folder ends. `problem` is damage that was found while following it."""
    problem = problem or reading.problem
    if problem is not None:
        where = f"line {problem.line}, byte {problem.byte}: " if problem.line else ""
        return corrupt(f"{where}{problem.what}")
    noted = differences_of(folder)
    if noted:
        return corrupt(f"when the run ended, {noted}")
    if reading.status is LogStatus.COMPLETE and was_killed(folder):
        return corrupt("the log is sealed, but its supervisor was killed before it sealed one")
    if reading.status is LogStatus.INCOMPLETE:
        gone = reading.writer_alive is False
        writer = "its writer is gone" if gone else "whether its writer lives is unknown"
        unsealed = f"the run has no verdict: its log has no seal, and {writer}"
        return Ending(
            exit_code=ExitCode.INCOMPLETE,
            log_status=LogStatus.INCOMPLETE,
            problem=crash_of(folder) or unsealed,
        )
    return Ending(log_status=reading.status)


def corrupt(problem: str) -> Ending:
    """The ending of a log that cannot be trusted, and why not."""
    return Ending(exit_code=ExitCode.CORRUPT, log_status=LogStatus.CORRUPT, problem=problem)
