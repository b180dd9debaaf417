"""JUnit XML as Jenkins, GitLab and most CI services read it: one suite, a test case a check.

The tests that a check's reports told of are a suite of their own, beside the one of the checks.

A check that was cancelled or never finished is an `<error>`: services take `<skipped>` for
harmless, and nothing that was not run may look passed. A warning that did not pass is `<skipped>`
with its reason, since services fail a build on `<failure>`.
"""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from vibeguard.core.fold.verdict import fails_the_run
from vibeguard.core.formats.base import NOTHING_MORE, Ending, Format
from vibeguard.core.model.results import Result
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import LogStatus, Outcome
from vibeguard.core.report.conclusion import run_problem
from vibeguard.core.report.failure import fact_lines, lines_besides
from vibeguard.core.report.reasons import duration_ns, reason_of, shown_status, worker_of
from vibeguard.core.report.results import place_of, result_lines, tests_of
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import SECOND_NS

# Of the word for a check, or for the outcome of a test.
_ELEMENTS = {
    "failed": "failure",
    "timeout": "failure",
    "error": "error",
    "cancelled": "error",
    "skipped": "skipped",
    "warned": "skipped",
    "xfailed": "skipped",
}


class JUnitFormat(Format):
    """One XML document at the end."""

    exact = False

    def finish(self, state: State, ending: Ending = NOTHING_MORE) -> str:
        """The document."""
        root, suite = Element("testsuites"), Element("testsuite")
        root.append(suite)
        for record in state.checks.values():
            suite.append(_case(state, record, ending))
        problem = sanitise(run_problem(state, ending))
        if problem:
            case = SubElement(suite, "testcase", name="run", classname="vibeguard", time="0.000")
            SubElement(case, "error", type="run", message=problem)
        _count(suite, "vibeguard", state.elapsed_ns)
        if state.started is not None:
            suite.set("timestamp", sanitise(state.started.wall_time).partition(".")[0].rstrip("Z"))
        root.extend(_suites_of_tests(state))
        root.attrib.update({k: v for k, v in suite.attrib.items() if k in _ROOT_ATTRIBUTES})
        for counted in ("tests", "failures", "errors"):
            root.set(counted, str(sum(int(each.get(counted, 0)) for each in root)))
        indent(root)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


_ROOT_ATTRIBUTES = ("name", "tests", "failures", "errors", "time")


def _case(state: State, record: CheckRecord, ending: Ending) -> Element:
    planned, settled = record.planned, record.settled
    seconds = _seconds(duration_ns(state, record))
    attributes = {"name": sanitise(planned.id), "classname": "vibeguard", "time": seconds}
    case = Element("testcase", attributes)
    case.extend(_properties(record))
    if settled is None:
        live = ending.log_status is LogStatus.LIVE
        message = f"{record.state.value}{', not the end yet' if live else ' when the log ended'}"
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
    worker, queued = worker_of(record), record.queued_ns
    if worker:
        properties = Element("properties")
        SubElement(properties, "property", name="worker", value=sanitise(worker))
        if queued is not None:
            SubElement(properties, "property", name="queued", value=_seconds(queued))
        yield properties


def _not_passed(state: State, record: CheckRecord) -> Element:
    word = shown_status(record)
    prefix = "" if word in ("failed", "timeout") else f"{word}: "
    message = prefix + sanitise(reason_of(state, record))
    name = _ELEMENTS[word]
    if name == "skipped":
        return Element(name, {"message": message})
    made = Element(name, {"type": record.reason or word, "message": message})
    made.text = "\n".join([*result_lines(record), *lines_besides(record), *fact_lines(record)])
    return made


def _count(suite: Element, name: str, took_ns: int) -> None:
    """The attributes that sum a suite up."""
    totals = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    counted = {total: str(sum(1 for _ in suite.iter(one))) for total, one in totals.items()}
    tests = str(sum(1 for _ in suite.iter("testcase")))
    suite.attrib.update({"name": name, "tests": tests, **counted, "time": _seconds(took_ns)})


def _suites_of_tests(state: State) -> list[Element]:
    """One `testsuite` for each check whose reports held tests; guessed ones are none."""
    found = ((record, tests_of(record)) for record in state.checks.values())
    return [_suite(record, tests) for record, tests in found if tests]


def _suite(record: CheckRecord, tests: list[Result]) -> Element:
    suite = Element("testsuite")
    check = sanitise(record.planned.id)
    for test in tests:
        suite.append(_test(check, test, fails=fails_the_run(record)))
    _count(suite, check, sum(test.duration_ns or 0 for test in tests))
    return suite


def _test(check: str, test: Result, *, fails: bool) -> Element:
    """A test as a case; a failure that does not fail the run is skipped, with its reason."""
    attributes = {"name": sanitise(test.name), "classname": check}
    attributes["time"] = _seconds(test.duration_ns or 0)
    if test.file:
        attributes["file"] = sanitise(test.file)
    if test.line:
        attributes["line"] = str(test.line)
    case = Element("testcase", attributes)
    name = _ELEMENTS.get(test.outcome or "")
    if name is None:
        return case
    message = sanitise(test.message.split("\n", 1)[0])
    if name == "skipped" or not fails:  # services fail a build on every other element
        word = "" if name == "skipped" else "warned: "
        SubElement(case, "skipped", message=word + message)
        return case
    made = SubElement(case, name, type=sanitise(test.rule) or name, message=message)
    where = place_of(test)
    text = sanitise(test.message, multiline=True)
    made.text = f"{sanitise(where)}\n{text}" if where else text
    return case


def _seconds(ns: int) -> str:
    return f"{ns // SECOND_NS}.{ns % SECOND_NS // 1_000_000:03}"
