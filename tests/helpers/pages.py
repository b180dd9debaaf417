"""Runs to draw pages of: large ones, and one in which every string is an attack."""

from typing import Any

from tests.helpers.histories import MS, History, check
from tests.helpers.replays import replay
from vibeguard.core.model.config_parts import Requirement
from vibeguard.core.model.event_parts import VersionControl
from vibeguard.core.model.events import CheckResults, CheckSettled, RunFinished
from vibeguard.core.model.plan import ResolvedSettings
from vibeguard.core.model.results import Result
from vibeguard.core.model.settings import Links
from vibeguard.core.model.state import State
from vibeguard.core.names import Outcome, Reason, ResultKind, ResultOutcome, Verdict
from vibeguard.core.pages.history import ToldRun, history_page
from vibeguard.system.front.assets import read_asset

HOSTILE = (
    "</pre></dd></dl></details></td></tr></tbody></table></body></html>",
    "</title></style></script><script>document.body.dataset.ran = 1</script>",
    "<img src=x onerror='document.body.dataset.ran = 1'><svg onload='document.body.dataset.ran=1'>",
    "<link rel=stylesheet href=http://127.0.0.1:9/x><iframe src=http://127.0.0.1:9/></iframe>",
    "' onmouseover='document.body.dataset.ran = 1' \" autofocus onfocus=\"alert(1)",
    "<!-- --!> ]]> <![CDATA[ &lt;script&gt; &#60;b&#62; \x1b[31m\x00\u202e\u200b</",
    "w" * 399,
    "\u4f60" * 399,
)


def hostile_run() -> History:
    """Every string that a config, a check, a report or git can choose is an attack."""
    every = "\n".join(HOSTILE)
    ids = ["fine", "bad", "x" * 220, "after"]
    attack = "javascript://x/%0adocument.body.dataset.ran=1//{file}"
    run = History(
        check("fine", run=every, tags=HOSTILE),
        check("bad", run=every, suggestion=every, fix=every),
        check("x" * 220),
        check("after", requires=(Requirement("bad"),), tags=HOSTILE),
        started={"cwd": f"/{HOSTILE[1]}", "vcs": VersionControl(HOSTILE[2], branch=HOSTILE[3])},
        notes=HOSTILE,
        settings=ResolvedSettings(parallel=4, async_parallel=4, links=Links(attack, attack)),
    )
    run.ready(*ids[:3])
    run.passes("fine")
    run.start("bad")
    run.after(MS * 900).exit("bad", code=1)
    results = tuple(
        Result(ResultKind.TEST, text, ResultOutcome.FAILED, file=text, line=3, message=text)
        for text in HOSTILE
    )
    run.add(CheckResults, check="bad", attempt=1, guessed=True, results=results)
    run.settle("bad", Outcome.FAILED, Reason.EXIT_CODE, tail=HOSTILE)
    run.fails("x" * 220, tail=HOSTILE[2:])
    run.skip("after", cause="bad")
    return run.finish()


def run_of(count: int, failing: int = 0) -> History:
    """So many checks on eight slots; every fifth requires the one eight before it."""
    slots = 8
    names = [f"{('unit', 'lint', 'types')[n % 3]}-{n:05d}" for n in range(count)]
    needs = {n: n - slots for n in range(slots, count) if n % 5 == 0}
    failed = set(range(2, count, count // failing)) if failing else set()
    checks = [
        check(
            name,
            run=f"pytest -q tests/part_{n}",
            tags=("unit",) if n % 3 else ("lint", "fast"),
            requires=(Requirement(names[needs[n]]),) if n in needs else (),
        )
        for n, name in enumerate(names)
    ]
    vcs = VersionControl("1f3a" * 10, dirty=True, branch="feature/cart")
    run = History(
        *checks, started={"vcs": vcs}, settings=ResolvedSettings(parallel=slots, async_parallel=1)
    )
    free = [n for n in range(count) if n not in needs]
    if free:
        run.ready(*[names[n] for n in free])
    for first in range(0, count, slots):
        wave = range(first, min(first + slots, count))
        passed = {n for n in wave if n not in needs or _passed(run, names[needs[n]])}
        required = [names[n] for n in wave if n in needs and n in passed]
        if required:
            run.ready(*required)
        for n in wave:
            if n in passed:
                run.start(names[n])
            else:
                run.skip(names[n], cause=names[needs[n]])
        for n in sorted(passed, key=lambda n: n * 7 % 11):
            run.after((7 + n % 13) * MS).exit(names[n], code=int(n in failed))
            outcome = (Outcome.FAILED, Reason.EXIT_CODE) if n in failed else (Outcome.PASSED, None)
            run.settle(names[n], *outcome, tail=("E   assert 1 == 2",) if n in failed else ())
    return run.finish()


def _passed(run: History, check_id: str) -> bool:
    return run.state.checks[check_id].outcome is Outcome.PASSED


def page_of(run: History, **options: Any) -> str:
    """The page of a run, with its style and script."""
    return replay("html", run.events, asset=read_asset, **options)


def past_runs(count: int, checks: int) -> list[ToldRun]:
    """So many runs of so many checks, eight on one tree; every seventh run failed, by its first check."""
    return [(_past_run(n, checks), ("passed", "failed")[_failed(n)]) for n in range(count)]


def _failed(number: int) -> bool:
    return number % 7 == 3


def _past_run(number: int, checks: int) -> State:
    """A run as its log would tell it; a check more than in the one before it, up to so many."""
    day, took = 1 + number % 28, (900 + number * 37 % 400) * MS
    vcs = VersionControl(
        "1f3a" * 10, branch="feature/cart", content=f"{number // 8:064x}", stillness="s"
    )
    state = History(
        *(check(f"unit-{k}") for k in range(min(number, checks - 1) + 1)),
        started={
            "run_id": f"202611{day:02d}T062528.145898Z-{number:04x}",
            "wall_time": f"2026-11-{day:02d}T06:25:28Z",
            "cwd": "/shop",
            "vcs": vcs,
        },
    ).state
    state.finished = RunFinished(
        t=took, verdict=Verdict.PASSED, counts={}, exit_code=0, elapsed_ns=took, vcs=vcs
    )
    state.settled, state.counts = len(state.checks), {Outcome.PASSED: len(state.checks)}
    for k, (name, record) in enumerate(state.checks.items()):
        ns = 40 * MS if k == 0 else (number + k) % 9 * MS
        bad = k == 0 and _failed(number)
        flaky = k == 0 and number % 5 == 1 and not bad
        record.outcome = Outcome.FAILED if bad else Outcome.PASSED
        record.first_started_t = 0
        record.settled = CheckSettled(t=ns, check=name, outcome=record.outcome, flaky=flaky)
    return state


def hostile_past() -> list[ToldRun]:
    """A history in which every string is an attack."""
    return [(run_of(4).state, "passed"), (hostile_run().state, "failed")]


def page_of_past(past: list[ToldRun]) -> str:
    """The page of a history, with its style."""
    return "".join(history_page(past, read_asset("page.css")))
