"""The files that simulated processes write: they are real, as are all of the supervisor's."""

import os
from pathlib import Path
from random import Random
from typing import Any

from tests.simulation.process_table import Table
from tests.simulation.processes import Process

_WITHIN = {
    "passed": "",
    "failed": "<failure/>",
    "error": "<error/>",
    "skipped": "<skipped/>",
}


def put(folder: str, name: str, what: Any) -> None:
    """Write a text, or a report of tests t0, t1, ... that came out so: always another file."""
    path = Path(folder, name)
    path.parent.mkdir(exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(what if isinstance(what, str) else _junit(what), "ascii")
    os.rename(new, path)


def _junit(outcomes: list[str]) -> str:
    """A test that is run again fails first."""
    cases = ""
    for number, outcome in enumerate(outcomes):
        for each in ("failed", "passed") if outcome == "rerun" else (outcome,):
            cases += f'<testcase name="t{number}">{_WITHIN[each]}</testcase>'
    return f"<testsuite>{cases}</testsuite>"


class Writers(Table):
    """Processes that write files, in the `folder`; `edits` says who has edited one of the tree."""

    def __init__(self, rng: Random, *, most_pids: int, slow: bool) -> None:
        super().__init__(rng, most_pids=most_pids, slow=slow)
        self.folder = ""
        self.edits: list[bytes] = []

    def _do_put(self, process: Process, name: str, what: Any) -> None:
        process.put[name] = what
        if self.folder:
            put(self.folder, name, what)

    def _do_edit(self, process: Process) -> None:
        process.put["the tree"] = "edited"
        self.edits.append(process.owner.encode())
