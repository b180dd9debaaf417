"""What the author of a config wrote for readers: command, prompts, and advice on a failure.

The log has it whole. Formats take it from here, in lengths that each can bear, so that none shows
more than another.

An extracted value gets into a fix only if no shell, however often it reads the command, could take
it for anything but a word. Quoting is no way out: `ssh host ls '$(x)'` is read twice (ADR 0090).
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.model.report import PromptReport
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import Reason
from vibeguard.core.wording.layout import LONGEST_TEXT, cut_text, shorten
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.sentences import NOT_STARTED_CODES
from vibeguard.core.wording.units import plural

if TYPE_CHECKING:
    from vibeguard.core.lang.template import Rendered

_PLAIN = re.compile(r"[A-Za-z0-9_@%+:,./][A-Za-z0-9_@%+=:,./-]*")
MOST_PROMPTS = 20
_MOST_VALUES = 10
_VALUE_CHARACTERS = 200


def shown_command(planned: PlannedCheck) -> str:
    """The command of a check; untrusted, as it is written, and cut where it is too long to show."""
    return cut_text(planned.run)


def shown_prompts(record: CheckRecord) -> tuple[PromptReport, ...]:
    """The prompts that a check triggered: so many, in the room of one text together.

    The last one shown says what is left out.
    """
    prompts = record.settled.prompts if record.settled else ()
    shown: list[PromptReport] = []
    room = LONGEST_TEXT
    for prompt in prompts[:MOST_PROMPTS]:
        shown.append(PromptReport(prompt.event, prompt.source, cut_text(prompt.content, room)))
        room -= min(len(prompt.content), room)
    left_out = len(prompts) - len(shown)
    if left_out:
        last = shown[-1]
        said = f"{last.content}\n[{plural(left_out, 'more prompt')} left out]"
        shown[-1] = PromptReport(last.event, last.source, said)
    return tuple(shown)


class Section(Struct, frozen=True):
    """One piece of advice under its label; several lines, untrusted, not yet made harmless."""

    label: str
    text: str
    is_command: bool = False

    def within(self, limit: int) -> "Section":
        """The section in about `limit` characters; a command that is cut is none any more."""
        if len(self.text) <= limit:
            return self
        label = f"{self.label} (cut, not a command)" if self.is_command else self.label
        return Section(label, shorten(self.text, limit))


class Advice(Struct, frozen=True):
    """The suggestion and the fix of a check, as they are shown.

    `fix` is a command. Where it is empty and `fix_template` is not, there is none: the template is
    what the author wrote, and `fix_values` what was extracted for it (None: nothing was).
    """

    suggestion: str = ""
    fix: str = ""
    fix_template: str = ""
    fix_values: Mapping[str, str | None] = {}

    def sections(self) -> Iterator[Section]:
        """What every format shows, in this order."""
        if self.suggestion.strip():
            yield Section("suggestion", self.suggestion.strip())
        if self.fix.strip():
            yield Section("fix", self.fix.strip(), is_command=True)
        elif self.fix_template.strip():
            lines = [self.fix_template.strip(), *self._values()]
            yield Section("fix (not a command)", "\n".join(lines))

    def _values(self) -> Iterator[str]:
        for name, value in list(self.fix_values.items())[:_MOST_VALUES]:
            shown = "" if value is None else shorten(sanitise(value), _VALUE_CHARACTERS)
            yield f"{sanitise(name)} = {shown}" if shown else f"{sanitise(name)} was not extracted"


def advice_of(state: State, record: CheckRecord) -> Advice:
    """The advice of a check. There is no fix for what a command found that never ran."""
    planned = record.planned
    suggestion = ""
    if planned.suggestion:
        suggestion = _rendered(planned.suggestion, state, record).text
    if not planned.fix or _never_ran(record):
        return Advice(suggestion)
    fix = _rendered(planned.fix, state, record)
    if fix.is_whole and all(map(_is_plain, fix.entered.values())):
        return Advice(suggestion, fix.text)
    return Advice(suggestion, "", cut_text(planned.fix), fix.entered)


def _is_plain(value: str | None) -> bool:
    return value is not None and _PLAIN.fullmatch(value) is not None


def _never_ran(record: CheckRecord) -> bool:
    if record.reason is Reason.NOT_STARTABLE:
        return True
    return record.finished is not None and record.finished.exit_code in NOT_STARTED_CODES


def _rendered(template: str, state: State, record: CheckRecord) -> "Rendered":
    from vibeguard.core.lang.template import render  # noqa: PLC0415 - only where there is advice

    values = record.extracted.values if record.extracted else {}
    return render(template, values, state.planned.vars if state.planned else {})
