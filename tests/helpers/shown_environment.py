"""Another environment for a process that runs already: for Python, for C, and for /proc.

A command reads its environment from /proc/self/environ, which shows what the kernel was told where
to look for (prctl(2), PR_SET_MM_MAP; Linux 3.18 with CONFIG_CHECKPOINT_RESTORE, no privilege).
"""

import ctypes
import os
from collections.abc import Mapping
from pathlib import Path

PR_SET_MM = 35
PR_SET_MM_MAP = 14
NO_OTHER_EXECUTABLE = 2**32 - 1
# Fields of /proc/PID/stat (proc_pid_stat(5)), counted from the one after the name.
_CODE, _STACK, _DATA, _HEAP, _ARGUMENTS = (23, 24), 25, (42, 43), 44, (45, 46)


class MemoryMap(ctypes.Structure):
    """`struct prctl_mm_map` of linux/prctl.h."""

    _fields_ = [
        *((name, ctypes.c_uint64) for name in ("start_code", "end_code", "start_data", "end_data")),
        *((name, ctypes.c_uint64) for name in ("start_brk", "brk", "start_stack")),
        *((name, ctypes.c_uint64) for name in ("arg_start", "arg_end", "env_start", "env_end")),
        ("auxv", ctypes.c_void_p),
        ("auxv_size", ctypes.c_uint32),
        ("exe_fd", ctypes.c_uint32),
    ]


def show_environment(environment: Mapping[str, str]) -> bool:
    """Have this process, which has one thread, show another environment; False where it cannot."""
    text = b"".join(os.fsencode(f"{name}={value}") + b"\0" for name, value in environment.items())
    area = ctypes.create_string_buffer(text, len(text))
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(area))  # the kernel reads it as long as this lives
    start = ctypes.addressof(area)
    if not _show_in_proc(start, start + len(text)):
        return False
    os.environ.clear()
    os.environ.update(environment)
    return True


def _show_in_proc(start: int, end: int) -> bool:
    fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    at = [int(field) if field.lstrip("-").isdigit() else 0 for field in fields]
    libc = ctypes.CDLL(None)
    libc.sbrk.restype = ctypes.c_void_p
    told = MemoryMap(
        *(at[index] for index in (*_CODE, *_DATA, _HEAP)),
        *(libc.sbrk(0), at[_STACK], *(at[index] for index in _ARGUMENTS)),
        *(start, end, None, 0, NO_OTHER_EXECUTABLE),
    )
    size = ctypes.c_ulong(ctypes.sizeof(told))
    nothing = ctypes.c_ulong(0)
    words = (ctypes.c_ulong(PR_SET_MM_MAP), ctypes.byref(told), size, nothing)
    return int(libc.prctl(PR_SET_MM, *words)) == 0
