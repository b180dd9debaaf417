"""What the simulated machine shows of its processes, as Linux does in /proc."""

import errno

from tests.simulation.machine import Machine
from tests.simulation.processes import Process, refuse


class ProcFiles(Machine):
    """The texts of /proc, made at each look."""

    def read_proc(self, path: str) -> bytes:
        """The text of a file of /proc."""
        self.fail("proc")
        words = path.split("/")[2:]
        if words[0] == "sys":
            return b"00000000-0000-4000-8000-000000000000\n"
        process = self._named(words[0], path)
        match words[1:]:
            case ["stat"]:
                return self._stat(process)
            case ["environ"]:
                pairs = process.environment.items() if process.alive else ()
                return b"".join(b"%s=%s\0" % pair for pair in pairs)
            case ["cmdline"]:
                return process.command.encode() if process.alive else b""
            case ["status"]:
                return b"NSpid:\t%d\nVmHWM:\t 4096 kB\n" % process.pid
            case ["task", thread, "children"]:
                listed = process.children if thread == str(process.pid) else []
                return b"".join(b"%d " % child.pid for child in listed)
            case ["wchan"]:
                return b"do_nanosleep"
            case ["syscall"]:
                return b"running"
        raise refuse(errno.ENOENT, path)

    def list_proc(self, path: str) -> list[str]:
        """The names in a folder of /proc."""
        self.spend()
        words = path.split("/")[2:]
        if not words:
            return [str(pid) for pid in self.processes]
        if words[1:] == ["task"]:
            return [str(self._named(words[0], path).pid)]
        return []

    def link_of(self, path: str) -> str:
        """What a link of /proc points to."""
        self.spend()
        words = path.split("/")[2:]
        if words == ["self"]:
            return str(self.us)
        process = self._named(words[0], path)
        if process.alive and process.pipe is not None and words[1] == "fd":
            return f"pipe:[{process.pipe.inode}]"
        return "/dev/null"

    def session_of(self, pid: int) -> int:
        """getsid(2)."""
        return self._named(str(pid or self.us), None).session

    def group_of(self, pid: int) -> int:
        """getpgid(2)."""
        return self._named(str(pid or self.us), None).group

    def _named(self, word: str, path: str | None) -> Process:
        pid = self.us if word == "self" else int(word)
        process = self.processes.get(pid)
        if process is None:
            raise refuse(errno.ENOENT, path)
        return process

    def _stat(self, process: Process) -> bytes:
        self.looked[process.pid] = self.calls, process.owner
        parent = process.parent.pid if process.parent else 0
        state = "D" if process.stuck else process.state
        zeros = "0 " * 6
        head = f"{process.pid} (a (b) c) {state} {parent} {process.group} {process.session} 0 0 0 "
        rest = f"0 0 0 0 0 0 0 0 0 0 1 0 {process.start} "
        return (head + rest + zeros * 4 + "1 1 1 1 1").encode()
