"""A run as it is recorded: from the birth of its folder to its seal, and what is tidied afterwards.

Nothing here runs a check, and nothing here needs Trio: `session` does the one, and `reused` does
without.
"""

import contextlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from vibeguard.core.fold.fold import apply
from vibeguard.core.fold.verdict import Ruling, outcome_counts
from vibeguard.core.history import samples_of
from vibeguard.core.model.differing import Differing
from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.core.model.events import (
    SCHEMA_VERSION,
    LogSealed,
    RunFinished,
    RunPlanned,
    RunStarted,
    RunWeakened,
)
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.model.state import State
from vibeguard.core.names import ExitCode, Verdict
from vibeguard.core.problems import LogAltered, LogWriteError
from vibeguard.core.redaction import redaction, secret_values
from vibeguard.system.channel import Launch, Sealed
from vibeguard.system.clock import monotonic_ns, wall_ns, wall_time
from vibeguard.system.discovery.environment import is_in_a_check, traceparent
from vibeguard.system.history import append_history, machine_id
from vibeguard.system.journal.creation import RESERVE_BYTES
from vibeguard.system.journal.writer import Journal
from vibeguard.system.process.proc import boot_id, own_start
from vibeguard.system.prune import prune, remember_size
from vibeguard.system.rundir.files import advice_for
from vibeguard.system.rundir.notes import note_differences
from vibeguard.system.supervisor.aftermath import changed_meanwhile, keep_patch, tree_at_the_end
from vibeguard.system.supervisor.recorder import Recorder
from vibeguard.system.supervisor.weaknesses import weaknesses
from vibeguard.system.vouching.witness import open_witness
from vibeguard.version import __version__

if TYPE_CHECKING:
    from vibeguard.system.staged.staged_view import LaidOut

# What the last events of a cancelled run take, per check: a settlement, perhaps two more lines.
RESERVE_BYTES_PER_CHECK = 1024


class Clocks(Struct, frozen=True):
    """Where a run reads the time: monotonic and wall, in ns since some moment, and as RFC 3339."""

    monotonic_ns: Callable[[], int] = monotonic_ns
    wall_ns: Callable[[], int] = wall_ns
    wall_time: Callable[[], str] = wall_time


class RunLog:
    """The log of one run, which begins with it.

    `view` is where what is staged is checked. `start_ns` is monotonic. `unattributed` takes the
    processes that were ended and carried the mark of no attempt.
    """

    def __init__(
        self,
        launch: Launch,
        view: "LaidOut | None" = None,
        *,
        clocks: Clocks = Clocks(),  # noqa: B008 - they never change
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        """Make the run's folder, and record its start, its plan and its weaknesses.

        From here on readers are answered; once they are, `meanwhile` is called, which starts what
        need not wait until all is on the disk. Raises LogWriteError where the run cannot be
        recorded.
        """
        self.launch = launch
        self.view = view
        self.clocks = clocks
        self.start_ns = clocks.monotonic_ns()
        self.nested = is_in_a_check(launch.environment)
        self.unattributed: tuple[ProcessReport, ...] = ()
        self._compared = False
        state_dir = os.fsdecode(launch.state_dir)
        try:
            self._witness = open_witness(state_dir)
        except OSError as error:
            what = f"the record of runs cannot be read: {error.strerror} ({error.filename})"
            raise LogWriteError(what, advice_for(error)) from error
        if meanwhile is not None:
            meanwhile()
        self.journal = Journal(
            state_dir,
            now_ns=clocks.wall_ns(),
            clock=self.elapsed_ns,
            nested=self.nested,
            reserve_bytes=RESERVE_BYTES + len(launch.plan.checks) * RESERVE_BYTES_PER_CHECK,
        )
        self.run_id = self.journal.run_id
        self.folder = self.journal.run_folder
        self._witness.begin(self.run_id, nested=self.nested)
        secrets = secret_values(
            launch.plan.settings.redact, launch.environment, launch.variables.values()
        )
        self.recorder = Recorder(self.journal, self.elapsed_ns, redaction(secrets))
        try:
            self._record_start()
        except BaseException:
            self.close()  # nobody else can yet: the reserve must not stay on a full disk
            raise

    @property
    def state(self) -> State:
        """What the log says so far, folded."""
        return self.recorder.state

    def output_path(self, planned: PlannedCheck, number: int) -> str:
        """The file that holds what an attempt writes."""
        return f"{self.folder}/{planned.output_name(number)}"

    def elapsed_ns(self) -> int:
        """Nanoseconds since the run's start, pauses included: the `t` of an event."""
        return self.clocks.monotonic_ns() - self.start_ns

    def finish(self, ruling: Ruling, told: Differing | None = None) -> Sealed:
        """Every check has settled: record what it comes to, seal the log and read it back.

        `told` is what git says of the files since, where it was asked. Raises LogWriteError.
        """
        self.raise_failure()
        self._record_verdict(ruling, told)
        self.raise_failure()
        differences = self.journal.verify() + self._foreign()
        # Before the seal: who waits for a run in the background must find the note with it.
        note_differences(self.folder, differences)
        seal = self._seal()
        apply(self.recorder.state, seal)
        if not differences:
            differences = self.journal.verify_log()
            note_differences(self.folder, differences)
        if differences:  # from here on readers may believe the log, or never will
            self._witness.give_up()
        else:
            self._witness.seal(seal.sha256)
        finished = self.recorder.state.finished
        return Sealed(
            events=seal.events,
            bytes=seal.bytes,
            sha256=seal.sha256,
            exit_code=ExitCode.INCOMPLETE if finished is None else finished.exit_code,
            differences=tuple(differences),
        )

    def raise_failure(self) -> None:
        """Raise what keeps the log from being whole.

        What a check has done to it may be undone since: who looks later finds it beside the log.
        """
        failure = self.recorder.failure
        if isinstance(failure, LogAltered):
            note_differences(self.folder, (failure.what,))
        if failure is not None:
            raise failure

    def _foreign(self) -> list[str]:
        """What lies in runs/ that nobody may have put there; it is moved aside."""
        self._compared = True
        return self._witness.foreign()

    def housekeeping(self) -> None:
        """After the seal: remember how long the checks took, remove runs that are too old or many.

        A run inside a check removes none: the run around it would find that somebody did.
        The verdict is out and nobody waits for this; what fails here is only put off.
        """
        launch = self.launch
        state_dir = os.fsdecode(launch.state_dir)
        with contextlib.suppress(OSError):
            remember_size(self.folder, self.journal.stored_bytes)
        if self.nested:
            return
        with contextlib.suppress(OSError):
            append_history(state_dir, samples_of(self.recorder.state, machine_id()))
        with contextlib.suppress(OSError):
            prune(
                state_dir,
                keep_runs=launch.keep_runs,
                keep_bytes=launch.keep_bytes,
                keep_age_ns=launch.keep_age_ns,
                now_ns=self.clocks.wall_ns(),
            )

    def close(self) -> None:
        """Give up the log; its lock goes with it. Nobody is answered any more.

        What checks have put beside it is found out here if the log could not be finished: a run
        whose log fails must not leave a forged one behind that readers believe.
        """
        if not self._compared:
            note_differences(self.folder, self._foreign())
        self._witness.close()
        self.journal.close()

    def _record_start(self) -> None:
        launch, plan = self.launch, self.launch.plan
        staged = self.view.way if self.view else None
        self.recorder.record(
            RunStarted(
                run_id=self.run_id,
                schema=SCHEMA_VERSION,
                tool_version=__version__,
                wall_time=self.clocks.wall_time(),
                boot_id=boot_id(),
                pid=os.getpid(),
                pid_start=own_start(),
                argv=launch.argv,
                cwd=launch.recorded_cwd,
                vcs=launch.version_control,
                detached=launch.detached,
                monotonic_ns=self.start_ns,
                staged=staged,
                traceparent=traceparent(launch.environment),
            )
        )
        self.recorder.record(
            RunPlanned(
                settings=plan.settings,
                config_path=launch.config_path,
                config_sha256=launch.config_sha256,
                checks=plan.checks,
                vars=plan.vars,
                notes=plan.notes,
                narrowed=plan.narrowed,
                whole=launch.whole,
                selection_sha256=launch.selection_sha256,
            )
        )
        for what, why in weaknesses(self.journal, self._witness, staged):
            self.recorder.record(RunWeakened(what=what, why=why, may_ignore=True))
        if self.recorder.failure is not None:
            raise self.recorder.failure
        self.journal.sync()

    def _seal(self) -> LogSealed:
        """The last event. One that is there but may be lost again is not to pass later, either."""
        unsealed = self.journal.events
        try:
            return self.journal.seal()
        except LogWriteError as error:
            if self.journal.events > unsealed:
                note_differences(self.folder, (error.what,))
            raise

    def _record_verdict(self, ruling: Ruling, told: Differing | None) -> None:
        state = self.recorder.state
        # Who has cancelled waits for the end, and git may take long: neither counts for anything.
        cancelled = ruling.verdict is Verdict.CANCELLED
        vcs = None if cancelled else tree_at_the_end(self.launch)
        patch, lost = ("", "") if cancelled else keep_patch(self.view, self.folder)
        if lost:
            what = "no patch is kept of what checks changed in the staged files"
            self.recorder.record(RunWeakened(what=what, why=lost, may_ignore=True))
        self.recorder.record(
            RunFinished(
                verdict=ruling.verdict,
                counts=outcome_counts(state),
                exit_code=ruling.exit_code,
                elapsed_ns=self.elapsed_ns(),
                reason=ruling.reason,
                unattributed=self.unattributed,
                vcs=vcs,
                patch=patch,
                changed=changed_meanwhile(self.launch, state, vcs, told),
            )
        )
