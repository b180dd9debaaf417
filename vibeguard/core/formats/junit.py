"""JUnit XML as Jenkins, GitLab and most CI services read it: one suite, a test case a check.

A check that was cancelled or never finished is an `<error>`: services take `<skipped>` for
harmless, and nothing that was not run may look passed. A warning that did not pass is `<skipped>`
with its reason, since services fail a build on `<failure>`.
"""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from vibeguard.core.formats.base import NOTHING_MORE, Ending, Format
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import Outcome
from vibeguard.core.report.build import run_problem
from vibeguard.core.report.cases import suites_of_tests
from vibeguard.core.report.failure import fact_lines, lines_besides
from vibeguard.core.report.reasons import reason_of, shown_status
from vibeguard.core.report.results import result_lines
from vibeguard.core.report.savings import duration_ns
from vibeguard.core.report.workers import queued_ns, worker_of
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import SECOND_NS

_ELEMENTS = {
    "failed": "failure",
    "timeout": "failure",
    "error": "error",
    "cancelled": "error",
    "skipped": "skipped",
    "warned": "skipped",
}


class JUnitFormat(Format):
    """One XML document at the end."""

    exact = False

    def finish(self, state: State, ending: Ending = NOTHING_MORE) -> str:
        """The document."""
        root, suite = Element("testsuites"), Element("testsuite")
        root.append(suite)
        for record in state.checks.values():
            suite.append(_case(state, record))
        problem = sanitise(run_problem(state, ending))
        if problem:
            case = SubElement(suite, "testcase", name="run", classname="vibeguard", time="0.000")
            SubElement(case, "error", type="run", message=problem)
        _totals(suite, state)
        root.extend(suites_of_tests(state))
        root.attrib.update({k: v for k, v in suite.attrib.items() if k in _ROOT_ATTRIBUTES})
        for counted in ("tests", "failures", "errors"):
            root.set(counted, str(sum(int(each.get(counted, 0)) for each in root)))
        indent(root)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


_ROOT_ATTRIBUTES = ("name", "tests", "failures", "errors", "time")


def _case(state: State, record: CheckRecord) -> Element:
    planned, settled = record.planned, record.settled
    seconds = _seconds(duration_ns(record, state.last_t))
    attributes = {"name": sanitise(planned.id), "classname": "vibeguard", "time": seconds}
    case = Element("testcase", attributes)
    case.extend(_properties(record))
    if settled is None:
        message = f"{record.state.value} when the log ended"
        message += f": {sanitise(reason_of(state, record))}" if reason_of(state, record) else ""
        case.append(Element("error", {"type": "unfinished", "message": message}))
    elif record.outcome is not Outcome.PASSED:
        case.append(_not_passed(state, record))
    elif settled.flaky:
        message = f"passed on attempt {settled.attempts}"
        case.append(Element("flakyFailure", {"type": "retry", "message": message}))
    elif record.reused is not None:
        SubElement(case, "system-out").text = sanitise(reason_of(state, record))
    return case


def _properties(record: CheckRecord) -> Iterator[Element]:
    """The worker that had it, and for how many seconds that was waited for; none of here."""
    worker, queued = worker_of(record), queued_ns(record)
    if worker:
        properties = Element("properties")
        SubElement(properties, "property", name="worker", value=sanitise(worker))
        if queued is not None:
            SubElement(properties, "property", name="queued", value=_seconds(queued))
        yield properties


def _not_passed(state: State, record: CheckRecord) -> Element:
    settled, word = record.settled, shown_status(record)
    reason = settled.reason.value if settled and settled.reason else word
    prefix = "" if word in ("failed", "timeout") else f"{word}: "
    message = prefix + sanitise(reason_of(state, record))
    name = _ELEMENTS[word]
    if name == "skipped":
        return Element(name, {"message": message})
    made = Element(name, {"type": reason, "message": message})
    lines = lines_besides(record, settled) if settled else []
    made.text = "\n".join([*result_lines(record), *lines, *fact_lines(record)])
    return made


def _totals(suite: Element, state: State) -> None:
    counted = {name: sum(1 for _ in suite.iter(name)) for name in ("failure", "error", "skipped")}
    took = state.finished.elapsed_ns if state.finished else state.last_t
    suite.attrib.update(
        {
            "name": "vibeguard",
            "tests": str(len(suite)),
            "failures": str(counted["failure"]),
            "errors": str(counted["error"]),
            "skipped": str(counted["skipped"]),
            "time": _seconds(took),
        }
    )
    if state.started is not None:
        suite.set("timestamp", sanitise(state.started.wall_time).partition(".")[0].rstrip("Z"))


def _seconds(ns: int) -> str:
    return f"{ns // SECOND_NS}.{ns % SECOND_NS // 1_000_000:03}"
