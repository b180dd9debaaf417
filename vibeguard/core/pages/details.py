"""What there is to say of one check, beside the line that stands for it."""

from collections.abc import Iterator

from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import Outcome
from vibeguard.core.report.authored import advice_of, shown_command, shown_prompts
from vibeguard.core.report.conclusion import output_path
from vibeguard.core.report.failure import fact_lines, lines_besides
from vibeguard.core.report.results import result_lines
from vibeguard.core.report.workers import placed

RESULTS, OUTPUT = "results", "output"


def details(state: State, record: CheckRecord, run_folder: str) -> Iterator[tuple[str, str]]:
    """Label and text of everything there is, untrusted text not yet harmless."""
    return ((label, text) for label, text in _details(state, record, run_folder) if text)


def _details(state: State, record: CheckRecord, run_folder: str) -> Iterator[tuple[str, str]]:
    planned, settled = record.planned, record.settled
    if settled is not None and record.outcome is not Outcome.PASSED:
        yield RESULTS, "\n".join(result_lines(record))
        yield OUTPUT, "\n".join(lines_besides(record))
        yield "facts", "\n".join(fact_lines(record))
        for section in advice_of(state, record).sections():
            yield section.label, section.text
    elif settled is not None and settled.leaked:
        yield "facts", "\n".join(fact_lines(record))
    for prompt in shown_prompts(record):
        yield "prompt", prompt.content.strip()
    yield "worker", placed(record)
    yield "command", shown_command(planned)
    yield "requires", ", ".join(requirement.check for requirement in planned.requires)
    yield "tags", ", ".join(planned.tags)
    yield "full output", output_path(record, run_folder)
