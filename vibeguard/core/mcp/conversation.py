"""One client's conversation: a line in, and what is to be done about it out.

Both eras of the protocol. Up to 2025-11-25 a client says `initialize` first; since 2026-07-28 each
request names its version in `_meta`, and nothing comes first. All that is remembered is whether
`initialize` came, and which calls are not answered yet.
"""

from functools import partial

import msgspec
from msgspec import Struct

from vibeguard.core.mcp.answers import Ended, called, described
from vibeguard.core.mcp.jsonrpc import (
    ErrorCode,
    Message,
    Params,
    RequestId,
    RpcError,
    error_line,
    id_of,
    notification_line,
    read_message,
    result_line,
)
from vibeguard.core.mcp.tasks import EXTENSION, Answered, asked, knows_tasks, run_or_task
from vibeguard.core.mcp.tools import TOOLS, Arguments, Run
from vibeguard.version import __version__

STATELESS = "2026-07-28"
WITH_HANDSHAKE = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
_META = "io.modelcontextprotocol/"
_SERVER = {"name": "vibeguard", "title": "VibeGuard", "version": __version__}
_INSTRUCTIONS = (
    "Runs this project's checks. Call run, go on working while exit_code is 5 (pending), call wait "
    "with its run_id, read report for what to mend, and evidence before saying that all passes."
)
_UNCHANGING = {"ttlMs": 3_600_000, "cacheScope": "public"}  # the same for everybody, per version
MOST_CALLS = 16  # at once; each is a process


class Reply(Struct, frozen=True):
    """A line to write."""

    line: bytes


class Call(Struct, frozen=True, eq=False):
    """A command to run; its end goes to `Conversation.answer`. Each is one of its own."""

    id: RequestId
    arguments: Arguments
    answered: Answered
    stateless: bool
    progress_token: RequestId | None = None

    @property
    def tool(self) -> type[Arguments]:
        """The tool that is called."""
        return type(self.arguments)


class Abandon(Struct, frozen=True):
    """The client does not want the answer to this call any more."""

    call: Call


Move = Reply | Call | Abandon


class Conversation:
    """What was said so far, as far as it matters."""

    def __init__(self) -> None:
        self._initialized = False
        self._open: dict[RequestId, Call] = {}

    def receive(self, line: bytes) -> Move | None:
        """What a line asks for; None where nothing has to be done."""
        try:
            message = read_message(line)
        except RpcError as error:
            return Reply(error_line(error))
        if message is None:
            return None
        if message.id is None:
            return self._notified(message)
        try:
            return self._requested(message, message.id)
        except RpcError as error:
            error.request_id = message.id
            return Reply(error_line(error))

    def answer(self, call: Call, ended: Ended) -> bytes | None:
        """The line that answers a call; None where nobody waits for it any more."""
        if not self.awaits(call):
            return None
        del self._open[call.id]
        try:
            result = call.answered(ended)
        except RpcError as error:
            error.request_id = call.id
            return error_line(error)
        return result_line(call.id, _stateless(result) if call.stateless else result)

    def _notified(self, message: Message) -> Abandon | None:
        wanted = id_of(message.params.get("requestId"))
        if message.method != "notifications/cancelled" or wanted is None:
            return None
        call = self._open.pop(wanted, None)
        return None if call is None else Abandon(call)

    def awaits(self, call: Call) -> bool:
        """Whether somebody still waits for this answer."""
        return self._open.get(call.id) is call

    def _requested(self, message: Message, request_id: RequestId) -> Move:
        """What a request asks for. Raises RpcError for what is none of ours, or comes too early."""
        if request_id in self._open:
            raise RpcError(ErrorCode.INVALID_REQUEST, "this id is a call that is not answered yet")
        meta = message.params.get("_meta")
        stateless = False
        if isinstance(meta, dict) and f"{_META}protocolVersion" in meta:
            stateless = True
            _check_version(meta)
        elif message.method == "initialize":
            self._initialized = True
            return Reply(result_line(request_id, _initialized(message.params)))
        elif not self._initialized:
            raise RpcError(
                ErrorCode.INVALID_PARAMS,
                f"params._meta has no {_META}protocolVersion, and no initialize came before",
            )
        match message.method, stateless:
            case "ping", False:
                return Reply(result_line(request_id, {}))
            case "server/discover", True:
                return Reply(result_line(request_id, _stateless(_discovered())))
            case "tools/list", _:
                tools = _listed(message.params)
                result = _stateless(tools | _UNCHANGING) if stateless else tools
                return Reply(result_line(request_id, result))
            case "tools/call", _:
                return self._opened(_call(message.params, request_id, stateless=stateless))
            case (("tasks/get" | "tasks/update" | "tasks/cancel"), True):
                return self._opened(_of_a_task(message, request_id))
        raise RpcError(ErrorCode.METHOD_NOT_FOUND, f"there is no method {message.method[:100]}")

    def _opened(self, move: Move) -> Move:
        if isinstance(move, Call):
            if len(self._open) >= MOST_CALLS:
                what = f"{MOST_CALLS} calls are open: wait for one"
                raise RpcError(ErrorCode.INVALID_REQUEST, what)
            self._open[move.id] = move
        return move


def progress_line(token: RequestId, waited_s: int, bound_s: int) -> bytes:
    """How much of its time a call has taken."""
    return notification_line(
        "notifications/progress",
        {"progressToken": token, "progress": waited_s, "total": bound_s, "message": "waiting"},
    )


def _check_version(meta: Params) -> None:
    """Raises RpcError for another version than ours, or a request without what each must have."""
    version = meta[f"{_META}protocolVersion"]
    if not isinstance(version, str):
        raise RpcError(ErrorCode.INVALID_PARAMS, f"{_META}protocolVersion is a text")
    if version != STATELESS:
        data = {"supported": [STATELESS, *WITH_HANDSHAKE], "requested": version[:100]}
        raise RpcError(ErrorCode.UNSUPPORTED_VERSION, "Unsupported protocol version", data)
    if not isinstance(meta.get(f"{_META}clientCapabilities"), dict):
        raise RpcError(ErrorCode.INVALID_PARAMS, f"params._meta has no {_META}clientCapabilities")


def _initialized(params: Params) -> dict[str, object]:
    """The handshake of the older era: the version that was asked for, else our newest of it."""
    asked = params.get("protocolVersion")
    if not isinstance(asked, str):
        raise RpcError(ErrorCode.INVALID_PARAMS, "initialize has no protocolVersion")
    return {
        "protocolVersion": asked if asked in WITH_HANDSHAKE else WITH_HANDSHAKE[0],
        "capabilities": {"tools": {}},
        "serverInfo": _SERVER,
        "instructions": _INSTRUCTIONS,
    }


def _discovered() -> dict[str, object]:
    return {
        "supportedVersions": [STATELESS, *WITH_HANDSHAKE],
        "capabilities": {"tools": {}, "extensions": {EXTENSION: {}}},
        "instructions": _INSTRUCTIONS,
        **_UNCHANGING,
    }


def _listed(params: Params) -> dict[str, object]:
    if params.get("cursor") is not None:
        raise RpcError(ErrorCode.INVALID_PARAMS, "there is one page, and no cursor")
    return {"tools": [described(name, tool) for name, tool in TOOLS.items()]}


def _stateless(result: dict[str, object]) -> dict[str, object]:
    return {"resultType": "complete", "_meta": {f"{_META}serverInfo": _SERVER}, **result}


def _call(params: Params, request_id: RequestId, *, stateless: bool) -> Move:
    """The call, or where its arguments are wrong a result that tells the model so."""
    name, meta = params.get("name"), params.get("_meta")
    tool = TOOLS.get(name) if isinstance(name, str) else None
    if tool is None:
        known = ", ".join(TOOLS)
        raise RpcError(ErrorCode.INVALID_PARAMS, f"there is no such tool; there are: {known}")
    token = meta.get("progressToken") if isinstance(meta, dict) else None
    try:
        said = params.get("arguments")
        arguments = msgspec.convert({} if said is None else said, tool)
    except msgspec.ValidationError as error:
        takes = ", ".join(tool.__struct_fields__)
        content = [{"type": "text", "text": f"{name}: {error}; it takes: {takes}"}]
        wrong: dict[str, object] = {"content": content, "isError": True}
        return Reply(result_line(request_id, _stateless(wrong) if stateless else wrong))
    tasks = stateless and tool is Run and _knows_tasks(params)
    answered = run_or_task if tasks else partial(called, tool)
    return Call(request_id, arguments, answered, stateless, id_of(token))


def _of_a_task(message: Message, request_id: RequestId) -> Call:
    """A look at a task, or a word about it. Raises RpcError for a client that knows of none."""
    if not _knows_tasks(message.params):
        needed: Params = {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
        what = "Missing required client capability"
        raise RpcError(ErrorCode.MISSING_CAPABILITY, what, needed)
    arguments, answered = asked(message.method, message.params)
    return Call(request_id, arguments, answered, stateless=True)


def _knows_tasks(params: Params) -> bool:
    meta = params.get("_meta")
    return isinstance(meta, dict) and knows_tasks(meta.get(f"{_META}clientCapabilities"))
