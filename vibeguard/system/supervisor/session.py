"""One run from launch to seal: journal, clock, executor, nurseries, verdict, read-back."""

import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import trio
from msgspec.structs import replace

from vibeguard.core.fold.fold import apply
from vibeguard.core.fold.verdict import outcome_counts, verdict_of
from vibeguard.core.history import samples_of
from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.core.model.events import (
    SCHEMA_VERSION,
    LogSealed,
    RunFinished,
    RunPlanned,
    RunStarted,
)
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.model.state import State
from vibeguard.core.names import CancelReason, ExitCode
from vibeguard.core.problems import LogAltered, LogWriteError
from vibeguard.core.redaction import redaction, secret_values
from vibeguard.system.channel import Launch, OrderReader, Sealed
from vibeguard.system.discovery.environment import check_environment, traceparent
from vibeguard.system.ending_signals import ENDING
from vibeguard.system.executors.base import AttemptResult, AttemptSpec, Executor
from vibeguard.system.executors.local import CLOSE_BOUND_S
from vibeguard.system.history import append_history, machine_id
from vibeguard.system.journal.writer import Journal
from vibeguard.system.process.identity import boot_id, own_start
from vibeguard.system.prune import prune, remember_size
from vibeguard.system.rundir.files import create_file
from vibeguard.system.rundir.noted_differences import note_differences
from vibeguard.system.rundir.outputs import artifacts_name, output_name
from vibeguard.system.supervisor.aftermath import (
    changed_meanwhile,
    keep_patch,
    tree_at_the_end,
)
from vibeguard.system.supervisor.groups import Groups
from vibeguard.system.supervisor.host import Host
from vibeguard.system.supervisor.judging import Judging
from vibeguard.system.supervisor.log_dir import copy_outputs
from vibeguard.system.supervisor.preload import may_reuse
from vibeguard.system.supervisor.recorder import Recorder
from vibeguard.system.supervisor.reports import FormerReports
from vibeguard.system.supervisor.run import Run
from vibeguard.system.supervisor.services import Services
from vibeguard.system.supervisor.weaknesses import weaknesses
from vibeguard.system.vouching.witness import open_witness
from vibeguard.version import __version__

if TYPE_CHECKING:
    from vibeguard.system.staged.staged_view import View
    from vibeguard.system.supervisor.remote import Remote
    from vibeguard.system.supervisor.reusing import Reusing

# What the last events of a cancelled run take, per check: a settlement, perhaps two more lines.
RESERVE_BYTES_PER_CHECK = 1024
DISK_FULL = "the disk is full"


class Session:
    """A run that is recorded from its creation on. Raises LogWriteError when it cannot be.

    `reports` is the pipe to the front, which reads it until it exits. `remote` is there where
    checks go to other machines, `view` where what is staged is checked.
    """

    def __init__(
        self,
        launch: Launch,
        orders: OrderReader,
        reports: int,
        remote: "Remote | None" = None,
        view: "View | None" = None,
        *,
        host: Host = Host(),  # noqa: B008 - it never changes
    ) -> None:
        self._launch = launch
        self._host = host
        self._view = view
        self._former = FormerReports(os.fsdecode(launch.folder))
        self._remote = remote
        self._orders = orders
        self._reports = reports
        self._clock = host.clock()
        state_dir = os.fsdecode(launch.state_dir)
        self._nested = b"VIBEGUARD_RUN" in launch.environment
        self._witness = open_witness(state_dir)
        self._witness.answer()
        self._journal = Journal.create(
            state_dir, now_ns=host.wall_ns(), clock=self._clock.elapsed_ns, nested=self._nested
        )
        self._witness.begin(self._journal.run_id, nested=self._nested)
        self.run_id = self._journal.run_id
        self.folder = self._journal.run_folder
        secrets = secret_values(
            launch.plan.settings.redact, launch.environment, launch.variables.values()
        )
        self._recorder = Recorder(self._journal, self._clock.elapsed_ns, redaction(secrets))
        self._logs: dict[str, str] = {}
        self._reusing: Reusing | None = None
        try:
            self._begin()
        except BaseException:
            self.close()  # nobody else can yet: the reserve must not stay on a full disk
            raise

    @property
    def state(self) -> State:
        """What the log says so far, folded."""
        return self._recorder.state

    def run(self) -> Sealed:
        """Run the plan, seal its log and read it back. Raises LogWriteError."""
        unattributed = trio.run(self._run_checks, clock=self._clock)
        if self._launch.log_dir:
            folder = os.fsdecode(self._launch.log_dir)
            copy_outputs(folder, self._launch.plan.checks, self._logs)
        self._raise_failure()
        self._finish(unattributed)
        self._raise_failure()
        differences = self._journal.verify() + self._witness.foreign()
        # Before the seal: who waits for a run in the background must find the note with it.
        note_differences(self.folder, differences)
        seal = self._seal()
        apply(self._recorder.state, seal)
        if not differences:
            differences = self._journal.verify_log()
            note_differences(self.folder, differences)
        self._vouch(seal.sha256, differences)
        if self._reusing is not None and not differences:
            with contextlib.suppress(OSError):  # the verdict does not depend on it
                self._reusing.keep(self._recorder.state, seal.sha256)
        finished = self._recorder.state.finished
        return Sealed(
            events=seal.events,
            bytes=seal.bytes,
            sha256=seal.sha256,
            exit_code=ExitCode.INCOMPLETE if finished is None else finished.exit_code,
            differences=tuple(differences),
        )

    def _raise_failure(self) -> None:
        """Raise what keeps the log from being whole.

        What a check has done to it may be undone since: who looks later finds it beside the log.
        """
        failure = self._recorder.failure
        if isinstance(failure, LogAltered):
            note_differences(self.folder, (failure.what,))
        if failure is not None:
            raise failure

    def _vouch(self, seal: str, differences: Sequence[str]) -> None:
        """From here on readers may believe the log, or never will."""
        if differences:
            self._witness.give_up()
        else:
            self._witness.seal(seal)

    def housekeeping(self) -> None:
        """After the seal: remember how long the checks took, remove runs that are too old or many.

        The verdict is out and nobody waits for this; what fails here is only put off.
        """
        launch = self._launch
        state_dir = os.fsdecode(launch.state_dir)
        with contextlib.suppress(OSError):
            if not self._nested:
                append_history(state_dir, samples_of(self._recorder.state, machine_id()))
        with contextlib.suppress(OSError):
            remember_size(self.folder, self._journal.stored_bytes)
        with contextlib.suppress(OSError):
            prune(
                state_dir,
                keep_runs=launch.keep_runs,
                keep_bytes=launch.keep_bytes,
                keep_age_ns=launch.keep_age_ns,
                now_ns=self._host.wall_ns(),
            )

    def close(self) -> None:
        """Give up the log; its lock goes with it. Nobody is answered any more."""
        self._witness.close()
        self._journal.close()

    def _begin(self) -> None:
        launch, plan = self._launch, self._launch.plan
        self._journal.reserve(len(plan.checks) * RESERVE_BYTES_PER_CHECK + (64 << 10))
        self._recorder.record(
            RunStarted(
                run_id=self.run_id,
                schema=SCHEMA_VERSION,
                tool_version=__version__,
                wall_time=self._host.wall_time(),
                boot_id=boot_id(),
                pid=os.getpid(),
                pid_start=own_start(),
                argv=launch.argv,
                cwd=launch.recorded_cwd,
                vcs=launch.version_control,
                detached=launch.detached,
                monotonic_ns=self._clock.start_ns,
                staged=self._view.way if self._view else None,
                traceparent=traceparent(launch.environment),
            )
        )
        self._recorder.record(
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
        staged = self._view.way if self._view else None
        for weakness in weaknesses(self._journal, self._witness, staged):
            self._recorder.record(weakness)
        if self._recorder.failure is not None:
            raise self._recorder.failure
        self._journal.sync()

    async def _run_checks(self) -> tuple[ProcessReport, ...]:
        """Run the plan; the processes that carried the mark of no attempt."""
        async with (
            self._host.open_executor() as local,
            trio.open_nursery() as services,
            trio.open_nursery() as pool,
        ):
            remote = self._remote
            executor = remote.executor(local, pool, self._note_present) if remote else local
            run = self._prepare(executor, local.spare)
            try:
                orders = Services(
                    run, self._orders, self._reports, self.folder, self._host.sleep_outside
                )
                await orders.serve(services, early=self._orders.left_over())
                signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
                await run.run()
            finally:
                self._recorder.strained = lambda: None
                unattributed = await executor.close(shield_s=CLOSE_BOUND_S)
            pool.cancel_scope.cancel()
            services.cancel_scope.cancel()
        return unattributed

    def _prepare(self, executor: Executor, spare: Callable[[int], None]) -> Run:
        launch = self._launch
        if may_reuse(launch.plan) and not self._nested and launch.staged is None:
            from vibeguard.system.supervisor.reusing import Reusing  # noqa: PLC0415 - preloaded

            self._reusing = Reusing(launch, spare, self._host)
        judging = Judging(
            launch,
            launch.plan.settings,
            self._output_path,
            spare,
            self._former,
            view=self._view,
            in_fork=self._host.in_fork,
        )
        self._run = run = Run(
            executor=executor,
            recorder=self._recorder,
            clock=self._clock,
            specify=self._specify,
            judge=judging.judge,
            begin=judging.begin,
            groups=Groups(os.path.join(os.fsdecode(launch.state_dir), "groups")),
            keep=self._keep_output,
            reusing=self._reusing,
        )
        soon = trio.lowlevel.current_trio_token().run_sync_soon
        self._recorder.strained = lambda: soon(self._cancel_unstored, DISK_FULL)
        if self._journal.on_reserve:  # full before there was a run that could be given up
            self._cancel_unstored(DISK_FULL)
        return run

    def _seal(self) -> LogSealed:
        """The last event. One that is there but may be lost again is not to pass later, either."""
        unsealed = self._journal.events
        try:
            return self._journal.seal()
        except LogWriteError as error:
            if self._journal.events > unsealed:
                note_differences(self.folder, (error.what,))
            raise

    def _output_path(self, planned: PlannedCheck, number: int) -> str:
        return f"{self.folder}/{output_name(planned, number)}"

    def _specify(self, planned: PlannedCheck, number: int) -> AttemptSpec:
        self._former.note(planned)
        launch = self._launch
        base = os.fsdecode(launch.config_folder if planned.cwd else launch.folder)
        environment = check_environment(
            launch.environment,
            planned,
            launch.variables.get(planned.id, {}),
            run_id=self.run_id,
            attempt=number,
        )
        listed = launch.files.get(planned.id)
        if listed is not None:
            environment[b"VIBEGUARD_FILES"] = self._file_list(planned, listed)
        files = tuple((listed or b"").split(b"\0")[:-1]) if planned.pass_files else ()
        cwd = os.path.normpath(os.path.join(base, planned.cwd)) if planned.cwd else base
        returned = f"{self.folder}/{artifacts_name(planned, number)}"
        remote = self._remote if planned.where is not None else None
        return AttemptSpec(
            run_id=self.run_id,
            check=planned.id,
            attempt=number,
            command=planned.run,
            shell=planned.shell,
            cwd=cwd,
            environment=environment,
            output_path=self._output_path(planned, number),
            output_limit_bytes=planned.output_limit_bytes,
            leaks=planned.leaks,
            leak_grace_ns=launch.plan.settings.leak_grace_ns,
            files=files,
            remote=remote.spec(launch, planned, cwd, returned, listed) if remote else None,
        )

    def _note_present(self, check: str, attempt: int, present: tuple[str, ...]) -> None:
        """Other workers are there while an attempt waits for one."""
        awaits = self.state.checks[check].awaits
        if awaits is not None and awaits.attempt == attempt:
            self._recorder.record(replace(awaits, present=present))

    def _file_list(self, planned: PlannedCheck, listed: bytes) -> bytes:
        """The path of the list of a check's files, written before its first attempt."""
        path = os.path.join(self.folder, "files", planned.stem)
        if not os.path.exists(path):
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(create_file(path, flags=os.O_WRONLY), "wb") as file:
                file.write(listed)
        return os.fsencode(path)

    def _keep_output(self, planned: PlannedCheck, number: int, result: AttemptResult) -> None:
        """Remember what must still be there at the end; end the run when output was lost."""
        name = output_name(planned, number)
        if result.output_sha256:
            self._journal.expect_output(
                name, result.output_bytes, result.output_sha256, result.output_file
            )
        if self._launch.log_dir:
            self._logs[planned.id] = os.path.join(self.folder, name)
        if result.output_error:
            self._cancel_unstored(f"the output of {planned.id} {result.output_error}")

    def _cancel_unstored(self, why: str) -> None:
        """What a run says of itself can no longer be stored whole: cancel it."""
        self._run.cancel(CancelReason.LOG_FAILURE, by=why)

    def _finish(self, unattributed: tuple[ProcessReport, ...]) -> None:
        state = self._recorder.state
        ruling = verdict_of(state)
        vcs = tree_at_the_end(self._launch)
        self._recorder.record(
            RunFinished(
                verdict=ruling.verdict,
                counts=outcome_counts(state),
                exit_code=ruling.exit_code,
                elapsed_ns=self._clock.elapsed_ns(),
                reason=ruling.reason,
                unattributed=unattributed,
                vcs=vcs,
                patch=keep_patch(self._view, self.folder),
                changed=changed_meanwhile(self._launch, state, vcs),
            )
        )
