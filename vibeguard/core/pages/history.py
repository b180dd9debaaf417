"""The page of many runs: verdicts, durations and what passes now and then, over time.

Its plots are markup, so it needs no script: a bar a run, oldest first, coloured by outcome.
"""

from collections.abc import Container, Iterator, Sequence
from statistics import median

from msgspec import Struct

from vibeguard.core.pages.frame import document, heading, text
from vibeguard.core.wording.units import duration, plural

MOST_CHECKS = 200
MOST_BARS = 60  # of a check: what fits beside its name; the plot of all runs has twice as many
_BAR, _GAP, _HEIGHT, _LEAST = 7, 2, 34, 3
_UNPASSED = ("failed", "timeout", "error")


class HistoryRun(Struct, frozen=True):
    """One run: `word` is its verdict or the state of its log, `ns` how long it took."""

    run_id: str
    word: str
    ns: int
    started: str
    counts: str
    branch: str = ""
    commit: str = ""


class HistoryCheck(Struct, frozen=True):
    """One check in one run; `word` is what is shown for it, `flaky` a pass that took a retry."""

    word: str
    ns: int
    flaky: bool = False


class History(Struct, frozen=True):
    """Runs, the oldest first; of each check what it came to in each of them, None where in none.

    `unstable` are the checks that passed and failed on one and the same tree, with a sentence.
    """

    project: str
    runs: Sequence[HistoryRun]
    checks: dict[str, list[HistoryCheck | None]]
    unstable: dict[str, str]


def history_page(history: History, style: str) -> Iterator[str]:
    """The parts of the page."""
    return document(f"History: {text(history.project)}", _body(history), style=style)


def _body(history: History) -> Iterator[str]:
    runs = history.runs
    yield f'<header><p class="project">{text(history.project)}</p>\n'
    word = runs[-1].word if runs else "pending"
    yield heading(word, f"Last run {word}" if runs else "No runs yet")
    yield f'<p class="said">{text(_said(runs))}</p></header>\n<main id="main">\n'
    if runs:
        yield from _runs(runs)
        yield from _checks(history)
        yield from _table(runs)
    yield "</main>\n"


def _said(runs: Sequence[HistoryRun]) -> str:
    if not runs:
        return "vibeguard run makes the first one."
    passed = sum(run.word == "passed" for run in runs)
    middle = duration(int(median(run.ns for run in runs)))
    took = f"it took {middle}" if len(runs) == 1 else f"half of them took {middle} or less"
    return f"{passed} of {plural(len(runs), 'run')} passed since {runs[0].started[:10]}; {took}"


def _runs(runs: Sequence[HistoryRun]) -> Iterator[str]:
    shown = runs[-2 * MOST_BARS :]
    longest = duration(max(run.ns for run in shown))
    legend = (
        f"A bar a run, the newest at the right; the longest took {longest}. "
        "Red did not pass, amber was cancelled or passed on a retry, grey has no verdict yet."
    )
    said = "How long each run took, oldest first, by verdict. The table below says it in words."
    yield '<section><h2>Runs</h2><div class="history">\n'
    yield _plot([(run.word, run.ns, _title(run)) for run in shown], said)
    yield f'</div><p class="legend">{legend}</p></section>\n'


def _title(run: HistoryRun) -> str:
    return f"{run.run_id}: {run.word}, {duration(run.ns)}"


def _checks(history: History) -> Iterator[str]:
    """Every check, those first that need a look: unstable, flaky, failing, then by length."""
    ordered = sorted(
        history.checks.items(), key=lambda item: _rank(item[0], item[1], history.unstable)
    )
    yield '<section><h2>Checks</h2><ul class="over-time">\n'
    for check, points in ordered[:MOST_CHECKS]:
        ran = [point for point in points if point is not None and point.ns]
        usual = duration(int(median(point.ns for point in ran))) if ran else "never ran"
        newest = list(zip(points, history.runs, strict=True))[-MOST_BARS:]
        plot = _plot([_point(point, run) for point, run in newest], "")
        yield (
            f'<li><span class="name">{text(check)}</span><span class="history">{plot}</span>'
            f'<span class="why">{text(_standing(check, points, history.unstable))}</span>'
            f'<span class="time">{usual}</span></li>\n'
        )
    yield "</ul>"
    more = len(ordered) - MOST_CHECKS
    yield f'<p class="quiet">and {plural(more, "more check")}</p>' if more > 0 else ""
    yield "</section>\n"


def _point(point: HistoryCheck | None, run: HistoryRun) -> tuple[str, int, str]:
    if point is None:
        return "", 0, ""
    word = "flaky" if point.flaky else point.word
    return word, point.ns, f"{run.run_id}: {word}, {duration(point.ns)}"


def _troubles(found: Sequence[HistoryCheck]) -> tuple[int, int]:
    """How often a check did not pass, and how often only when it was tried again."""
    return sum(point.word in _UNPASSED for point in found), sum(point.flaky for point in found)


def _rank(
    check: str, points: Sequence[HistoryCheck | None], unstable: Container[str]
) -> tuple[int, ...]:
    found = [point for point in points if point is not None]
    bad, flaky = _troubles(found)
    return (-(check in unstable), -flaky, -bad, -max((point.ns for point in found), default=0))


def _standing(check: str, points: list[HistoryCheck | None], unstable: dict[str, str]) -> str:
    found = [point for point in points if point is not None]
    bad, flaky = _troubles(found)
    parts = [f"failed {bad} of {len(found)}" if bad else ""]
    parts += [f"passed on a retry in {flaky}" if flaky else "", unstable.get(check, "")]
    return ", ".join(filter(None, parts))


def _table(runs: Sequence[HistoryRun]) -> Iterator[str]:
    yield '<section><h2 id="table">Newest first</h2>\n'
    # What sticks out is reached by the keys, too.
    yield '<div class="scroll" tabindex="0" role="region" aria-labelledby="table"><table>'
    yield "<thead><tr>"
    names = ("Run", "Verdict", "Took", "Started", "Branch", "Commit", "Checks")
    yield "".join(f'<th scope="col">{name}</th>' for name in names) + "</tr></thead><tbody>\n"
    for run in reversed(runs):
        when = run.started[:16].replace("T", " ")
        cells = (duration(run.ns), when, run.branch, run.commit[:12], run.counts)
        yield (
            f'<tr><th scope="row">{text(run.run_id)}</th><td class="{run.word}">{run.word}</td>'
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
