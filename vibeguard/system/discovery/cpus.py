"""What the machine gives us: CPUs to use."""

import math
import os

from vibeguard.system.discovery.whereabouts import upwards


def usable_cpus(root: str = "/") -> int:
    """CPUs that this process may use: affinity and the quotas of its control groups; at least 1.

    `root` is where `/proc` and `/sys` are looked for.
    """
    try:
        count = len(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # not on macOS; refused by a sandbox
        count = os.cpu_count() or 1
    quotas = [*_quotas_v2(root), *_quotas_v1(root)]
    return max(1, min([count, *(math.ceil(quota) for quota in quotas)]))


def _quotas_v2(root: str) -> list[float]:
    """CPUs that each group from ours up to the top allows, in cgroup v2's `cpu.max`."""
    quotas = []
    for line in _read(os.path.join(root, "proc/self/cgroup")).splitlines():
        for group in upwards(line[3:]) if line.startswith("0::") else ():
            text = _read(os.path.join(root, "sys/fs/cgroup", group.strip("/"), "cpu.max"))
            quotas += _ratio(text.split())
    return quotas


def _quotas_v1(root: str) -> list[float]:
    """The same in cgroup v1; containers see their own group as the top."""
    folder = os.path.join(root, "sys/fs/cgroup/cpu")
    quota = _read(os.path.join(folder, "cpu.cfs_quota_us"))
    period = _read(os.path.join(folder, "cpu.cfs_period_us"))
    return _ratio([quota.strip(), period.strip()])


def _ratio(words: list[str]) -> list[float]:
    """Quota by period; nothing where it says "max" or -1, or is not there."""
    if len(words) != 2 or not all(word.isascii() and word.isdigit() for word in words):
        return []
    quota, period = map(int, words)
    return [quota / period] if quota and period else []


def _read(path: str) -> str:
    """A small text file of the kernel; the empty text if it is not there."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(65536)
    except OSError:
        return ""
