"""`vibeguard explain CHECK`: why it would run or be reused."""

import os

from msgspec.structs import replace

from vibeguard.commands.caller_folders import state_dir_of_runs
from vibeguard.commands.loading import Loaded, load
from vibeguard.commands.options import GlobalOptions, OneCheckName
from vibeguard.commands.streams import write_answer
from vibeguard.core.model.plan import is_handed_files
from vibeguard.core.planning.plan import plan_of_all
from vibeguard.core.planning.select import select
from vibeguard.core.reuse.explanation import Explanation, differences, explanation_lines
from vibeguard.core.reuse.record import Record, why_never
from vibeguard.core.wording.units import MILLISECOND_NS, duration
from vibeguard.system.clock import wall_ns
from vibeguard.system.discovery.environment import caller_environment
from vibeguard.system.reuse.moment import Moment, Subject, Taken
from vibeguard.system.reuse.records import Records
from vibeguard.system.reuse.standing import Standing
from vibeguard.system.rundir.files import told


def explain(check: OneCheckName, /, *, common: GlobalOptions) -> int:
    """Say whether `run --reuse` would reuse a check, and if not, what has changed; exit 0."""
    loaded = load(common)
    select(loaded.config, (check,))  # names what there is where there is no such check
    if loaded.config.settings.reuse is False:
        answer = Explanation(check, reused=False, why="the settings turn reuse off")
    else:
        answer = _explained(check, _subject(loaded, state_dir_of_runs(common)))
    write_answer(answer, explanation_lines(answer), as_json=common.json)
    return 0


def _subject(loaded: Loaded, state_dir: str) -> Subject:
    """What a run of all checks would be about."""
    config = loaded.config
    plan = plan_of_all(config, reuse=True)
    files = {}
    if any(map(is_handed_files, plan.checks)):
        from vibeguard.commands.file_lists import file_lists  # noqa: PLC0415 - seldom needed

        files = file_lists(loaded, plan.checks, None, state_dir).lists
    return Subject(
        folder=os.fsencode(loaded.located.folder),
        config_folder=os.fsencode(loaded.located.config_folder),
        state_dir=state_dir,
        checks={planned.id: planned for planned in plan.checks},
        settings=plan.settings,
        incomplete=frozenset(),
        variables={each.id: each.env for each in config.checks},
        environment=caller_environment(),
        files=files,
    )


def _explained(check: str, subject: Subject) -> Explanation:
    """Why the check would run or be reused."""
    planned = subject.checks[check]
    records = Records(subject.state_dir)
    passes = records.of(check)
    unrecorded = "" if passes else "no pass of it is recorded"
    # Where nothing has run there is no secret for keys, and to explain makes none.
    why = why_never(planned) or ("" if os.path.isdir(subject.state_dir) else unrecorded)
    if why:
        return Explanation(check, reused=False, why=why)
    try:
        taken = Moment(subject).of(check)
    except OSError as error:
        why = f"what it depends on cannot be read: {told(error)}"
        return Explanation(check, reused=False, why=why)
    if not passes:
        return Explanation(check, reused=False, why=taken.unusable or unrecorded, key=taken.key)
    same = next((record for record in passes if record.key == taken.key), None)
    if taken.unusable:
        return _about(passes[0], taken, taken.unusable)
    if same is None:
        before = records.read_entries(passes[0].manifest)
        found = differences(passes[0].parts, taken.parts, before, taken.entries)
        why = f"since its last pass, {_told(passes[0])}, this has changed"
        return replace(_about(passes[0], taken, why), differences=found)
    if not same.holds(wall_ns(), planned.reuse_for_ns):
        limit = duration(min(planned.reuse_for_ns, same.reuse_for_ns))
        why = f"is older than reuse_for ({limit})"
        if same.passed_ns > wall_ns():
            why = "does not count: the system's clock was set back since"
        return _about(same, taken, f"its pass, {_told(same)}, {why}")
    problem = Standing(subject.state_dir).problem(same)
    if problem:
        return _about(same, taken, f"its pass does not count any more: {problem}")
    rests = any(check == r.check for c in subject.checks.values() for r in c.requires)
    but = "; a check that requires it and runs needs it to run" if rests else ""
    why = f"it passed {_told(same)}, and its key is the same"
    return replace(_about(same, taken, f"{why}{but * (planned.outputs is None)}"), reused=True)


def _about(record: Record, taken: Taken, why: str) -> Explanation:
    return Explanation(
        record.check,
        reused=False,
        why=why,
        key=taken.key,
        run=record.run,
        age_ms=max(wall_ns() - record.passed_ns, 0) // MILLISECOND_NS,
    )


def _told(record: Record) -> str:
    """Which pass it was: `in run X, 3m ago`."""
    age_ns = wall_ns() - record.passed_ns
    ago = f"{duration(age_ns)} ago" if age_ns >= 0 else f"{duration(-age_ns)} ahead of the clock"
    return f"in run {record.run}, {ago}"
