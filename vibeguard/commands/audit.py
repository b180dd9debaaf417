"""`vibeguard audit CHECK`: what a check reads, writes and talks to, seen by a tracer in one run."""

import codecs
import os
import tempfile
from collections.abc import Callable, Mapping
from functools import partial

from vibeguard.commands.loading import Loaded, load, state_dir_of_run
from vibeguard.commands.options import GlobalOptions, OneCheckName
from vibeguard.commands.streams import write_answer, write_err
from vibeguard.core.audit.accesses import Accesses
from vibeguard.core.audit.findings import Audit, audit_lines, audit_of
from vibeguard.core.audit.syscalls import Syscalls
from vibeguard.core.model.plan import PlannedCheck, ResolvedSettings, is_handed_files
from vibeguard.core.names import ExitCode
from vibeguard.core.planning.plan import plan_of_all
from vibeguard.core.planning.select import select
from vibeguard.core.problems import UsageError
from vibeguard.core.redaction import masking, secret_values
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.audit.traced_attempt import Ended, TracedAttempt
from vibeguard.system.audit.tracer import ignored_by_git, usable_tracer
from vibeguard.system.clock import wall_ns
from vibeguard.system.discovery.environment import FILE_LIST, caller_environment, check_environment
from vibeguard.system.discovery.whereabouts import repository_root
from vibeguard.system.executors.base import AttemptSpec
from vibeguard.system.front.signals import EXIT_CODES
from vibeguard.system.process.exits import signal_number
from vibeguard.system.process.start_refused import StartRefused
from vibeguard.system.rundir.ids import new_run_id

_SIGNALLED = 128
_LONGEST_LINE = 1 << 16
_decoder = codecs.getincrementaldecoder("utf-8")


def audit(check: OneCheckName, /, *, common: GlobalOptions) -> int:
    """Run a check once under strace, and say what its inputs miss; the exit code is the check's.

    Linux only. Its output goes to stderr. Nothing is recorded: no verdict rests on it.
    """
    loaded = load(common)
    select(loaded.config, (check,))  # names what there is where there is no such check
    environment = caller_environment()
    strace = usable_tracer(environment)
    plan = plan_of_all(loaded.config)
    planned = next(each for each in plan.checks if each.id == check)
    state_dir = state_dir_of_run(loaded.located, common)
    with tempfile.TemporaryDirectory(prefix="vibeguard-audit-") as scratch:
        spec = _spec(loaded, planned, plan.settings, state_dir, scratch)
        calls, facts = Syscalls(), _facts(loaded, spec, state_dir)
        mask = masking(_secrets(loaded, check, environment))
        read, shown = partial(_read, calls, facts), _Shown(mask)
        ended = _run(TracedAttempt(spec, planned, plan.settings.grace_ns, strace, read, shown.add))
        shown.end()
    if ended.cancelled_by is not None:
        write_err(f"vibeguard: the audit of {check} was ended by {ended.cancelled_by.name}\n")
        return EXIT_CODES[ended.cancelled_by]
    if not facts.started:
        raise UsageError("a trace cannot be taken: strace started nothing", "look at what it said")
    words, code = _told(ended)
    ignored = ignored_by_git(os.fsencode(loaded.located.folder), facts.uses, environment)
    found: Audit = mask(
        audit_of(planned, facts, ignored, ended=words, exit_code=code, unread=calls.unread)
    )
    lines = audit_lines(found, everything=common.verbose > 0)
    write_answer(found, lines, as_json=common.json)
    return code


def _spec(
    loaded: Loaded,
    planned: PlannedCheck,
    settings: ResolvedSettings,
    state_dir: str,
    scratch: str,
) -> AttemptSpec:
    """What a run would start."""
    located = loaded.located
    own = next(each.env for each in loaded.config.checks if each.id == planned.id)
    run_id = new_run_id(wall_ns())
    environment = check_environment(caller_environment(), planned, own, run_id=run_id, attempt=1)
    files: tuple[bytes, ...] = ()
    if is_handed_files(planned):
        from vibeguard.commands.file_lists import file_lists  # noqa: PLC0415 - seldom needed

        listed = file_lists(loaded, (planned,), None, state_dir).lists[planned.id]
        files = tuple(listed.split(b"\0")[:-1]) if planned.pass_files else ()
        with open(f"{scratch}/files", "wb") as file:
            file.write(listed)
        environment[FILE_LIST] = os.fsencode(f"{scratch}/files")
    base = located.config_folder if planned.cwd else located.folder
    return AttemptSpec(
        run_id=run_id,
        check=planned.id,
        attempt=1,
        command=planned.run,
        cwd=os.path.normpath(os.path.join(base, planned.cwd)),
        environment=environment,
        output_path=f"{scratch}/output",
        output_limit_bytes=planned.output_limit_bytes,
        leak_grace_ns=settings.leak_grace_ns,
        shell=planned.shell,
        files=files,
    )


def _facts(loaded: Loaded, spec: AttemptSpec, state: str) -> Accesses:
    """An empty account of what is below the repository, or the run's folder outside of git."""
    folder = os.path.realpath(loaded.located.folder)
    return Accesses(
        root=os.fsencode(os.path.realpath(repository_root(folder) or folder)),
        folder=os.fsencode(folder),
        cwd=os.fsencode(os.path.realpath(spec.cwd)),
        state_dir=os.fsencode(os.path.realpath(state)),
    )


def _read(calls: Syscalls, facts: Accesses, line: bytes) -> None:
    call = calls.read(line)
    if call is not None:
        facts.add(call)


def _secrets(loaded: Loaded, check: str, environment: Mapping[bytes, bytes]) -> frozenset[str]:
    own = (each.env for each in loaded.config.checks if each.id == check)
    return secret_values(loaded.config.settings.redact, environment, own)


class _Shown:
    """The check's output on stderr as it comes, by lines: a secret is not cut in two then."""

    def __init__(self, mask: Callable[[str], str]) -> None:
        self._mask = mask
        self._decoder = _decoder("replace")
        self._rest = ""

    def add(self, data: bytes) -> None:
        lines, newline, self._rest = (self._rest + self._decoder.decode(data)).rpartition("\n")
        if len(self._rest) > _LONGEST_LINE:
            lines, newline, self._rest = lines + newline + self._rest, "", ""
        write_err(sanitise(self._mask(lines) + newline, multiline=True))

    def end(self) -> None:
        write_err(sanitise(self._mask(self._rest), multiline=True))


def _run(attempt: TracedAttempt) -> Ended:
    try:
        return attempt.run()
    except StartRefused as refused:
        raise UsageError(f"the check cannot be started: {refused.reason}", "mend that") from refused


def _told(ended: Ended) -> tuple[str, int]:
    """How the check ended, and the exit code that says so."""
    result = ended.result
    left = ", and left processes behind" if result.leaked else ""
    if ended.limit:
        return ended.limit + left, int(ExitCode.FAILED)
    if result.exit_code is None:
        name = result.signal or "SIGKILL"
        return f"ended by {name}{left}", _SIGNALLED + signal_number(name)
    return f"exit code {result.exit_code}{left}", result.exit_code
