"""The checks of one run under Trio: executor, nurseries, judging; what they come to is sealed."""

import contextlib
import os
import signal
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import trio
from msgspec.structs import replace

from vibeguard.core.fold.verdict import Ruling
from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.names import CancelReason
from vibeguard.system.channel import OrderReader, Sealed
from vibeguard.system.discovery.environment import FILE_LIST, check_environment
from vibeguard.system.ending_signals import ENDING
from vibeguard.system.executors.base import AttemptResult, AttemptSpec, Executor
from vibeguard.system.executors.local import CLOSE_BOUND_S
from vibeguard.system.process.start_refused import storing
from vibeguard.system.rundir.files import write_new
from vibeguard.system.supervisor.groups import Groups
from vibeguard.system.supervisor.host import Host
from vibeguard.system.supervisor.judging import Judging
from vibeguard.system.supervisor.preload import may_reuse
from vibeguard.system.supervisor.run import Run
from vibeguard.system.supervisor.run_log import RunLog
from vibeguard.system.supervisor.services import Services
from vibeguard.system.supervisor.support import Patience, Support

if TYPE_CHECKING:
    from vibeguard.system.reuse.lookup import Found
    from vibeguard.system.supervisor.remote import Remote
    from vibeguard.system.supervisor.reusing import Reusing
from collections.abc import Iterable, Mapping

from vibeguard.core.problems import LogWriteError

DISK_FULL = "the disk is full"


class Session:
    """Runs what the log has planned.

    `reports` is the pipe to the front, which reads it until it exits. `remote` is there where
    checks go to other machines; `found` is what has been looked up before.
    """

    def __init__(
        self,
        log: RunLog,
        orders: OrderReader,
        reports: int,
        remote: "Remote | None" = None,
        found: "Found | None" = None,
        *,
        host: Host = Host(),  # noqa: B008 - it never changes
    ) -> None:
        self._log = log
        self._host = host
        self._remote = remote
        self._orders = orders
        self._reports = reports
        self._clock = host.clock(log.start_ns)
        self._logs: dict[str, str] = {}
        self._reusing: Reusing | None = None
        self._found = found

    def run(self) -> Sealed:
        """Run the plan, seal its log and read it back. Raises LogWriteError."""
        ruling, unattributed = trio.run(self._run_checks, clock=self._clock)
        self._log.unattributed += unattributed
        if self._log.launch.log_dir:
            folder = os.fsdecode(self._log.launch.log_dir)
            copy_outputs(folder, self._log.launch.plan.checks, self._logs)
        sealed = self._log.finish(ruling, self._reusing.at_the_end if self._reusing else None)
        if self._reusing is not None and not sealed.differences:
            with contextlib.suppress(OSError):  # the verdict does not depend on it
                self._reusing.keep(self._log.state, sealed.sha256)
        return sealed

    async def _run_checks(self) -> tuple[Ruling, tuple[ProcessReport, ...]]:
        """Run the plan: what it comes to, and the processes that carried the mark of no attempt."""
        async with (
            self._host.open_executor() as local,
            trio.open_nursery() as services,
            trio.open_nursery() as pool,
        ):
            remote = self._remote
            executor: Executor = local
            if remote is not None:
                outside = self._host.sleep_outside
                executor = remote.executor(local, pool, self._note_present, outside)
            run = self._prepare(executor, local.spare)
            try:
                orders = Services(
                    services,
                    run,
                    self._orders,
                    self._reports,
                    self._log.folder,
                    self._host.sleep_outside,
                )
                await orders.serve(early=self._orders.left_over())
                signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
                ruling = await run.run()
            finally:  # every executor shields its `close`, and bounds it
                self._log.recorder.strained = lambda: None
                unattributed = await executor.close(shield_s=CLOSE_BOUND_S)
            pool.cancel_scope.cancel()
            services.cancel_scope.cancel()
        return ruling, unattributed

    def _prepare(self, executor: Executor, spare: Callable[[int], None]) -> Run:
        launch = self._log.launch
        fork = partial(self._host.in_fork, spare)
        if may_reuse(launch.plan) and not self._log.nested and launch.staged is None:
            from vibeguard.system.supervisor.reusing import Reusing  # noqa: PLC0415 - preloaded

            self._reusing = Reusing(launch, fork, self._found)
        judging = Judging(self._log, fork)
        self._run = run = Run(
            support=Support(
                executor=executor,
                patience=Patience(self._log.state),
                begin=judging.begin,
                specify=self._specify,
                judge=judging.judge,
                keep=self._keep_output,
            ),
            recorder=self._log.recorder,
            clock=self._clock,
            groups=Groups(os.path.join(os.fsdecode(launch.state_dir), "groups"), self._log.run_id),
            reusing=self._reusing,
        )
        soon = trio.lowlevel.current_trio_token().run_sync_soon
        self._log.recorder.strained = lambda: soon(self._cancel_unstored, DISK_FULL)
        if self._log.journal.on_reserve:  # full before there was a run that could be given up
            self._cancel_unstored(DISK_FULL)
        return run

    def _specify(self, planned: PlannedCheck, number: int) -> AttemptSpec:
        launch = self._log.launch
        remote = None if planned.where is None else self._remote
        listed = launch.files.get(planned.id)
        environment: dict[bytes, bytes] = {}  # there, its worker's
        if remote is None:
            environment = check_environment(
                launch.environment,
                planned,
                launch.variables.get(planned.id, {}),
                run_id=self._log.run_id,
                attempt=number,
            )
        if remote is None and listed is not None:
            environment[FILE_LIST] = self._file_list(planned, listed)
        files = tuple((listed or b"").split(b"\0")[:-1]) if planned.pass_files else ()
        spec = AttemptSpec(
            run_id=self._log.run_id,
            check=planned.id,
            attempt=number,
            command=planned.run,
            shell=planned.shell,
            cwd=launch.cwd_of(planned),
            environment=environment,
            output_path=self._log.output_path(planned, number),
            output_limit_bytes=planned.output_limit_bytes,
            leaks=planned.leaks,
            leak_grace_ns=launch.plan.settings.leak_grace_ns,
            files=files,
            read_at_end=planned.read_at_end,
        )
        if remote is None:
            return spec
        returned = f"{self._log.folder}/{planned.artifacts_name(number)}"
        sent = remote.spec(launch, planned, spec, returned=returned, listed=listed)
        return replace(spec, remote=sent)

    def _note_present(self, check: str, attempt: int, present: tuple[str, ...]) -> None:
        """Other workers are there while an attempt waits for one."""
        awaits = self._log.state.checks[check].awaits
        if awaits is not None and awaits.attempt == attempt:
            self._log.recorder.record(replace(awaits, present=present))

    def _file_list(self, planned: PlannedCheck, listed: bytes) -> bytes:
        """The path of the list of a check's files, written before its first attempt.

        Raises StartRefused.
        """
        path = os.path.join(self._log.folder, "files", planned.stem)
        if not os.path.exists(path):
            with storing(f"the list of its files {path} cannot be written"):
                os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
                write_new(path, listed)
        return os.fsencode(path)

    def _keep_output(self, planned: PlannedCheck, number: int, result: AttemptResult) -> None:
        """Remember what must still be there at the end; end the run when output was lost."""
        name = planned.output_name(number)
        if result.output_sha256:
            self._log.journal.expect_output(
                name, result.output_bytes, result.output_sha256, result.output_file
            )
        if self._log.launch.log_dir:
            self._logs[planned.id] = os.path.join(self._log.folder, name)
        if result.output_error:
            self._cancel_unstored(f"the output of {planned.id} {result.output_error}")

    def _cancel_unstored(self, why: str) -> None:
        """What a run says of itself can no longer be stored whole: cancel it."""
        self._run.cancel(CancelReason.LOG_FAILURE, by=why)


LONGEST_NAME_BYTES = 250  # with `.log`, what file systems take


def copy_outputs(folder: str, checks: Iterable[PlannedCheck], outputs: Mapping[str, str]) -> None:
    """`--log-dir`: `<id>.log` in this folder for each check that has an output. LogWriteError."""
    import shutil  # noqa: PLC0415 - slow to import; supervisor.preload has it

    written: dict[str, list[str]] = {}
    try:
        os.makedirs(folder, exist_ok=True)
        for check in checks:
            if check.id in outputs:
                path = _copy_path(folder, check, written.setdefault(check.id.casefold(), []))
                shutil.copyfile(outputs[check.id], path)
    except OSError as error:
        raise LogWriteError(
            f"the outputs cannot be copied to {folder}: {error.strerror}",
            "name another folder: --log-dir",
        ) from error


def _copy_path(folder: str, check: PlannedCheck, alike: list[str]) -> str:
    """`<id>.log`, unless that is too long, or the file of an id that differs in case alone.

    `alike` are the paths of such ids; this one is added.
    """
    path = os.path.join(folder, f"{check.id}.log")
    too_long = len(check.id.encode()) > LONGEST_NAME_BYTES
    if too_long or any(os.path.exists(path) and os.path.samefile(path, one) for one in alike):
        path = os.path.join(folder, f"{check.stem}.log")
    alike.append(path)
    return path
