"""The paragraph of one check that a person should look at, for formats that people read."""

from collections.abc import Iterator

from msgspec import Struct

from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.core.model.events import CheckHang, CheckSettled
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import Outcome, Reason
from vibeguard.core.report.authored import advice_of, shown_command, shown_prompts
from vibeguard.core.report.conclusion import output_path
from vibeguard.core.report.reasons import placed, reason_of, shown_status, took
from vibeguard.core.report.results import note_lines, result_lines, without_repeats
from vibeguard.core.wording.layout import fold, shorten, wrap
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.style import Style
from vibeguard.core.wording.units import duration, plural, size, some

GAP = "..."
LINE_CHARACTERS = 400
MAX_LINES = 40
MAX_COMMAND_LINES = 10
MAX_PROCESSES = 8
MAX_PROMPT_LINES = 60


def headline(state: State, record: CheckRecord, style: Style) -> str:
    """`FAILED unit: exit code 1 (2.3s)`, the first thing to read about a check."""
    word = shown_status(record)
    loud = word.upper() if word in ("failed", "timeout", "error") else word
    reason = sanitise(reason_of(state, record))
    time = f" ({took(state, record)})" if took(state, record) else ""
    name = f"{style.status(loud, word)} {style.strong(sanitise(record.planned.id))}"
    return with_remarks(f"{name}{': ' if reason else ''}{reason}{time}", record)


def with_remarks(text: str, record: CheckRecord) -> str:
    """The text, then what is remarkable about how the check came to its outcome."""
    return ", ".join([*([text] if text else []), *_remarks(record)])


def _remarks(record: CheckRecord) -> Iterator[str]:
    settled, where = record.settled, placed(record)
    if where:
        yield where
    if settled is None:
        return
    if settled.attempts > 1:
        yield f"attempt {settled.attempts} of {record.planned.retries + 1 + record.lost}"
    if settled.flaky:
        yield "flaky"
    if settled.leaked:
        yield "left processes behind"


class Paragraphs(Struct):
    """How to lay out paragraphs: columns (0: no limit), colour, how much to say."""

    style: Style
    columns: int
    run_folder: str
    verbose: bool

    def of(self, state: State, record: CheckRecord) -> list[str]:
        """Headline, command, the lines that matter, what hung, advice, prompts, output path."""
        settled = record.settled
        if settled is None:
            return []
        lines = [wrap(headline(state, record, self.style), self.columns, rest="  ")]
        unpassed = settled.outcome is not Outcome.PASSED
        if unpassed:
            lines.extend(self._command(record))
            lines.extend(fold(text, self.columns, prefix="  ") for text in result_lines(record))
            shown = lines_besides(record)
            lines.extend(fold(text, self.columns, prefix="  | ") for text in shown)
        if unpassed or settled.leaked or self.verbose:
            lines.extend(map(self._indented, fact_lines(record)))
        if unpassed:
            lines.extend(self._advice(state, record))
        lines.extend(self._prompts(record))
        path = sanitise(output_path(record, self.run_folder))
        if path and record.finished and (unpassed or self.verbose):
            lines.append(f"  output: {path} ({size(record.finished.output_bytes)})")
        return lines

    def _indented(self, text: str) -> str:
        return wrap(text, self.columns, first="  ", rest="    ")

    def _command(self, record: CheckRecord) -> Iterator[str]:
        commands = sanitise(shown_command(record.planned), multiline=True).strip().split("\n")
        for line in commands[:MAX_COMMAND_LINES]:
            yield self.style.dim(fold(line, self.columns, prefix="  $ ", rest="    "))
        if len(commands) > MAX_COMMAND_LINES:
            yield f"  [{plural(len(commands) - MAX_COMMAND_LINES, 'more line')}]"

    def _advice(self, state: State, record: CheckRecord) -> Iterator[str]:
        for section in advice_of(state, record).sections():
            text = sanitise(section.text, multiline=True).strip()
            if section.is_command:
                text = self.style.strong(text)
            yield wrap(text, self.columns, first=f"  {section.label}: ", rest="    ")

    def _prompts(self, record: CheckRecord) -> Iterator[str]:
        for prompt in shown_prompts(record):
            source = "" if prompt.source == "inline" else f" {sanitise(prompt.source)}"
            yield self.style.dim(self._indented(f"prompt{source} (on {sanitise(prompt.event)}):"))
            lines = sanitise(prompt.content, multiline=True).strip("\n").split("\n")
            for line in lines[:MAX_PROMPT_LINES]:
                yield wrap(line, self.columns, first="    ", rest="    ")
            if len(lines) > MAX_PROMPT_LINES:
                yield f"    [{plural(len(lines) - MAX_PROMPT_LINES, 'more line')}]"


def lines_besides(record: CheckRecord) -> list[str]:
    """The lines that matter, without what the check's results say."""
    if record.settled is None:
        return []
    lines = without_repeats(record, output_lines(record.settled))
    shown = [n for n, line in enumerate(lines) if line.strip() not in ("", GAP)]
    between = lines[shown[0] : shown[-1] + 1] if shown else []
    return [line for n, line in enumerate(between) if line != GAP or between[n - 1] != GAP]


def output_lines(settled: CheckSettled) -> list[str]:
    """The lines that matter, then the last ones; each made harmless and of bearable length."""
    excerpt = list(settled.excerpt.lines) if settled.excerpt else []
    chosen = _joined(excerpt, list(settled.tail))
    if len(chosen) > MAX_LINES:
        half = MAX_LINES // 2
        chosen = [*chosen[:half], f"[{len(chosen) - 2 * half} lines]", *chosen[-half:]]
    return [shorten(sanitise(line), LINE_CHARACTERS) for line in chosen]


def _joined(excerpt: list[str], tail: list[str]) -> list[str]:
    """The excerpt and then the tail, without the end of the excerpt that the tail shows again.

    Both are of one output, in its order: read backwards, a line of the excerpt that stands in the
    tail before the one found last is the same line.
    """
    kept, first = len(excerpt), len(tail)
    for position in range(len(excerpt) - 1, -1, -1):
        if excerpt[position] in (GAP, ""):
            continue
        found = next((at for at in range(first - 1, -1, -1) if tail[at] == excerpt[position]), None)
        if found is None:
            break
        kept, first = position, found
    head = excerpt[:kept]
    goes_on = not head or not tail or head[-1] == GAP or (kept < len(excerpt) and first == 0)
    return [*head, *([] if goes_on else [GAP]), *tail]


def fact_lines(record: CheckRecord) -> Iterator[str]:
    """What VibeGuard itself saw: its processes, the values and the patterns that found none."""
    yield from note_lines(record)
    yield from process_lines(record)
    yield from _values(record)


def process_lines(record: CheckRecord) -> Iterator[str]:
    """What hung, what outlived SIGTERM, what was left behind, what could not be killed."""
    hang, finished = record.hang, record.finished
    if hang is not None:
        word = "slow" if _was_writing(record, hang) else "hung"
        doing = _what_hung(hang, word)
        if doing:
            yield f"{word}: {doing}"
        for process in hang.processes[:MAX_PROCESSES]:
            yield f"{word}: {_process(process)}"
        if len(hang.processes) > MAX_PROCESSES:
            more = plural(len(hang.processes) - MAX_PROCESSES, "process", "processes")
            yield f"{word}: and {more} more"
    if finished is None:
        return
    living = {process.pid for process in finished.unkillable}
    killed = tuple(process for process in finished.survivors if process.pid not in living)
    if killed:
        yield f"killed after ignoring SIGTERM: {_commands(killed)}"
    if finished.leaked:
        yield f"left behind: {_commands(finished.leaked)}"
    if finished.unkillable:
        yield f"could not be killed: {_commands(finished.unkillable)}"


def _what_hung(hang: CheckHang, word: str) -> str:
    """For how long it had been silent, and in which test; its last lines stand above."""
    said = ""
    if hang.silent_ns is not None:
        silent = duration(hang.silent_ns)
        slow = f"last output {silent} before its timeout"
        said = slow if word == "slow" else f"nothing written for {silent}"
    from vibeguard.core.excerpt.running import running_test  # noqa: PLC0415 - only for a hang

    test = running_test(hang.last_lines)
    if test:
        said += f"{', ' if said else ''}while {shorten(sanitise(test), LINE_CHARACTERS)} ran"
    return said


def _was_writing(record: CheckRecord, hang: CheckHang) -> bool:
    """Whether a check that its timeout ended was slow and no hang: it had written lately.

    Lately is within the last quarter of its time; what the idle timeout ended is a hang.
    """
    if hang.silent_ns is None or record.reason is Reason.IDLE or record.running_t is None:
        return False
    return hang.silent_ns * 4 < hang.t - record.running_t


def _process(process: ProcessReport) -> str:
    doing = process.state.replace("_", " ")
    if process.waits_in:
        doing += f" in {process.waits_in}"
    if process.waits_for_stdin:
        doing += ", waits for stdin"
    return sanitise(f"{process.pid} {process.command}" + (f" ({doing})" if doing else ""))


def _commands(processes: tuple[ProcessReport, ...]) -> str:
    return sanitise(some([f"{process.pid} {process.command}" for process in processes], 3))


def _values(record: CheckRecord) -> Iterator[str]:
    extracted = record.extracted
    if extracted is None:
        return
    for name, value in list(extracted.values.items())[:20]:
        yield f"{sanitise(name)} = {shorten(sanitise(value), LINE_CHARACTERS)}"
    for pattern in extracted.unmatched[:10]:
        yield f"did not match: {shorten(sanitise(pattern), LINE_CHARACTERS)}"
