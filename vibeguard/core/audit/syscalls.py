r"""The lines of `strace -f -y -xx -q -o`: a system call each, put together where two lines tell it.

`-xx` writes every string as `\x..`, so no name can look like the end of an argument.
"""

import re
from typing import Final, NamedTuple

EXIT: Final = "exit"  # the name of what is no call: a process has ended

_LINE: Final = re.compile(
    rb"(\d+) +(?:(\w+)\((.*)|<\.\.\. (\w+) resumed>(.*)|\+\+\+ (.*) \+\+\+|--- .*)", re.DOTALL
)
_WHOLE: Final = re.compile(rb"(.*)\) += (.*)", re.DOTALL)
_UNFINISHED: Final = b"<unfinished ...>"
_SUPERSEDED: Final = b"superseded by execve in pid "
_TEXT: Final = rb"((?:\\x[0-9a-f]{2})*)"
_NAMED: Final = re.compile(
    rb"(?:(?:AT_FDCWD|-?\d+)(?:<" + _TEXT + rb">(?:\(deleted\))?)?, )?"
    rb'"' + _TEXT + rb'"'
)
_DESCRIPTOR: Final = re.compile(rb"(?:AT_FDCWD|\d+)<" + _TEXT + rb">")


class Call(NamedTuple):
    """One system call that has returned. `result` is what strace writes after the equals sign."""

    pid: int
    name: str
    arguments: bytes = b""
    result: bytes = b""

    @property
    def failed(self) -> bool:
        """Whether it returned an error, or nothing at all."""
        return self.result.startswith((b"-1", b"?"))

    @property
    def missed(self) -> bool:
        """Whether there was no such file."""
        return self.result.startswith((b"-1 ENOENT", b"-1 ENOTDIR"))

    def names(self) -> list[tuple[bytes | None, bytes]]:
        """Every string argument, with the folder of the descriptor before it where one is named."""
        return [
            (None if folder is None else _decoded(folder), _decoded(text))
            for folder, text in (found.groups() for found in _NAMED.finditer(self.arguments))
        ]

    def descriptor(self) -> bytes:
        """The file behind the first descriptor among the arguments; empty for none."""
        return _behind(self.arguments)

    def opened(self) -> bytes:
        """The file behind the descriptor that it returned, links resolved; empty for none."""
        return _behind(self.result)


class Syscalls:
    """Reads lines in their order. `unread` counts those that could not be understood."""

    def __init__(self) -> None:
        self.unread = 0
        self._begun: dict[int, tuple[str, bytes]] = {}

    def read(self, line: bytes) -> Call | None:
        """The call that this line completes."""
        found = _LINE.fullmatch(line)
        if found is None:
            self.unread += 1
            return None
        pid = int(found[1])
        if found[2] is not None:
            return self._call(pid, found[2].decode(), found[3])
        if found[4] is not None:
            name, begun = self._begun.pop(pid, ("", b""))
            if name != found[4].decode():
                self.unread += 1
                return None
            return self._call(pid, name, begun + found[5])
        return self._ended(pid, found[6]) if found[6] is not None else None

    def _call(self, pid: int, name: str, rest: bytes) -> Call | None:
        if rest.endswith(_UNFINISHED):
            self._begun[pid] = (name, rest.removesuffix(_UNFINISHED))
            return None
        whole = _WHOLE.fullmatch(rest)
        if whole is None:
            self.unread += 1
            return None
        return Call(pid, name, whole[1], whole[2])

    def _ended(self, pid: int, what: bytes) -> Call | None:
        """A process is gone; or a thread has executed, and goes on under its leader's number."""
        self._begun.pop(pid, None)
        if not what.startswith(_SUPERSEDED):
            return Call(pid, EXIT)
        thread = int(what.removeprefix(_SUPERSEDED))
        if thread in self._begun:
            self._begun[pid] = self._begun.pop(thread)
        return Call(thread, EXIT)


def decoded_text(quoted: bytes) -> bytes:
    r"""What stands between quotes: `\x..`, or plainly (an address)."""
    return _decoded(quoted) if quoted.startswith(b"\\x") else quoted


def _behind(text: bytes) -> bytes:
    found = _DESCRIPTOR.match(text)
    return _decoded(found[1]) if found else b""


def _decoded(text: bytes) -> bytes:
    return bytes.fromhex(text.replace(b"\\x", b"").decode("ascii"))
