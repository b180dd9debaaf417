"""Checks that do not want to end, as data: what each does, and what may be expected of it.

`{nap}` in a command is a number of seconds that is unique to the test, so that a survivor is found
by its command line; `{python}` runs a program of `programs.py`, which needs no packages. Every command prints `ready` when
all of it is in place. docs/processes.md has the same table, and a test compares the two.
"""

import sys
from pathlib import Path
from typing import NamedTuple

PROGRAMS = Path(__file__).with_name("programs.py")
ROOT = PROGRAMS.parents[2]
VIBEGUARD = f"PYTHONPATH={ROOT} {sys.executable} -m vibeguard"


class Shape(NamedTuple):
    """One kind of hostile check.

    `exits` means that its leader ends by itself after `ready` and leaves the rest behind.
    `ignores_term` means that SIGTERM does not end all of it. `needs` is a program it cannot do without.
    """

    name: str
    does: str
    command: str
    exits: bool = False
    ignores_term: bool = False
    needs: str = "sh"

    def command_for(self, nap: str) -> str:
        """The command with its unique number of seconds."""
        return self.command.replace("{nap}", nap).replace(
            "{python}", f"{sys.executable} -IS {PROGRAMS}"
        )


def nested(name: str, does: str, flags: str, *, exits: bool) -> Shape:
    """VibeGuard in a check of VibeGuard, with a check of its own that leaves a daemon."""
    config = 'checks: [{id: a, timeout: 5m, run: "(setsid sleep {nap} &); touch up; sleep {nap}"}]'
    command = (
        f"mkdir nested.{{nap}}; cd nested.{{nap}}; echo '{config}' >vibeguard.yaml; "
        f"{VIBEGUARD} run {flags} & until [ -e up ] || ! kill -0 $!; do sleep 0.02; done; echo ready"
    )
    return Shape(name, does, command if exits else f"{command}; wait", exits=exits)


def program(name: str, does: str, *, exits: bool = False, ignores_term: bool = False) -> Shape:
    """A shape that a function of `programs.py` takes."""
    command = f"exec {{python}} {name} {{nap}}"
    return Shape(name.replace("_", " "), does, command, exits=exits, ignores_term=ignores_term)


SHAPES = (
    Shape("plain", "sleeps", "echo ready; sleep {nap}"),
    Shape("grandchild", "a shell below the shell sleeps", "sh -c 'echo ready; sleep {nap}; :'; :"),
    Shape(
        "ignores TERM",
        "traps SIGTERM and goes on",
        "trap '' TERM; echo ready; while :; do sleep {nap}; done",
        ignores_term=True,
    ),
    Shape(
        "grandchild ignores TERM",
        "the leader obeys, what it started does not",
        "sh -c 'trap \"\" TERM; echo ready; while :; do sleep {nap}; done' & wait",
        ignores_term=True,
    ),
    Shape(
        "obeys slowly",
        "cleans up on SIGTERM and ends with a code of its own",
        "trap 'echo cleaning; exit 7' TERM; echo ready; sleep {nap} & wait",
    ),
    Shape(
        "forks on TERM",
        "its handler of SIGTERM starts more processes",
        "trap 'sleep {nap} & sleep {nap}' TERM; echo ready; sleep {nap}",
        ignores_term=True,
    ),
    Shape("new session", "setsid, in the background", "setsid sleep {nap} & echo ready; wait"),
    Shape(
        "session within session",
        "setsid below setsid",
        "setsid -w sh -c 'setsid sleep {nap} & echo ready; wait'",
    ),
    program("new_group", "a child moves to a process group of its own"),
    program("double_fork", "a daemon beside a leader that goes on"),
    program("double_fork_and_exit", "a daemon, and the leader exits", exits=True),
    program(
        "double_fork_without_environment",
        "a daemon that carries no mark, and a leader that goes on",
    ),
    program(
        "double_fork_without_a_trace",
        "a daemon without mark, session or pipe of the check; the leader exits",
        exits=True,
    ),
    program("bomb_of_200", "two hundred children at once"),
    program(
        "forks_while_being_killed",
        "three processes that ignore SIGTERM and fork every millisecond",
        ignores_term=True,
    ),
    program("sessions_every_10_ms", "forks into a new session every 10 ms", exits=True),
    program("sessions_every_10_ms_behind_a_leader", "the same beside a leader that goes on"),
    Shape("stopped", "stops itself", "echo ready; kill -STOP $$; sleep {nap}"),
    Shape(
        "stopped grandchild",
        "what it started is stopped and cannot react to SIGTERM",
        "sh -c 'echo ready; kill -STOP $$; sleep {nap}' & wait",
    ),
    program("stops_whenever_continued", "stops again on every SIGCONT", ignores_term=True),
    Shape(
        "daemon keeps the pipe",
        "a background job holds the output open; the leader exits",
        "sleep {nap} & echo ready",
        exits=True,
    ),
    Shape(
        "daemon closes the pipe",
        "a background job that holds nothing open; the leader exits",
        "sleep {nap} <&- >&- 2>&- & echo ready",
        exits=True,
    ),
    Shape(
        "nohup",
        "a background job that ignores SIGHUP, in a new session; the leader exits",
        "setsid nohup sleep {nap} >/dev/null 2>&1 & echo ready",
        exits=True,
    ),
    Shape(
        "writes for ever after exit",
        "a background job goes on writing; the leader exits",
        "sh -c 'while :; do echo {nap}; done' & echo ready",
        exits=True,
    ),
    program("vfork_parent", "a parent that hangs in vfork"),
    program("traced_child", "a child in a ptrace stop", ignores_term=True),
    program("without_main_thread", "its main thread has ended, another one goes on"),
    program("child_without_main_thread", "a child whose main thread has ended"),
    program(
        "daemon_without_main_thread",
        "a daemon whose main thread has ended, in a new session; the leader exits",
        exits=True,
    ),
    program(
        "tracer_of_the_leader",
        "a child that traces the leader and so keeps its end from us; the leader exits",
        exits=True,
    ),
    program("zombie_factory", "a hundred children that it never reaps"),
    program("subreaper", "collects its own daemons, which carry no mark"),
    program("evil_name", "a process name that imitates /proc/PID/stat"),
    program("not_dumpable", "a child whose /proc entries are closed; the leader exits", exits=True),
    program("wipes_its_environment", "a daemon that overwrites its environment", exits=True),
    program("threads", "children started by twenty threads"),
    program("chain_of_100", "a hundred generations"),
    program("execs_for_ever", "the same pid, a new program every 5 ms"),
    program("ignores_everything", "ignores every signal that can be ignored", ignores_term=True),
    program("blocks_every_signal", "blocks every signal that can be blocked", ignores_term=True),
    Shape(
        "another name",
        "calls itself something else (exec -a)",
        "exec bash -c 'echo ready; exec -a \"[kworker/0:1]\" sleep {nap}'",
        needs="bash",
    ),
    Shape(
        "deleted binary",
        "runs a program that is no longer there",
        "cp /bin/sleep ./gone.{nap}; ./gone.{nap} {nap} & sleep 0.1; rm ./gone.{nap}; echo ready; wait",
    ),
    Shape(
        "64 KiB after TERM",
        "writes 64 KiB when it is told to end",
        "trap 'head -c 65536 /dev/zero; exit 1' TERM; echo ready; sleep {nap} & wait",
    ),
    Shape("closes its output", "goes on without output", "echo ready; exec >&- 2>&-; sleep {nap}"),
    Shape("flood", "writes as fast as it can", "echo ready; yes"),
    Shape("pipeline", "a pipe within", "echo ready; yes | cat >/dev/null"),
    Shape(
        "waits for stdin of its own making",
        "blocks on a FIFO that nobody writes to",
        "mkfifo fifo.{nap}; echo ready; cat fifo.{nap}",
    ),
    Shape(
        "timeout(1)",
        "another supervisor, which leaves the group",
        "echo ready; timeout {nap} sleep {nap}",
    ),
    Shape(
        "job control",
        "bash with a process group for every job",
        "exec bash -mc 'sleep {nap} & sleep {nap} & echo ready; wait'",
        needs="bash",
    ),
    nested("nested vibeguard", "runs VibeGuard, whose check leaves a daemon", "", exits=False),
    nested(
        "nested vibeguard, detached",
        "the same with --detach; the leader exits",
        "--detach",
        exits=True,
    ),
)
