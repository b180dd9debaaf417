"""The names of what an attempt leaves: its output, and what came back from another machine."""

from vibeguard.core.model.plan import PlannedCheck


def output_name(planned: PlannedCheck, attempt: int) -> str:
    """The path of an attempt's output, relative to the run folder. Attempts count from 1."""
    return f"output/{planned.stem}.{attempt}.log"


def artifacts_name(planned: PlannedCheck, attempt: int) -> str:
    """The folder with what came back from another machine, relative to the run folder."""
    return f"artifacts/{planned.stem}.{attempt}"
