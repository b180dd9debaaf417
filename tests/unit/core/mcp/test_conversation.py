"""Lines in, answers and calls out: both eras of the protocol, and clients that do not keep to it."""

import json

import jsonschema
import pytest

from tests.helpers.command import ROOT
from vibeguard.core.mcp.answers import Ended, schema_of
from vibeguard.core.mcp.conversation import (
    MOST_CALLS,
    STATELESS,
    WITH_HANDSHAKE,
    Abandon,
    Call,
    Conversation,
    Reply,
)
from vibeguard.core.mcp.jsonrpc import MOST_BYTES
from vibeguard.core.mcp.tools import TOOLS, Text
from vibeguard.core.model.report import Report

META = {
    "io.modelcontextprotocol/protocolVersion": STATELESS,
    "io.modelcontextprotocol/clientCapabilities": {},
}
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t"}}


def request(method, params=None, number=1):
    """A line of a client."""
    said = {"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}
    return json.dumps(said).encode()


def stateless(method, id_=1, meta=META, **params):
    """A line of a client of 2026-07-28."""
    return request(method, {**params, "_meta": meta}, id_)


def reply(conversation, line):
    """The one message that answers this line."""
    move = conversation.receive(line)
    assert isinstance(move, Reply)
    assert move.line.endswith(b"\n")
    assert move.line.count(b"\n") == 1
    return json.loads(move.line)


def error_code(line, conversation=None):
    """The code that a fresh conversation answers with."""
    return reply(conversation or Conversation(), line)["error"]["code"]


def handshaken():
    """A conversation of the older era."""
    conversation = Conversation()
    conversation.receive(request("initialize", HELLO))
    assert conversation.receive(b'{"jsonrpc":"2.0","method":"notifications/initialized"}') is None
    return conversation


@pytest.mark.parametrize("version", WITH_HANDSHAKE)
def test_the_handshake_agrees_on_the_version_that_is_asked_for(version):
    """Each older revision is served as itself."""
    result = reply(Conversation(), request("initialize", HELLO | {"protocolVersion": version}))
    assert result["result"]["protocolVersion"] == version
    assert result["result"]["serverInfo"]["name"] == "vibeguard"


def test_an_unknown_version_is_answered_with_our_newest_of_that_era():
    """The client decides whether that will do."""
    result = reply(Conversation(), request("initialize", HELLO | {"protocolVersion": "1999-01-01"}))
    assert result["result"]["protocolVersion"] == WITH_HANDSHAKE[0]


def test_without_a_handshake_each_request_stands_alone():
    """2026-07-28: a result says what it is, who gave it, and how long it holds."""
    result = reply(Conversation(), stateless("server/discover"))["result"]
    assert result["supportedVersions"][0] == STATELESS
    assert result["resultType"] == "complete"
    assert result["ttlMs"] > 0
    assert result["cacheScope"] == "public"
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "vibeguard"
    listed = reply(Conversation(), stateless("tools/list"))["result"]
    assert {"ttlMs", "cacheScope", "resultType", "tools"} <= set(listed)


def test_the_older_era_gets_no_word_of_the_newer_one():
    """A strict client of 2024 sees what it knows."""
    assert set(reply(handshaken(), request("tools/list"))["result"]) == {"tools"}
    assert reply(handshaken(), request("ping"))["result"] == {}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"not json", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b'{"jsonrpc": "2.0", "id": 1', -32700),
        (b" " * MOST_BYTES + b"{}", -32600),
        (b"[" + request("ping") + b"]", -32600),
        (b"[]", -32600),
        (b"7", -32600),
        (b"{}", -32600),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}', -32600),
        (b'{"jsonrpc": "2.0", "id": null, "method": "ping"}', -32600),
        (b'{"jsonrpc": "2.0", "id": true, "method": "ping"}', -32600),
        (b'{"jsonrpc": "2.0", "id": [], "method": "ping"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": 5}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}', -32602),
        (request("tools/list"), -32602),
        (stateless("tools/list", meta={}), -32602),
        (stateless("tools/list", meta=7), -32602),
        (stateless("tools/list", meta=dict(list(META.items())[:1])), -32602),
        (stateless("tools/list", meta=META | {next(iter(META)): 3}), -32602),
        (stateless("tools/list", meta=META | {next(iter(META)): "2099-01-01"}), -32022),
        (stateless("tools/list", cursor="2"), -32602),
        (stateless("tools/call", name="rm"), -32602),
        (stateless("tools/call", name=["run"]), -32602),
        (stateless("ping"), -32601),
        (stateless("initialize"), -32601),
        (stateless("logging/setLevel"), -32601),
        (stateless("resources/list"), -32601),
        (request("initialize", {}), -32602),
    ],
)
def test_what_is_wrong_with_a_line_has_its_code(line, code):
    """And the next line is read as if nothing had been."""
    conversation = Conversation()
    assert error_code(line, conversation) == code
    assert "result" in reply(conversation, stateless("tools/list"))


def test_an_error_names_the_request_that_it_answers():
    """Where there is an id to be read."""
    assert reply(Conversation(), stateless("nothing", id_="x"))["id"] == "x"
    assert reply(Conversation(), b"nonsense")["id"] is None
    answer = reply(Conversation(), b'{"jsonrpc":"2.0","id":7,"method":1}')
    assert answer["id"] == 7


@pytest.mark.parametrize(
    "line",
    [
        b'{"jsonrpc":"2.0","method":"notifications/unheard_of","params":{"a":1}}',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}}',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":[]}}',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":true}}',
        b'{"jsonrpc":"2.0","id":1,"result":{}}',
        b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}',
    ],
)
def test_what_needs_no_answer_gets_none(line):
    """Notifications, and responses to what was never asked."""
    conversation = Conversation()
    asked = call(conversation)
    assert conversation.receive(line) is None
    assert conversation.awaits(asked)


def call(conversation, name="status", id_=1, **arguments):
    """The call that a request makes."""
    move = conversation.receive(stateless("tools/call", id_=id_, name=name, arguments=arguments))
    assert isinstance(move, Call)
    return move


HOSTILE = (
    "--config=/etc/passwd",
    "-c",
    "--",
    "--state-dir",
    "-",
    "--max-wait=1h",
    "a b",
    "x=y",
    "@f",
)


@pytest.mark.parametrize("word", HOSTILE)
@pytest.mark.parametrize("name", TOOLS)
def test_no_argument_becomes_a_flag(name, word):
    """What a client says is one word with its flag, or stands behind `--`."""
    texts, lists = ("run", "check", "since"), ("checks", "tags", "exclude_tags")
    known = TOOLS[name].__struct_fields__
    said = {key: word for key in texts if key in known}
    said |= {key: [word, word] for key in lists if key in known}
    plain = {key: "x" for key in texts if key in known}
    plain |= {key: ["x", "x"] for key in lists if key in known}
    words = call(Conversation(), name, **said).arguments.words()
    harmless = call(Conversation(), name, **plain).arguments.words()
    assert len(words) == len(harmless)
    border = harmless.index("--") if "--" in harmless else len(harmless)
    for ours, theirs in zip(harmless[:border], words[:border], strict=True):
        assert theirs == ours or theirs == ours.removesuffix("x") + word
        assert theirs.startswith("--") or theirs == harmless[0]
    assert words[border : border + 1] == harmless[border : border + 1]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("status", {"run": ""}),
        ("status", {"run": "a\0b"}),
        ("status", {"run": "a\nb"}),
        ("status", {"run": "a\n"}),
        ("status", {"run": 5}),
        ("status", {"run": "x" * 1000}),
        ("run", {"checks": "unit"}),
        ("run", {"command": "rm -rf /"}),
        ("run", {"config": "x.yaml"}),
        ("run", {"cwd": "/"}),
        ("run", {"env": {"A": "b"}}),
        ("run", {"max_wait_s": -1}),
        ("run", {"max_wait_s": 10_000}),
        ("wait", {"max_wait_s": "20s"}),
        ("status", []),
        ("status", ""),
        ("report", {"since": -2}),
        ("report", {"since": "a\nb"}),
        ("output", {}),
        ("cancel", {}),
    ],
)
def test_wrong_arguments_are_told_to_the_model_and_run_nothing(name, arguments):
    """A result with isError is what a model can mend."""
    line = stateless("tools/call", name=name, arguments=arguments)
    result = reply(Conversation(), line)["result"]
    assert result["isError"] is True
    assert result["content"][0]["text"].startswith(f"{name}: ")


def test_an_unknown_argument_is_told_with_what_there_is():
    line = stateless("tools/call", name="report", arguments={"zzz": "x"})
    told = reply(Conversation(), line)["result"]["content"][0]["text"]
    assert "`zzz`; it takes: run, since, budget" in told


def test_no_tool_takes_a_command_a_config_a_folder_or_an_environment():
    """The whole list of what can be said; a new word has to be thought about here."""
    said = {name for tool in TOOLS.values() for name in schema_of(tool)["properties"]}
    assert said == {
        "run", "check", "checks", "tags", "exclude_tags", "changed", "failed", "supersede",
        "max_wait_s", "since", "budget", "reuse",
    }  # fmt: skip
    assert all(schema_of(tool)["additionalProperties"] is False for tool in TOOLS.values())


@pytest.mark.parametrize("asked", [0, 1, 2, 20, 600])
def test_a_command_waits_for_less_time_than_its_call_has(asked):
    """So that the answer is there when the call is over."""
    for name in ("run", "wait"):
        arguments = call(Conversation(), name, max_wait_s=asked).arguments
        words = arguments.words()
        waits = [word for word in words if word.startswith("--max-wait=")]
        known = {"--max-wait=1ms", f"--max-wait={asked - 1}s"}
        assert waits
        assert set(waits) <= known
        assert arguments.bound_s == max(asked, 10)
    assert call(Conversation(), "wait").arguments.bound_s == 20


def test_every_tool_has_schemas_and_says_whether_it_changes_anything():
    """Clients compile them all beside each other."""
    tools = {
        tool["name"]: tool for tool in reply(handshaken(), request("tools/list"))["result"]["tools"]
    }
    assert list(tools) == [
        "run",
        "wait",
        "status",
        "report",
        "output",
        "cancel",
        "list",
        "explain",
        "evidence",
    ]
    for tool in tools.values():
        for schema in (tool["inputSchema"], tool["outputSchema"]):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
            assert "$id" not in schema
    changing = [n for n, tool in tools.items() if not tool["annotations"]["readOnlyHint"]]
    assert changing == ["run", "cancel"]
    assert all(tools[name]["annotations"]["destructiveHint"] for name in changing)


def test_the_report_has_the_published_schema():
    """What schemas/ says, in the words of tools/list."""
    published = json.loads((ROOT / "schemas/report.schema.json").read_text())
    ours = schema_of(Report)
    assert set(published["$defs"]["Report"]["properties"]) == set(ours["properties"])
    assert set(published["$defs"]) == {*ours["$defs"], "Report"}


def answered(name, code, out=b"", err=b"", cut=False, **arguments):
    """The result of a call whose command ended like this."""
    conversation = Conversation()
    asked = call(conversation, name, **arguments)
    line = conversation.answer(asked, Ended(code, out, err, cut))
    assert line is not None
    return json.loads(line)["result"]


def test_text_is_the_commands_own_and_both_streams_are_there():
    """Bytes that are no text do no harm."""
    result = answered("output", 1, b"one\n\xfftwo\n", b"vibeguard: note\n", check="unit")
    assert [part["text"] for part in result["content"]] == ["one\n\ufffdtwo\n", "vibeguard: note\n"]
    jsonschema.validate(result["structuredContent"], schema_of(Text))
    assert result["isError"] is False


def test_a_command_that_is_not_over_is_pending_and_never_an_answer():
    """Nothing is silently green."""
    pending = answered("output", None, b"so far\n", check="unit")["structuredContent"]
    assert (pending["pending"], pending["exit_code"]) == (True, 5)
    assert answered("wait", None)["isError"] is True
    assert answered("wait", None, b'{"schema": "1.1"')["isError"] is True
    assert answered("evidence", -9)["isError"] is True
    assert answered("list", 0, b'{"checks": []}', cut=True)["isError"] is True


def test_another_document_than_the_tools_own_is_no_structured_content():
    """A refusal of `status` is a report, which is not what its schema says."""
    refused = {"schema": "1.1", "state": "refused", "exit_code": 2}
    result = answered("status", 2, json.dumps(refused).encode())
    assert result["isError"] is True
    assert "structuredContent" not in result


def test_a_cancelled_call_is_not_answered_and_its_id_is_free_again():
    """The answer of the old one is not given to the new one."""
    conversation = Conversation()
    first = call(conversation, id_=5)
    told = b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}'
    assert conversation.receive(told) == Abandon(first)
    second = call(conversation, id_=5)
    assert conversation.answer(first, Ended(0, b"old", b"")) is None
    assert conversation.answer(second, Ended(0, b"new", b"")) is not None


def test_ids_in_use_and_too_many_calls_are_refused():
    """Each call is a process."""
    conversation = Conversation()
    calls = [call(conversation, id_=number) for number in range(MOST_CALLS)]
    line = stateless("tools/call", id_=0, name="status")
    assert error_code(line, conversation) == -32600
    line = stateless("tools/call", id_="more", name="status")
    assert error_code(line, conversation) == -32600
    conversation.answer(calls[0], Ended(0, b"", b""))
    call(conversation, id_="more")
