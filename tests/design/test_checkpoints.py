"""No checkpoint between a transition and its record: checked over the syntax tree.

An event is made of the State as it is at that moment, and a spawn is told by `check.started`. Were there
a checkpoint before the record, another task could change what the event says, or a cancel could keep
it from being written. Trio's own rule, that an async function should have checkpoints, is the other
way round, so that no linter knows this one.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from vibeguard.core.model import events

ROOT = Path(__file__).parents[2] / "vibeguard" / "system"
ROOMS = [
    *(ROOT / "supervisor").glob("*.py"),
    *(ROOT / "executors").glob("*.py"),
    ROOT.parents[1] / "tests" / "helpers" / "scripted_executor.py",
]

EVENTS = {event.__name__ for event in get_args(events.Event)}
# What makes an event of the State, and what starts an attempt.
MAKERS = EVENTS | {"settled", "cancelled", "next_attempt", "degraded", "_finished"}
STARTS = {"spawn", "_spawn", "LocalAttempt", "ScriptedAttempt"}
RECORDS = {"record", "record_durably", "step", "accepted"}
# What makes the step of a run: not one of these may be async.
STEPS = {
    "recorder.py": {"record", "record_durably", "fail"},
    "run.py": {"step", "record", "cancel", "cancel_check", "_cancel", "_note_settled", "_start"},
    "nurseries.py": {"open", "settle"},
}


def breaches(source: str) -> Iterator[str]:
    """Where an async function may be interrupted between a transition and its record."""
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.AsyncFunctionDef):
            pending = ""
            for what, name, line in _happenings(function.body):
                if what == "checkpoint" and pending:
                    yield f"{function.name}:{line}: a checkpoint after {pending}"
                elif what == "made":
                    pending = name
                elif what == "recorded":
                    pending = ""


def _happenings(body: list[ast.stmt]) -> Iterator[tuple[str, str, int]]:
    """Checkpoints, makings and records, in the order in which they are carried out."""
    for statement in body:
        yield from _of(statement)


def _of(node: ast.AST) -> Iterator[tuple[str, str, int]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return  # another function's own affair
    line = getattr(node, "lineno", 0)
    if isinstance(node, ast.AsyncFor | ast.AsyncWith):  # on the way in, too
        yield "checkpoint", "", line
    for child in ast.iter_child_nodes(node):
        yield from _of(child)
    if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith):
        yield "checkpoint", "", line
    elif isinstance(node, ast.Return | ast.Raise):
        yield "recorded", "", line  # what was made is handed on, or given up, without a checkpoint
    elif isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in RECORDS:
            yield "recorded", name, line
        elif name in MAKERS | STARTS:
            yield "made", name, line


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_checkpoint_comes_between_a_transition_and_its_record(path):
    assert list(breaches(path.read_text())) == []


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_no_async_function(name):
    tree = ast.parse((ROOT / "supervisor" / name).read_text())
    kinds = {
        node.name: type(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {kinds[step] for step in STEPS[name]} == {ast.FunctionDef}


BREACHES = {
    "the event is made, and then something is waited for": """
async def settle(self):
    event = settled(self.record, Outcome.PASSED)
    await self.flush()
    self.work.step(event)
""",
    "the command runs, and its start is told later": """
async def start(self, spec, accepted):
    child = self._spawn(spec)
    await trio.lowlevel.checkpoint()
    accepted(child)
    return child
""",
    "an event that is recorded by whoever is awaited": """
async def back_off(self):
    retry = CheckRetryScheduled(check="a", attempt=2, delay_ns=1)
    async with self.lock:
        self.work.step(retry)
""",
}


@pytest.mark.parametrize("how", BREACHES)
def test_a_planted_breach_is_found(how):
    assert list(breaches(BREACHES[how])) != []


def test_what_is_recorded_at_once_is_no_breach():
    source = """
async def conclude(self):
    result = await self.attempt.wait()
    self.work.record(self._finished(result))
    judgement = await self.judge(result)
    self.work.step(settled(self.record, judgement.outcome))
"""
    assert list(breaches(source)) == []
