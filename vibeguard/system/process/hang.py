"""What a process is doing at this moment, without a debugger: less where the system tells less."""

import platform

from msgspec.structs import replace

from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.system.process import proc
from vibeguard.system.process.proc import Stat

STATES = {
    "R": "on_cpu",
    "S": "blocked",
    "D": "blocked",
    "I": "blocked",
    "T": "stopped",
    "t": "stopped",
    "Z": "zombie",
    "X": "zombie",
}

# The numbers of read and readv, by machine.
READ_CALLS = {"x86_64": (0, 19), "aarch64": (63, 65), "riscv64": (63, 65)}


def brief_report(stat: Stat) -> ProcessReport:
    """Which process it is, and what it runs."""
    return ProcessReport(
        pid=stat.pid,
        command=proc.command_of(stat),
        parent=stat.parent,
        state=STATES.get(stat.state, ""),
        cpu_ns=stat.cpu_ns,
    )


def full_report(stat: Stat) -> ProcessReport:
    """The same, with the kernel function that it sleeps in and whether it reads its stdin."""
    return replace(
        brief_report(stat),
        waits_in=proc.waits_in(stat.pid) if stat.state in "SD" else "",
        waits_for_stdin=_waits_for_stdin(stat),
    )


def _waits_for_stdin(stat: Stat) -> bool:
    call = proc.system_call(stat.pid) if stat.state == "S" else None
    return call is not None and call[1] == 0 and call[0] in READ_CALLS.get(platform.machine(), ())
