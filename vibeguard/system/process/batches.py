"""A program of its own: runs a command once a batch of files, in order, until one fails.

`python -I -S batches.py ROOM WORD...`: the files are those of the NUL-separated list that
VIBEGUARD_FILES names, ROOM is how many bytes of them one command line takes. It ends as the last
command that it ran ended, by the same signal if it was one. The whole is one attempt: who ends its
tree ends both.
"""

import os
import signal
import sys

# What the system counts for each word beside its bytes: the closing NUL and a pointer.
WORD_COST = 9


def batches(files: list[bytes], room: int) -> list[list[bytes]]:
    """The files in their order, in groups that fit into `room` bytes; never an empty group."""
    groups: list[list[bytes]] = [[]]
    left = room
    for file in files:
        cost = len(file) + WORD_COST
        if cost > left and groups[-1]:
            groups.append([])
            left = room
        groups[-1].append(file)
        left -= cost
    return groups


def main(arguments: list[str]) -> int:
    """The exit code of the first command that failed, else 0."""
    for number in (signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    room, words = int(arguments[0]), [os.fsencode(word) for word in arguments[1:]]
    with open(os.environb[b"VIBEGUARD_FILES"], "rb") as listed:
        files = [name for name in listed.read().split(b"\0") if name]
    for batch in batches(files, room):
        pid = os.posix_spawnp(words[0], [*words, *batch], os.environb)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status < 0:
            if -status not in (signal.SIGKILL, signal.SIGSTOP):
                signal.signal(-status, signal.SIG_DFL)
            os.kill(os.getpid(), -status)
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
