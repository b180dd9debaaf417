"""A check's tests as JUnit's elements: a suite of its own, beside the one of the checks."""

from xml.etree.ElementTree import Element, SubElement

from vibeguard.core.fold.verdict import fails_the_run
from vibeguard.core.model.results import Result
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import ResultKind, ResultOutcome
from vibeguard.core.report.results import place_of
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import SECOND_NS

_ELEMENTS = {
    ResultOutcome.FAILED: "failure",
    ResultOutcome.ERROR: "error",
    ResultOutcome.SKIPPED: "skipped",
    ResultOutcome.XFAILED: "skipped",
}


def suites_of_tests(state: State) -> list[Element]:
    """One `testsuite` for each check whose reports held tests; guessed ones are none."""
    suites = []
    for record in state.checks.values():
        found = record.results
        if found is None or found.guessed:
            continue
        tests = [result for result in found.results if result.kind is ResultKind.TEST]
        if tests:
            suites.append(_suite(record, tests))
    return suites


def _suite(record: CheckRecord, tests: list[Result]) -> Element:
    suite = Element("testsuite")
    check = sanitise(record.planned.id)
    for test in tests:
        suite.append(_case(check, test, fails=fails_the_run(record)))
    counted = {name: sum(1 for _ in suite.iter(name)) for name in ("failure", "error", "skipped")}
    suite.attrib.update(
        {
            "name": check,
            "tests": str(len(tests)),
            "failures": str(counted["failure"]),
            "errors": str(counted["error"]),
            "skipped": str(counted["skipped"]),
            "time": _seconds(sum(test.duration_ns or 0 for test in tests)),
        }
    )
    return suite


def _case(check: str, test: Result, *, fails: bool) -> Element:
    attributes = {"name": sanitise(test.name), "classname": check}
    attributes["time"] = _seconds(test.duration_ns or 0)
    if test.file:
        attributes["file"] = sanitise(test.file)
    if test.line:
        attributes["line"] = str(test.line)
    case = Element("testcase", attributes)
    name = _ELEMENTS.get(test.outcome or ResultOutcome.PASSED)
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
