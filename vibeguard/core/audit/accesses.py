"""System calls -> which files below a folder were read, looked for, listed and written, and more.

Only what lies below the root is kept, and at most `MOST_PATHS` of it: memory is bounded, however
long the check runs. A relative name means the folder that its process is in, which chdir changes
and a fork hands on; a child whose calls come before its parent's fork has returned waits for that.
"""

import posixpath
import re
from enum import IntFlag
from typing import Final

from vibeguard.core.audit.syscalls import EXIT, Call, decoded_text

MOST_PATHS: Final = 200_000
MOST_WAITING: Final = 100_000
MOST_ADDRESSES: Final = 1000

_OPENS: Final = frozenset({"open", "openat", "openat2", "creat"})
_LOOKS: Final = frozenset({
    "stat", "stat64", "lstat", "lstat64", "newfstatat", "fstatat64", "statx",
    "access", "faccessat", "faccessat2",
})  # fmt: skip
_LINKS_READ: Final = frozenset({"readlink", "readlinkat"})
_EXECUTES: Final = frozenset({"execve", "execveat"})
_FORKS: Final = frozenset({"fork", "vfork", "clone", "clone3"})
_MAKES: Final = frozenset({"mkdir", "mkdirat"})
_WRITES_FIRST: Final = frozenset({  # to the file that their first path names
    "unlink", "unlinkat", "rmdir", "truncate", "truncate64", "mknod", "mknodat",
    "chmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchownat",
    "utime", "utimes", "utimensat", "futimesat",
    "setxattr", "lsetxattr", "removexattr", "lremovexattr",
})  # fmt: skip
_WRITES_SECOND: Final = frozenset({"link", "linkat", "symlink", "symlinkat"})
_RENAMES: Final = frozenset({"rename", "renameat", "renameat2"})
_SENDS: Final = frozenset({"connect", "bind", "sendto", "sendmsg", "sendmmsg"})
_UNSEEN: Final = frozenset({"io_uring_setup"})

_NUMBER: Final = re.compile(rb"\d+")
_FLAGS: Final = re.compile(rb"O_[A-Z|_]+")
_INET: Final = re.compile(
    rb'sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]*)"'
)
_UNIX: Final = re.compile(rb'sun_path=(@?)"([^"]*)"')


class Use(IntFlag):
    """What was done with one path; MADE is a folder that the check made, or a name it gave.

    FILE comes with EXAMINED where the answer told that it is one, and no folder.
    """

    READ = 1
    LISTED = 2
    EXAMINED = 4
    ABSENT = 8
    WRITTEN = 16
    MADE = 32
    FILE = 64


class Accesses:
    """The facts of one trace. All folders are absolute, links resolved; names are from `folder`.

    `leader_ended` tells whether the trace goes as far as the check; `cut` whether paths were left
    out, `unseen` what the tracer cannot see, `ran` the programs, by path.
    """

    def __init__(self, *, root: bytes, folder: bytes, cwd: bytes, state_dir: bytes) -> None:
        self.uses: dict[bytes, Use] = {}
        self.ran: set[bytes] = set()
        self.network: set[str] = set()
        self.unseen: set[str] = set()
        self.shell = b""  # the program that was started first
        self.asked_git = False
        self.leader_ended = False
        self.cut = False
        self._root = root
        self._folder = folder
        self._state_dir = state_dir
        self._git = posixpath.join(root, b".git")
        self._cwd = cwd
        self._leader = 0
        self._folders: dict[int, list[bytes]] = {}  # threads share one
        self._waiting: dict[int, list[Call]] = {}
        self._waiting_count = 0

    def add(self, call: Call) -> None:
        """Take in the next call."""
        if not self._leader:
            self._leader = call.pid
            self._folders[call.pid] = [self._cwd]
        if call.pid not in self._folders:
            self._wait(call)
        elif call.name == EXIT:
            del self._folders[call.pid]
            self.leader_ended = self.leader_ended or call.pid == self._leader
        else:
            self._take(call)

    @property
    def started(self) -> bool:
        """Whether anything was executed under the tracer."""
        return bool(self.shell)

    def name_of(self, path: bytes) -> bytes | None:
        """The path from the folder of the run; None for what lies outside of the root."""
        return posixpath.relpath(path, self._folder) if _is_below(path, self._root) else None

    def orphaned(self) -> int:
        """How many calls were of processes of which no fork told."""
        return self._waiting_count

    def _wait(self, call: Call) -> None:
        self._waiting_count += 1
        if self._waiting_count <= MOST_WAITING:
            self._waiting.setdefault(call.pid, []).append(call)

    def _take(self, call: Call) -> None:
        name = call.name
        if name in _FORKS:
            self._fork(call)
        elif name in _OPENS:
            self._open(call)
        elif name in _LOOKS or name in _LINKS_READ:
            self._look(call)
        elif name in _EXECUTES:
            self._execute(call)
        elif name in _SENDS:
            self._send(call)
        elif not call.failed:
            self._change(call)

    def _fork(self, call: Call) -> None:
        found = _NUMBER.match(call.result)
        if found is None:
            return
        pid = int(found[0])
        own = self._folders[call.pid]
        self._folders[pid] = own if b"CLONE_FS" in call.arguments else list(own)
        for waiting in self._waiting.pop(pid, ()):
            self._waiting_count -= 1
            self.add(waiting)

    def _change(self, call: Call) -> None:
        """What succeeded and is none of the above."""
        name = call.name
        if name == "chdir":
            self._folders[call.pid][0] = self._path(call, 0)
        elif name == "fchdir":
            self._folders[call.pid][0] = call.descriptor() or self._folders[call.pid][0]
        elif name == "getdents64":
            self._note(call.descriptor(), Use.LISTED)
        elif name in _MAKES:
            self._note(self._path(call, 0), Use.MADE | Use.WRITTEN)
        elif name in _WRITES_FIRST:
            self._note(self._path(call, 0), Use.WRITTEN)
        elif name in _WRITES_SECOND:
            self._note(self._path(call, 1), Use.WRITTEN)
        elif name in _RENAMES:
            self._note(self._path(call, 0), Use.WRITTEN)
            self._note(self._path(call, 1), Use.WRITTEN | Use.MADE)
        elif name in _UNSEEN:
            self.unseen.add("io_uring")

    def _open(self, call: Call) -> None:
        """What an open means for its file, by its flags: what is written whole is not read."""
        found = _FLAGS.search(call.arguments)
        flags = set(found[0].split(b"|")) if found else set()
        creates = call.name == "creat" or b"O_CREAT" in flags
        if call.failed:
            if call.missed and not creates:
                self._note(self._path(call, 0), Use.ABSENT)
            return
        if b"O_TMPFILE" in flags:
            return  # it has no name
        path = call.opened() or self._path(call, 0)
        if b"O_PATH" in flags or b"O_DIRECTORY" in flags:
            self._note(path, Use.EXAMINED)
            return
        whole = call.name == "creat" or not flags.isdisjoint({b"O_TRUNC", b"O_EXCL"})
        if b"O_WRONLY" not in flags and not whole:
            self._note(path, Use.READ)
        if creates or whole or b"O_WRONLY" in flags or b"O_RDWR" in flags:
            self._note(path, Use.WRITTEN)

    def _look(self, call: Call) -> None:
        if not any(text for _, text in call.names()[:1]):
            return  # an open descriptor is looked at
        if call.missed:
            self._note(self._path(call, 0), Use.ABSENT)
        elif call.name in _LINKS_READ and not call.failed:
            self._note(self._path(call, 0), Use.READ)
        elif not call.failed and b"S_IFDIR" not in call.arguments:
            file = b"S_IFREG" in call.arguments or b"S_IFLNK" in call.arguments
            self._note(self._path(call, 0), Use.EXAMINED | (Use.FILE if file else Use(0)))

    def _execute(self, call: Call) -> None:
        path = self._path(call, 0)
        if call.missed:
            self._note(path, Use.ABSENT)
        elif not call.failed:
            self.shell = self.shell or path
            self._note(path, Use.READ)
            if len(self.ran) < MOST_PATHS:
                self.ran.add(path)

    def _send(self, call: Call) -> None:
        if len(self.network) >= MOST_ADDRESSES:
            return
        if found := _INET.search(call.arguments):
            address = decoded_text(found[2]).decode("ascii", "replace")
            host = f"[{address}]" if ":" in address else address
            verb = "bind" if call.name == "bind" else "connect"
            self.network.add(f"{verb} {host}:{found[1].decode()}")
        elif not call.failed and (local := _UNIX.search(call.arguments)):
            name = decoded_text(local[2]).decode("utf-8", "backslashreplace")
            self.network.add(f"unix {local[1].decode()}{name}")

    def _path(self, call: Call, number: int) -> bytes:
        """The file that a string argument names; empty where there is none."""
        names = call.names()
        if number >= len(names):
            return b""
        folder, text = names[number]
        base = folder if folder is not None else self._folders[call.pid][0]
        joined = posixpath.normpath(posixpath.join(base, text))
        return joined[1:] if joined.startswith(b"//") else joined

    def _note(self, path: bytes, use: Use) -> None:
        """Keep what was done with a path below the root; what the check wrote is no input of it."""
        name = self.name_of(path)
        if name is None or _is_below(path, self._state_dir):
            return
        if _is_below(path, self._git):  # its files change with every commit
            self.asked_git = self.asked_git or bool(use & Use.READ)
            return
        known = self.uses.get(name)
        if known is None and len(self.uses) >= MOST_PATHS:
            self.cut = True
            return
        if known is not None and known & Use.WRITTEN and not use & Use.WRITTEN:
            use &= Use.LISTED
        self.uses[name] = (known or Use(0)) | use


def _is_below(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")
