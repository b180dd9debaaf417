"""What the author of a config wrote for readers, in lengths that every format can bear.

The log has it whole. Formats take it from here, so that none shows more than another.
"""

from collections.abc import Sequence

from vibeguard.core.model.event_parts import TriggeredPrompt
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.model.report import PromptReport
from vibeguard.core.wording.layout import LONGEST_TEXT, cut_text
from vibeguard.core.wording.units import plural

MOST_PROMPTS = 20


def shown_command(planned: PlannedCheck) -> str:
    """The command of a check; untrusted, as it is written, and cut where it is too long to show."""
    return cut_text(planned.run)


def shown_prompts(prompts: Sequence[TriggeredPrompt]) -> tuple[PromptReport, ...]:
    """The prompts that a check triggered: so many, in the room of one text together.

    The last one shown says what is left out.
    """
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
