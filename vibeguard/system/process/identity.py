"""What tells this process from every other one, on this machine and since this boot."""

import os

from vibeguard.system.process import proc

BOOT_ID = "/proc/sys/kernel/random/boot_id"


def boot_id() -> str:
    """The kernel's id of this boot (random(4)); empty where there is none."""
    text = proc.read(BOOT_ID)
    return "" if text is None else text.decode("ascii", "replace").strip()


def own_start() -> int:
    """When this process started, in clock ticks since boot (proc_pid_stat(5)); 0 where untold."""
    stat = proc.stat_of(os.getpid())
    return 0 if stat is None else stat.identity.start
