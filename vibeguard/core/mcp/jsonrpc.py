"""JSON-RPC 2.0: a line of a client -> a message, and what is said back -> a line."""

from collections.abc import Mapping
from enum import IntEnum

import msgspec
from msgspec import Struct

MOST_BYTES = 1 << 20  # of a line; a call of ours is a few hundred bytes
RequestId = int | str
Params = Mapping[str, object]


class ErrorCode(IntEnum):
    """JSON-RPC's codes, and those of the protocol that we have a use for."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL_ERROR = -32603
    MISSING_CAPABILITY = -32021
    UNSUPPORTED_VERSION = -32022


class RpcError(Exception):
    """What a client did wrong; `data` is for its program, the message for its author."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        data: Params | None = None,
        request_id: RequestId | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
        self.request_id = request_id


class Message(Struct, frozen=True):
    """A request, or without an id a notification."""

    method: str
    params: Params
    id: RequestId | None


def read_message(line: bytes) -> Message | None:
    """The message of a line; None for a response, since we ask nothing. Raises RpcError."""
    if len(line) > MOST_BYTES:
        raise RpcError(ErrorCode.INVALID_REQUEST, f"a line is longer than {MOST_BYTES} bytes")
    try:
        value: object = msgspec.json.decode(line)
    except (ValueError, RecursionError) as error:
        raise RpcError(ErrorCode.PARSE_ERROR, f"a line is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise RpcError(ErrorCode.INVALID_REQUEST, "a message is one object; batches are not read")
    method, params, request_id = value.get("method"), value.get("params", {}), value.get("id")
    if method is None and ("result" in value or "error" in value):
        return None
    if "id" in value and id_of(request_id) is None:
        raise RpcError(ErrorCode.INVALID_REQUEST, "an id is a whole number or a text")
    if value.get("jsonrpc") != "2.0" or not isinstance(method, str):
        raise RpcError(
            ErrorCode.INVALID_REQUEST, "no jsonrpc 2.0 message with a method", request_id=request_id
        )
    if not isinstance(params, dict):
        raise RpcError(ErrorCode.INVALID_PARAMS, "params are an object", request_id=request_id)
    return Message(method, params, request_id)


def id_of(value: object) -> RequestId | None:
    """What names a request; true and false do not, though Python counts them as numbers."""
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def result_line(request_id: RequestId, result: object) -> bytes:
    """The answer to a request."""
    return _line({"jsonrpc": "2.0", "id": request_id, "result": result})


def error_line(error: RpcError) -> bytes:
    """The answer to what was no good request; its id is null where none could be read."""
    told: dict[str, object] = {"code": int(error.code), "message": error.message}
    if error.data is not None:
        told["data"] = error.data
    return _line({"jsonrpc": "2.0", "id": error.request_id, "error": told})


def notification_line(method: str, params: Params) -> bytes:
    """What nobody answers."""
    return _line({"jsonrpc": "2.0", "method": method, "params": params})


def _line(message: object) -> bytes:
    return msgspec.json.encode(message) + b"\n"
