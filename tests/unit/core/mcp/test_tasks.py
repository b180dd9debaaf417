"""The tasks extension of 2026-07-28: a run that goes on is a task, by the run's id."""

import json

import msgspec
import pytest

from tests.unit.core.mcp.test_conversation import META, handshaken, request, stateless
from vibeguard.core.mcp.answers import Ended
from vibeguard.core.mcp.conversation import Call, Conversation
from vibeguard.core.mcp.tasks import EXTENSION
from vibeguard.core.model.report import Report

RUN = "20261128T100000.250000Z-4f7a"
BEGAN, SEEN = "2026-11-28T10:00:00.250000Z", "2026-11-28T10:00:01.750000Z"
KNOWS = META | {
    "io.modelcontextprotocol/clientCapabilities": {"extensions": {EXTENSION: {}}},
}


def report(state="running", code=5, verdict=None, run=RUN):
    """The document of a run of no checks."""
    made = Report(
        "1.1", (), (), code, False, run, state, verdict, "", {}, 1_500, BEGAN, "0", "", (), None, ()
    )  # fmt: skip
    return Ended(code, msgspec.json.encode(made), b"", at=SEEN)


def asked(method, meta=KNOWS, **params):
    """The conversation, and the call that a request opens."""
    conversation = Conversation()
    move = conversation.receive(stateless(method, meta=meta, **params))
    assert isinstance(move, Call)
    return conversation, move


def answer(method, ended, meta=KNOWS, **params):
    """The message that answers a request whose command ended so."""
    conversation, call = asked(method, meta, **params)
    return json.loads(conversation.answer(call, ended))


def test_a_run_that_goes_on_is_handed_over_to_who_knows_tasks_alone():
    result = answer("tools/call", report(), name="run", arguments={})["result"]
    assert result["resultType"] == "task"
    assert (result["taskId"], result["status"]) == (RUN, "working")
    assert (result["createdAt"], result["lastUpdatedAt"]) == (BEGAN, SEEN)
    assert (result["ttlMs"], result["pollIntervalMs"] > 0) == (None, True)
    for meta in (META, META | {list(META)[1]: {"extensions": {EXTENSION: 1}}}):
        plain = answer("tools/call", report(), meta, name="run", arguments={})["result"]
        assert plain["resultType"] == "complete"
        assert plain["structuredContent"]["run_id"] == RUN


@pytest.mark.parametrize(
    "ended",
    [report("finished", 0, "passed"), report("running", 1), report("refused", 2, run="")],
)
def test_what_is_decided_is_no_task(ended):
    """A failure is told at once, whatever still goes on."""
    result = answer("tools/call", ended, name="run", arguments={})["result"]
    assert result["resultType"] == "complete"
    assert result["structuredContent"]["exit_code"] == ended.exit_code


def test_no_other_tool_makes_a_task():
    result = answer("tools/call", report(), name="wait", arguments={})["result"]
    assert result["resultType"] == "complete"


@pytest.mark.parametrize(
    ("ended", "status"),
    [
        (report(), "working"),
        (report("pending"), "working"),
        (report("running", 1), "working"),
        (report("finished", 143, "cancelled"), "cancelled"),
        (report("finished", 1, "failed"), "completed"),
        (report("incomplete", 3), "completed"),
    ],
)
def test_a_task_is_asked_for_until_its_run_has_ended(ended, status):
    result = answer("tasks/get", ended, taskId=RUN)["result"]
    assert (result["resultType"], result["status"]) == ("complete", status)
    assert ("result" in result) == (status == "completed")
    if status == "completed":
        assert result["result"]["structuredContent"]["exit_code"] == ended.exit_code
        assert result["result"]["isError"] == (ended.exit_code == 3)


def test_asking_runs_the_command_that_only_looks():
    assert asked("tasks/get", taskId=RUN)[1].arguments.words() == [
        "wait", "--json", "--max-wait=1ms", "--", RUN,
    ]  # fmt: skip
    assert asked("tasks/cancel", taskId=RUN)[1].arguments.words() == ["cancel", "--", RUN]


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
def test_a_task_that_is_not_there_is_an_error(method):
    gone = report("refused", 2, run="")
    assert answer(method, gone, taskId=RUN)["error"]["code"] == -32602
    for wrong in ("latest", "--help", "", 7, None, f"{RUN}x", f"{RUN}\n"):
        line = stateless(method, meta=KNOWS, taskId=wrong)
        assert json.loads(Conversation().receive(line).line)["error"]["code"] == -32602


def test_no_answer_in_time_is_an_internal_error():
    assert answer("tasks/get", Ended(None, b"", b""), taskId=RUN)["error"]["code"] == -32603


@pytest.mark.parametrize("method", ["tasks/update", "tasks/cancel"])
def test_a_word_about_a_task_is_acknowledged(method):
    result = answer(method, report(), taskId=RUN, inputResponses={"a": {}})["result"]
    assert set(result) == {"resultType", "_meta"}


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
def test_who_does_not_know_tasks_is_told_what_is_missing(method):
    error = json.loads(Conversation().receive(stateless(method, taskId=RUN)).line)["error"]
    assert error["code"] == -32021
    assert error["data"]["requiredCapabilities"] == {"extensions": {EXTENSION: {}}}
    older = json.loads(handshaken().receive(request(method, {"taskId": RUN})).line)
    assert older["error"]["code"] == -32601


def test_the_extension_is_told_of():
    result = json.loads(Conversation().receive(stateless("server/discover")).line)["result"]
    assert result["capabilities"]["extensions"] == {EXTENSION: {}}
    assert "tasks/list" not in str(result)
