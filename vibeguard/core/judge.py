"""What the end of an attempt and its output amount to: an outcome, a reason, and what to show.

Pure, but it may read megabytes: the caller runs it where it can be killed. A leak, a refused start
and an output that was lost are the caller's to decide; it knows of them before any text is read.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import asdict, replace

from vibeguard.core.excerpt import choose_excerpt, last_lines
from vibeguard.core.excerpt.lines import clean
from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.model.event_parts import Excerpt
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.model.results import Findings
from vibeguard.core.names import (
    CANCELLED_FOR,
    NOT_EXECUTABLE,
    NOT_FOUND,
    Outcome,
    Reason,
    TerminationReason,
)
from vibeguard.core.results.ruling import Evidence, findings, objection, unexcused
from vibeguard.core.results.texts import cut
from vibeguard.core.wording.layout import shorten
from vibeguard.core.wording.sentences import CHANGED, MAYBE_CHANGED, UNREAD
from vibeguard.core.wording.units import size, some

if TYPE_CHECKING:
    from vibeguard.core.lang.expression import Expression

_BASHISM = b"[[: not found"
# Values go into the log, those of a check in one event. A line of it may have 64 MiB, and in JSON
# one byte can take six: `\u0000`.
LARGEST_VALUE_BYTES = 1 << 20
MOST_VALUE_BYTES = 4 << 20
MOST_VALUES = 1_000
_DETAIL_CHARACTERS = 2_000
_SHOWN = 60  # characters of a value in a sentence

_TERMINATED: dict[TerminationReason, tuple[Outcome, Reason]] = {
    TerminationReason.TIMEOUT: (Outcome.TIMEOUT, Reason.TIMEOUT),
    TerminationReason.IDLE: (Outcome.TIMEOUT, Reason.IDLE),
    TerminationReason.OUTPUT_LIMIT: (Outcome.FAILED, Reason.OUTPUT_LIMIT),
    **{TerminationReason(why): (Outcome.CANCELLED, r) for why, r in CANCELLED_FOR.items()},
}
_NOT_STARTED = {
    NOT_EXECUTABLE: " (the command cannot be executed)",
    NOT_FOUND: " (command not found)",
}


class Judgement(Struct, frozen=True):
    """What one attempt amounts to. The fields are those of `check.settled` and `check.extracted`.

    `assertion_result` is None where there is no assertion or it was not evaluated. `excerpt` and
    `tail` are given for what did not pass. `changed_files`: although it must not. The next attempt
    would find them as this one left them, and pass.
    """

    outcome: Outcome
    reason: Reason | None = None
    detail: str = ""
    values: dict[str, str] = {}
    unmatched: tuple[str, ...] = ()
    assertion_result: bool | None = None
    excerpt: Excerpt | None = None
    tail: tuple[str, ...] = ()
    findings: Findings | None = None
    changed_files: bool = False

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against it."""
        return self.outcome is Outcome.PASSED


class _Unreadable(Exception):
    """Grok cannot read the text, for a reason, in detail: nothing can be said about its values."""


def judge(
    check: PlannedCheck,
    result_exit_code: int | None,
    signal: str,
    termination: TerminationReason | None,
    text: bytes | None,
    *,
    grok_limit_bytes: int,
    output: bytes | None = None,
    problem: str = "",
    evidence: Evidence | None = None,
) -> Judgement:
    """Judge one attempt that ran.

    `termination` says why it was ended, if it was. `text` is what grok reads, the output or the
    check's `file`, cut at one byte more than the limit or later; None if it could not be read, for
    the reason that `problem` gives. `output` is what excerpts are made of; where the check has no
    `file`, it is `text` unless given. `evidence` is what the reports of a check with `results` say.
    """
    command = _judge_command(result_exit_code, signal, termination)
    if output is None and not check.file:
        output = text
    if result_exit_code == NOT_FOUND and check.shell == "sh" and _BASHISM in (output or b""):
        command = replace(command, detail="sh does not know [[: write shell: bash")
    values: dict[str, str] = {}
    unmatched: tuple[str, ...] = ()
    finding = command
    try:
        values, unmatched = _extract(check, text, grok_limit_bytes, problem)
    except _Unreadable as unreadable:
        finding = _unread(command, *unreadable.args)
    else:
        if command.outcome is Outcome.PASSED and check.assertion:
            finding = _judge_assertion(check, values, unmatched)
    if evidence is not None:
        finding = _judge_evidence(check, finding, evidence, result_exit_code)
    passed = finding.outcome is Outcome.PASSED
    return replace(
        finding,
        detail=shorten(finding.detail, _DETAIL_CHARACTERS),
        values=values,
        unmatched=unmatched,
        excerpt=None if passed or not output else choose_excerpt(output),
        tail=() if passed else last_lines(output or b""),
    )


def _judge_evidence(
    check: PlannedCheck, finding: Judgement, evidence: Evidence, exit_code: int | None
) -> Judgement:
    """The same with what the reports say, who may object to a pass."""
    against = objection(check, evidence) if finding.passed else None
    red = against is None and not finding.passed
    if against is not None:
        finding = replace(finding, **asdict(against))
    failed_with = exit_code if finding.reason is Reason.EXIT_CODE else None
    return replace(finding, findings=findings(check, evidence, failed_with=failed_with, red=red))


def changed_files(judgement: Judgement, paths: Sequence[str]) -> Judgement:
    """The judgement of a check that changed these files although it must not."""
    return _changed(judgement, CHANGED + some(paths, 5))


def unknown_changes(judgement: Judgement, why: str) -> Judgement:
    """The same where it cannot be told whether it did: no pass."""
    return _changed(judgement, MAYBE_CHANGED + why)


def _changed(judgement: Judgement, said: str) -> Judgement:
    """A pass becomes a failure; another failure is one for good, which no quarantine excuses."""
    if judgement.passed:
        failed = replace(judgement, outcome=Outcome.FAILED, reason=Reason.CHANGED_FILES)
        return replace(failed, detail=said, changed_files=True)
    detail = f"{judgement.detail}; {said}" if judgement.detail else said
    found = judgement.findings and unexcused(judgement.findings, said)
    return replace(judgement, detail=detail, findings=found, changed_files=True)


def tree_moved(paths: Sequence[str]) -> Judgement:
    """The judgement of an attempt that saw these files of the work tree change under it.

    What they held was not what is staged, so that no exit code says anything about that.
    """
    return Judgement(Outcome.ERROR, Reason.TREE_MOVED, some(paths, 3))


def unjudged(
    check: PlannedCheck,
    exit_code: int | None,
    signal: str,
    termination: TerminationReason | None,
    why: str,
) -> Judgement:
    """The judgement of an attempt whose output nobody has read to the end, for the reason `why`.

    A command that failed has failed; one that succeeded proves nothing alone: an error.
    """
    command = _judge_command(exit_code, signal, termination)
    asked = check.grok or check.assertion or check.file or check.results
    if command.outcome is Outcome.PASSED and not asked:
        return Judgement(Outcome.ERROR, Reason.INTERNAL, why)
    return _unread(command, Reason.JUDGE_TIMEOUT, why)


def _unread(command: Judgement, reason: Reason, detail: str) -> Judgement:
    """What an attempt comes to whose output could not be read: said whatever its command did."""
    if command.outcome is Outcome.PASSED:
        return Judgement(Outcome.ERROR, reason, detail)
    said = UNREAD + detail
    return replace(command, detail=f"{command.detail}; {said}" if command.detail else said)


def _judge_command(
    exit_code: int | None, signal: str, termination: TerminationReason | None
) -> Judgement:
    """Judge by how the command ended. Processes ended as a leak say nothing about the command."""
    if termination is not None and termination is not TerminationReason.LEAK:
        return Judgement(*_TERMINATED[termination])
    if signal:
        return Judgement(Outcome.FAILED, Reason.SIGNAL, f"ended by {signal}")
    if exit_code is None:
        return Judgement(Outcome.ERROR, Reason.LOST, "nothing says how the command ended")
    if exit_code != 0:
        detail = f"exited with {exit_code}{_NOT_STARTED.get(exit_code, '')}"
        return Judgement(Outcome.FAILED, Reason.EXIT_CODE, detail)
    return Judgement(Outcome.PASSED)


def _extract(
    check: PlannedCheck, text: bytes | None, limit_bytes: int, problem: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return what the patterns extract, later ones winning, and the patterns that do not match."""
    if text is None and (check.grok or check.file):
        reason = Reason.FILE if check.file else Reason.OUTPUT_LOST
        raise _Unreadable(reason, problem or "what grok should read could not be read")
    if text is None or not check.grok:
        return {}, ()
    if len(text) > limit_bytes:
        source = check.file or "the output"
        raise _Unreadable(
            Reason.GROK_LIMIT, f"{source} is larger than grok_limit, {size(limit_bytes)}"
        )
    values: dict[str, str] = {}
    unmatched = []
    forms = _readings(text)
    for pattern in check.grok:
        found = _search(pattern, forms)
        if found is None:
            unmatched.append(pattern)
        values.update(found or {})
    _bound(values)
    return values, tuple(unmatched)


def _bound(values: Mapping[str, str]) -> None:
    """Refuse more than an event can hold: a value that was cut would be another value."""
    total = 0
    for name, value in values.items():
        length = len(value.encode())
        total += len(name.encode()) + length
        if length > LARGEST_VALUE_BYTES:
            what = f"{name} is longer than {size(LARGEST_VALUE_BYTES)}: capture less"
            raise _Unreadable(Reason.GROK_LIMIT, what)
    if len(values) > MOST_VALUES or total > MOST_VALUE_BYTES:
        most = f"{MOST_VALUES} values of {size(MOST_VALUE_BYTES)} together"
        raise _Unreadable(Reason.GROK_LIMIT, f"the patterns extract more than {most}")


def _readings(text: bytes) -> tuple[bytes, ...]:
    r"""The text as people see it, then as it is written if that differs.

    Colour codes and the \r of other systems must not defeat a pattern, but a pattern that asks for
    them must find them too. What is no UTF-8 becomes U+FFFD.
    """
    written = text.decode("utf-8", "replace").encode()
    seen = clean(written)
    return (seen,) if seen == written else (seen, written)


def _search(pattern: str, forms: Iterable[bytes]) -> dict[str, str] | None:
    from vibeguard.core.lang.grok import compile_grok  # noqa: PLC0415 - supervisor.preload has it

    try:
        matcher = compile_grok(pattern)
    except LanguageError as error:
        raise _Unreadable(Reason.BAD_VALUE, error.sentence) from error
    for form in forms:
        found = matcher.search_bytes(form)
        if found is not None:
            return found
    return None


def _judge_assertion(
    check: PlannedCheck, values: Mapping[str, str], unmatched: tuple[str, ...]
) -> Judgement:
    """What a check whose command succeeded comes to by its assertion."""
    from vibeguard.core.lang.expression import MissingName, parse_expression  # noqa: PLC0415 - supervisor.preload has it

    try:
        expression = parse_expression(check.assertion)
        holds = expression.evaluate(values)
    except MissingName as missing:
        detail = missing.what
        if unmatched:
            detail += f": no match for {', '.join(unmatched)}"
        elif not check.grok:
            detail += ": the check has no grok pattern"
        return Judgement(Outcome.FAILED, Reason.NOT_EXTRACTED, detail)
    except LanguageError as error:
        return Judgement(Outcome.ERROR, Reason.BAD_VALUE, f"{check.assertion}: {error.sentence}")
    if holds:
        return Judgement(Outcome.PASSED, assertion_result=True)
    return Judgement(
        Outcome.FAILED, Reason.ASSERTION, _describe(expression, values), assertion_result=False
    )


def _describe(expression: "Expression", values: Mapping[str, str]) -> str:
    """Return the expression with the values that made it false: `cov >= 80 (cov is 75)`."""
    names = sorted(expression.names & values.keys())
    known = [f"{name} is {cut(values[name], _SHOWN)}" for name in names]
    return f"{expression.text} ({', '.join(known)})" if known else expression.text
