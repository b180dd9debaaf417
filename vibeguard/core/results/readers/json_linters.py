"""The JSON documents of linters and type checkers: what each says, and a finding out of it.

To add one: the types of its document, a function that gives the findings, a line at the end.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from msgspec import Struct, field

from vibeguard.core.model.results import Result
from vibeguard.core.names import Level
from vibeguard.core.results.base import MakeReader, Sink, UnreadableReport
from vibeguard.core.results.building import diagnostic, level_of
from vibeguard.core.results.document_reports import DocumentReader


class LinterReader(DocumentReader[Any]):
    """Reports what a function finds in each document of this kind."""

    def __init__(self, kind: Any, findings: Callable[[Any], Iterable[Result]], sink: Sink) -> None:
        super().__init__(sink)
        self.kind = kind
        self._findings = findings

    def read(self, document: object) -> None:
        """Report the findings of a document."""
        for finding in self._findings(document):
            self.sink(finding)


class BanditIssue(Struct):
    """Its columns count from 0."""

    filename: str
    issue_text: str
    issue_severity: str
    test_id: str
    line_number: int
    col_offset: int = -1


class BanditError(Struct):
    """A file that could not be read."""

    filename: str = ""
    reason: str = ""


class BanditReport(Struct):
    """`bandit -f json`."""

    results: list[BanditIssue]
    errors: list[BanditError] = []


def _bandit(report: BanditReport) -> Iterator[Result]:
    """Of a file that bandit could not read it knows no issues."""
    for one in report.results:
        level, column = level_of(one.issue_severity), one.col_offset + 1
        yield diagnostic(level, one.filename, one.line_number, column, one.test_id, one.issue_text)
    if report.errors:
        first = report.errors[0]
        raise UnreadableReport(f"bandit could not read {first.filename}: {first.reason}"[:300])


class EslintMessage(Struct):
    """A `severity` of 1 is a warning, 2 an error."""

    message: str
    severity: int = 2
    rule: str | None = field(name="ruleId", default=None)
    line: int | None = None
    column: int | None = None


class EslintFile(Struct):
    """`eslint --format json` is a list of these."""

    path: str = field(name="filePath")
    messages: list[EslintMessage]


def _eslint(files: list[EslintFile]) -> Iterator[Result]:
    for file in files:
        for one in file.messages:
            level = Level.ERROR if one.severity == 2 else Level.WARNING
            yield diagnostic(level, file.path, one.line, one.column, one.rule, one.message)


class GolangciPosition(Struct):
    """Where an issue is."""

    file: str = field(name="Filename", default="")
    line: int = field(name="Line", default=0)
    column: int = field(name="Column", default=0)


class GolangciIssue(Struct):
    """Without a severity of its own an issue is an error, as the exit code has it."""

    text: str = field(name="Text")
    linter: str = field(name="FromLinter", default="")
    severity: str = field(name="Severity", default="")
    at: GolangciPosition = field(name="Pos", default_factory=GolangciPosition)


class GolangciOutcome(Struct):
    """What kept it from getting through."""

    error: str = field(name="Error", default="")


class GolangciReport(Struct):
    """`golangci-lint run --output.json.path stdout` (`--out-format json` before version 2)."""

    issues: list[GolangciIssue] | None = field(name="Issues")
    outcome: GolangciOutcome = field(name="Report", default_factory=GolangciOutcome)


def _golangci_lint(report: GolangciReport) -> Iterator[Result]:
    """A linter that has failed may have kept some back."""
    for one in report.issues or []:
        level = level_of(one.severity, Level.INFO if one.severity else Level.ERROR)
        at = one.at
        yield diagnostic(level, at.file, at.line, at.column, one.linter, one.text)
    if report.outcome.error:
        what = f"golangci-lint did not get through: {report.outcome.error}"
        raise UnreadableReport(what[:300])


class PylintMessage(Struct):
    """Its columns count from 0."""

    type: str
    path: str
    message: str
    line: int = 0
    column: int = 0
    new_id: str = field(name="messageId", default="")
    old_id: str = field(name="message-id", default="")


class PylintReport(Struct):
    """`pylint --output-format json2`; the older `json` is the list alone."""

    messages: list[PylintMessage]


def _pylint(report: list[PylintMessage] | PylintReport) -> Iterator[Result]:
    for one in report.messages if isinstance(report, PylintReport) else report:
        level, rule = level_of(one.type), one.new_id or one.old_id
        yield diagnostic(level, one.path, one.line, one.column + 1, rule, one.message)


class PyrightPosition(Struct):
    """Lines and columns count from 0."""

    line: int
    character: int


class PyrightRange(Struct):
    """From where to where; the end is of no use."""

    start: PyrightPosition


class PyrightDiagnostic(Struct):
    """One finding; without a range it is about the whole file."""

    message: str
    severity: str
    file: str | None = None
    range: PyrightRange | None = None
    rule: str | None = None


class PyrightReport(Struct):
    """`pyright --outputjson`, and basedpyright's."""

    diagnostics: list[PyrightDiagnostic] = field(name="generalDiagnostics")


def _pyright(report: PyrightReport) -> Iterator[Result]:
    for one in report.diagnostics:
        start = one.range.start if one.range else PyrightPosition(-1, -1)
        level, line, column = level_of(one.severity), start.line + 1, start.character + 1
        yield diagnostic(level, one.file, line, column, one.rule, one.message)


class RuffPlace(Struct):
    """Where a finding is."""

    row: int
    column: int


class RuffFinding(Struct):
    """`ruff check --output-format json` is a list of these; all are errors, in its own word."""

    message: str
    filename: str
    code: str | None = None
    location: RuffPlace | None = None
    severity: str = "error"


def _ruff(findings: list[RuffFinding]) -> Iterator[Result]:
    for one in findings:
        level, at = level_of(one.severity, Level.ERROR), one.location or RuffPlace(0, 0)
        yield diagnostic(level, one.filename, at.row, at.column, one.code, one.message)


class ShellcheckComment(Struct):
    """One finding."""

    file: str
    line: int
    column: int
    level: str
    code: int
    message: str


class ShellcheckReport(Struct):
    """`shellcheck -f json1`; the older `json`, where a tab is eight columns, is the list alone."""

    comments: list[ShellcheckComment]


def _shellcheck(report: list[ShellcheckComment] | ShellcheckReport) -> Iterator[Result]:
    for one in report.comments if isinstance(report, ShellcheckReport) else report:
        level, rule = level_of(one.level), f"SC{one.code}"
        yield diagnostic(level, one.file, one.line, one.column, rule, one.message)


class StylelintWarning(Struct):
    """One finding."""

    text: str
    line: int | None = None
    column: int | None = None
    rule: str | None = None
    severity: str = "error"


class StylelintFile(Struct):
    """`stylelint --formatter json`, which it writes to stderr, is a list of these."""

    source: str | None
    warnings: list[StylelintWarning]
    unparsed: list[StylelintWarning] = field(name="parseErrors", default_factory=list)
    errored: bool = False


def _stylelint(files: list[StylelintFile]) -> Iterator[Result]:
    """What is wrong with its config makes it end with an error that is none of a line."""
    for file in files:
        levels = set()
        for one in [*file.unparsed, *file.warnings]:
            level = level_of(one.severity, Level.ERROR)
            levels.add(level)
            yield diagnostic(level, file.source, one.line, one.column, one.rule, one.text)
        if file.errored and Level.ERROR not in levels:
            raise UnreadableReport(f"it says that {file.source} has errors, and names none"[:300])


bandit: MakeReader = partial(LinterReader, BanditReport, _bandit)
eslint: MakeReader = partial(LinterReader, list[EslintFile], _eslint)
golangci_lint: MakeReader = partial(LinterReader, GolangciReport, _golangci_lint)
pylint: MakeReader = partial(LinterReader, list[PylintMessage] | PylintReport, _pylint)
pyright: MakeReader = partial(LinterReader, PyrightReport, _pyright)
ruff: MakeReader = partial(LinterReader, list[RuffFinding], _ruff)
shellcheck: MakeReader = partial(
    LinterReader, list[ShellcheckComment] | ShellcheckReport, _shellcheck
)
stylelint: MakeReader = partial(LinterReader, list[StylelintFile], _stylelint)
