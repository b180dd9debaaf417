"""What somebody does to the folder between two runs."""

import glob
import os

from tests.simulation.history import INPUT
from tests.simulation.outcome import Outcome
from vibeguard.system.journal.creation import LOG_NAME


def meddle(how: str, outcome: Outcome, root: str) -> None:
    """What is done to the folder between two runs."""
    log = os.path.join(outcome.folder, LOG_NAME)
    records = glob.glob(os.path.join(root, ".vibeguard", "reuse", "passes", "*", "*"))
    if how.startswith("record"):
        _meddle_with(records, how)
    if how == "input changed":
        with open(os.path.join(root, INPUT), "w", encoding="ascii") as file:
            file.write("as it is now")
    elif how in {"log cut", "log forged"} and os.path.exists(log):
        with open(log, "r+b") as file:
            data = file.read()
            file.seek(0)
            forged = data.replace(b'"outcome":"failed"', b'"outcome":"passed"').replace(
                b":1,", b":2,"
            )
            file.write(forged if how == "log forged" else data[: len(data) // 2])
            file.truncate()


def _meddle_with(records: list[str], how: str) -> None:
    """What is recorded of passes is changed by a byte, cut, or given to another check and key."""
    held = []
    for path in sorted(records):
        with open(path, "rb") as file:
            held.append(file.read())
    for path, data, other in zip(sorted(records), held, held[1:] + held[:1], strict=True):
        changed = data.replace(b'"manifest":"', b'"manifest":"0', 1)
        cut = {"record forged": changed, "record cut": data[: len(data) // 2]}
        with open(path, "wb") as file:
            file.write(cut.get(how, other if other != data else b"\n" + data))
