"""The page of many runs: verdicts, durations and what passes now and then, over time.

Its plots are markup, so it needs no script: a bar a run, oldest first, coloured by outcome.
"""

from collections.abc import Container, Iterator, Sequence
from posixpath import basename
from statistics import median

from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import UNPASSED
from vibeguard.core.pages.frame import document, heading, text
from vibeguard.core.report.reasons import duration_ns, shown_status
from vibeguard.core.report.tally import settled_in_words
from vibeguard.core.report.unstable import unstable_checks
from vibeguard.core.wording.units import duration, plural

MOST_CHECKS = 200
MOST_BARS = 60  # of a check: what fits beside its name; the plot of all runs has twice as many
_BAR, _GAP, _HEIGHT, _LEAST = 7, 2, 34, 3

# A run with its verdict or the state of its log, and a check in a run.
ToldRun = tuple[State, str]
_Ran = tuple[State, CheckRecord]


def history_page(runs: Sequence[ToldRun], style: str) -> Iterator[str]:
    """The parts of the page of these runs, the oldest first."""
    started = runs[-1][0].started if runs else None
    project = text(basename(started.cwd.rstrip("/"))) if started else ""
    return document(f"History: {project}", _body(project, runs), style=style)


def _body(project: str, runs: Sequence[ToldRun]) -> Iterator[str]:
    yield f'<header><p class="project">{project}</p>\n'
    word = runs[-1][1] if runs else "pending"
    yield heading(word, f"Last run {word}" if runs else "No runs yet")
    yield f'<p class="said">{text(_said(runs))}</p></header>\n<main id="main">\n'
    if runs:
        yield from _runs(runs)
        yield from _checks(runs)
        yield from _table(runs)
    yield "</main>\n"


def _said(runs: Sequence[ToldRun]) -> str:
    if not runs:
        return "vibeguard run makes the first one."
    passed = sum(word == "passed" for _, word in runs)
    middle = duration(int(median(state.elapsed_ns for state, _ in runs)))
    took = f"it took {middle}" if len(runs) == 1 else f"half of them took {middle} or less"
    since = _begun_at(runs[0][0])[:10]
    return f"{passed} of {plural(len(runs), 'run')} passed since {since}; {took}"


def _begun_at(state: State) -> str:
    return state.started.wall_time if state.started else ""


def _runs(runs: Sequence[ToldRun]) -> Iterator[str]:
    shown = runs[-2 * MOST_BARS :]
    longest = duration(max(state.elapsed_ns for state, _ in shown))
    legend = (
        f"A bar a run, the newest at the right; the longest took {longest}. "
        "Red did not pass, amber was cancelled or passed on a retry, grey has no verdict yet."
    )
    said = "How long each run took, oldest first, by verdict. The table below says it in words."
    yield '<section><h2>Runs</h2><div class="history">\n'
    yield _plot([_bar(state, word, state.elapsed_ns) for state, word in shown], said)
    yield f'</div><p class="legend">{legend}</p></section>\n'


def _bar(state: State, word: str, ns: int) -> tuple[str, int, str]:
    return word, ns, f"{state.run_id}: {word}, {duration(ns)}"


def _checks(runs: Sequence[ToldRun]) -> Iterator[str]:
    """Every check, those first that need a look: unstable, flaky, failing, then by length."""
    found: dict[str, list[_Ran]] = {}
    for state, _ in runs:
        for check, record in state.checks.items():
            found.setdefault(check, []).append((state, record))
    unstable = _unstable(runs)
    ordered = sorted(found.items(), key=lambda item: _rank(item[0], item[1], unstable))
    yield '<section><h2>Checks</h2><ul class="over-time">\n'
    for check, ran in ordered[:MOST_CHECKS]:
        lengths = [ns for each in ran if (ns := duration_ns(*each))]
        usual = duration(int(median(lengths))) if lengths else "never ran"
        newest = (state for state, _ in runs[-MOST_BARS:])
        plot = _plot([_bar_of(state, state.checks.get(check)) for state in newest], "")
        yield (
            f'<li><span class="name">{text(check)}</span><span class="history">{plot}</span>'
            f'<span class="why">{text(_standing(check, ran, unstable))}</span>'
            f'<span class="time">{usual}</span></li>\n'
        )
    yield "</ul>"
    more = len(ordered) - MOST_CHECKS
    yield f'<p class="quiet">and {plural(more, "more check")}</p>' if more > 0 else ""
    yield "</section>\n"


def _bar_of(state: State, record: CheckRecord | None) -> tuple[str, int, str]:
    if record is None:
        return "", 0, ""
    word = "flaky" if record.flaky else shown_status(record)
    return _bar(state, word, duration_ns(state, record))


def _unstable(runs: Sequence[ToldRun]) -> dict[str, str]:
    """What passed and failed on one and the same tree, with a sentence about the newest one."""
    found: dict[str, str] = {}
    for one in unstable_checks(state for state, _ in reversed(runs)):
        found.setdefault(
            one.check, f"on the same tree {one.tree[:12]}: {one.passed} passed, {one.failed} failed"
        )
    return found


def _troubles(ran: Sequence[_Ran]) -> tuple[int, int]:
    """How often a check did not pass, and how often only when it was tried again."""
    failed = sum(shown_status(record) in UNPASSED for _, record in ran)
    return failed, sum(record.flaky for _, record in ran)


def _rank(check: str, ran: Sequence[_Ran], unstable: Container[str]) -> tuple[int, ...]:
    bad, flaky = _troubles(ran)
    return (-(check in unstable), -flaky, -bad, -max(duration_ns(*each) for each in ran))


def _standing(check: str, ran: Sequence[_Ran], unstable: dict[str, str]) -> str:
    bad, flaky = _troubles(ran)
    parts = [f"failed {bad} of {len(ran)}" if bad else ""]
    parts += [f"passed on a retry in {flaky}" if flaky else "", unstable.get(check, "")]
    return ", ".join(filter(None, parts))


def _table(runs: Sequence[ToldRun]) -> Iterator[str]:
    yield '<section><h2 id="table">Newest first</h2>\n'
    # What sticks out is reached by the keys, too.
    yield '<div class="scroll" tabindex="0" role="region" aria-labelledby="table"><table>'
    yield "<thead><tr>"
    names = ("Run", "Verdict", "Took", "Started", "Branch", "Commit", "Checks")
    yield "".join(f'<th scope="col">{name}</th>' for name in names) + "</tr></thead><tbody>\n"
    for state, word in reversed(runs):
        when, vcs = _begun_at(state)[:16].replace("T", " "), state.vcs
        where = (vcs.branch, vcs.head[:12]) if vcs else ("", "")
        cells = (duration(state.elapsed_ns), when, *where, settled_in_words(state))
        yield (
            f'<tr><th scope="row">{text(state.run_id)}</th><td class="{word}">{word}</td>'
            + "".join(f"<td>{text(cell)}</td>" for cell in cells)
            + "</tr>\n"
        )
    yield "</tbody></table></div></section>\n"


def _plot(points: Sequence[tuple[str, int, str]], label: str) -> str:
    """A bar a point: its class, its nanoseconds, what it says when pointed at."""
    longest = max((ns for _, ns, _ in points), default=0) or 1
    width = len(points) * (_BAR + _GAP)
    about = f'role="img" aria-label="{text(label)}"' if label else 'aria-hidden="true"'
    bars = []
    for place, (word, ns, title) in enumerate(points):
        if word:
            high = max(round(ns / longest * _HEIGHT), _LEAST)
            where = (
                f'x="{place * (_BAR + _GAP)}" y="{_HEIGHT - high}" width="{_BAR}" height="{high}"'
            )
            bars.append(f'<rect class="bar {word}" {where}><title>{text(title)}</title></rect>')
    return f'<svg {about} width="{width}" height="{_HEIGHT}">{"".join(bars)}</svg>'
