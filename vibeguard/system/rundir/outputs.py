"""The name of the file that holds an attempt's output."""

from vibeguard.core.model.plan import PlannedCheck


def output_name(planned: PlannedCheck, attempt: int) -> str:
    """The path of an attempt's output, relative to the run folder. Attempts count from 1."""
    return f"output/{planned.stem}.{attempt}.log"
