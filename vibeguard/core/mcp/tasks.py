"""The tasks extension (SEP-2663): a run that goes on is handed over as a task, and asked for later.

A task is a run, by the run's id, so nothing is kept here: whatever server is asked reads the run
folder. It is for clients of 2026-07-28 that say, in each request, that they know the extension.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from vibeguard.core.mcp.answers import Ended, called, document
from vibeguard.core.mcp.jsonrpc import ErrorCode, Params, RpcError
from vibeguard.core.mcp.tools import END, Arguments, CancelRun, Run, WaitForRun
from vibeguard.core.model.report import Report
from vibeguard.core.names import ExitCode
from vibeguard.core.wording.units import some

EXTENSION = "io.modelcontextprotocol/tasks"
POLL_MS = 5_000
_RUN = r"^\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{4}" + END
_GOES_ON = ("pending", "running")

Answered = Callable[[Ended], dict[str, object]]


class _Named(Struct, frozen=True):
    """What each of the methods is about; other params are of no use to us."""

    task_id: Annotated[str, Meta(pattern=_RUN)] = msgspec.field(name="taskId")


def knows_tasks(capabilities: object) -> bool:
    """Whether a client's capabilities hold the extension."""
    extensions = capabilities.get("extensions") if isinstance(capabilities, dict) else None
    return isinstance(extensions, dict) and isinstance(extensions.get(EXTENSION), dict)


def run_or_task(ended: Ended) -> dict[str, object]:
    """The result of the tool `run`: the task, where nothing has failed and something goes on."""
    report = document(Report, ended)
    if isinstance(report, Report) and report.exit_code == ExitCode.PENDING and report.started_at:
        return {"resultType": "task", **_task(report, "working", ended)}
    return called(Run, ended)


def asked(method: str, params: Params) -> tuple[Arguments, Answered]:
    """The call that a method of the extension is, and what makes its result of how that ended.

    Both raise RpcError: the one for params that name no task, the other where there is none.
    """
    try:
        run = msgspec.convert(params, _Named, strict=True).task_id
    except msgspec.ValidationError as error:
        raise RpcError(ErrorCode.INVALID_PARAMS, f"there is no such task: {error}") from None
    if method == "tasks/cancel":
        return CancelRun(run=run), partial(_acknowledged, run)
    look = WaitForRun(run=run, max_wait_s=0)
    return look, partial(_state_of if method == "tasks/get" else _updated, run)


def _state_of(run: str, ended: Ended) -> dict[str, object]:
    report = _report(run, ended)
    if report.state in _GOES_ON:
        return _task(report, "working", ended)
    if report.verdict == "cancelled":
        return _task(report, "cancelled", ended)
    return {**_task(report, "completed", ended), "result": called(WaitForRun, ended)}


def _updated(run: str, ended: Ended) -> dict[str, object]:
    """No task of ours asks for anything, so there is nothing that an answer could be to."""
    _report(run, ended)
    return {}


def _acknowledged(run: str, ended: Ended) -> dict[str, object]:
    if ended.exit_code == ExitCode.USAGE:
        raise _no_task(run)
    return {}


def _report(run: str, ended: Ended) -> Report:
    report = document(Report, ended)
    if not isinstance(report, Report):
        raise RpcError(ErrorCode.INTERNAL_ERROR, "the run could not be looked at in time")
    if report.run_id != run:
        raise _no_task(run)
    return report


def _no_task(run: str) -> RpcError:
    return RpcError(ErrorCode.INVALID_PARAMS, f"there is no task {run}, or its run was removed")


def _task(report: Report, status: str, ended: Ended) -> dict[str, object]:
    return {
        "taskId": report.run_id,
        "status": status,
        "statusMessage": _message(report.counts, report),
        "createdAt": report.started_at or ended.at,
        "lastUpdatedAt": ended.at,
        "ttlMs": None,
        "pollIntervalMs": POLL_MS,
    }


def _message(counts: Mapping[str, int], report: Report) -> str:
    said = f"{sum(counts.values())} of {len(report.checks)} checks settled"
    failed = [violation.id for violation in report.violations]
    return f"{said}, did not pass: {some(failed, 5)}" if failed else said
