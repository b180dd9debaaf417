"""Whose orphan is it? Children of ours that we did not start, and the attempts they belong to.

An orphan is known by the mark in its environment; else by its session, once that was seen in an
attempt's tree; else by the output pipe that it still holds. With one attempt alive and nothing
foreign about, there is nobody else it could belong to. What remains belongs to nobody.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache

from msgspec import Struct

from vibeguard.system.discovery.environment import (
    ATTEMPT_MARK,
    CHECK_MARK,
    RUN_MARK,
    is_in_a_check,
)
from vibeguard.system.process import proc
from vibeguard.system.process.exits import ExitStatus, reap
from vibeguard.system.process.proc import Identity, Stat
from vibeguard.system.process.process_tree import ChildList, own_session, stat_of

LOOKS = 50  # at what dies and forks while one looks


class Mark(Struct, frozen=True):
    """What the environment of a process says of the attempt that it belongs to."""

    run: bytes
    check: bytes
    attempt: bytes


def mark_in(environment: Mapping[bytes, bytes]) -> Mark:
    """The mark that an environment carries; empty parts where it carries none."""
    return Mark(
        environment.get(RUN_MARK, b""),
        environment.get(CHECK_MARK, b""),
        environment.get(ATTEMPT_MARK, b""),
    )


@cache
def marks_around() -> frozenset[Mark]:
    """The checks that this process is a part of: by its own mark, and those of processes above.

    A run in a check of another one gives its checks its own mark alone.
    """
    if not is_in_a_check(os.environb):
        return frozenset()
    above = (proc.environment_of(pid) for pid in proc.ourselves_and_above()[1:])
    return frozenset(mark_in(known) for known in (os.environb, *above) if is_in_a_check(known))


def is_part_of(run_id: str) -> bool:
    """Whether a check of this run is around this process: for its end it would wait for ever."""
    return run_id.encode() in {mark.run for mark in marks_around()}


class Claim:
    """What one attempt is known by, from its start until nothing of it is left.

    `released` means that what it left behind may go on running for good. `cpu_*_ns` gather what
    its reaped orphans used.
    """

    def __init__(self, *, leader: int, mark: Mark, pipe: int) -> None:
        self.leader = leader
        self.mark = mark
        self.pipe_name = f"pipe:[{os.fstat(pipe).st_ino}]"  # as /proc/PID/fd shows it
        self.sessions = {leader}
        self.released = False
        self.cpu_user_ns = 0
        self.cpu_system_ns = 0

    def saw(self, stat: Stat) -> None:
        """Take note of one of its processes: the session is the attempt's, unless it is ours."""
        if stat.session != own_session():
            self.sessions.add(stat.session)

    def add_usage(self, status: ExitStatus) -> None:
        """Count what a reaped orphan used."""
        self.cpu_user_ns += status.cpu_user_ns
        self.cpu_system_ns += status.cpu_system_ns


class Orphans:
    """Knows every child of this process: leaders, strangers that were there before, and orphans.

    Whoever makes one owns the reaping of all children that are made later: nothing else in the
    process may start a child or wait for one.
    """

    def __init__(self) -> None:
        self._children = ChildList()
        present = map(stat_of, self._children.read())
        self._strangers = {stat.identity for stat in present if stat is not None}
        self._claims: list[Claim] = []
        self._owners: dict[Identity, Claim] = {}
        self._leaders: set[int] = set()
        self._foreign_seen = False

    def claim(self, claim: Claim) -> None:
        """An attempt has started."""
        self._claims.append(claim)
        self._leaders.add(claim.leader)

    def leader_reaped(self, claim: Claim) -> None:
        """The attempt's leader is no child of ours any more."""
        self._leaders.discard(claim.leader)

    def withdraw(self, claim: Claim) -> None:
        """The attempt is over: what it released keeps its owner, anything else has none now."""
        if claim.released:
            self._foreign_seen = True
            return
        self._claims.remove(claim)
        self._owners = {key: owner for key, owner in self._owners.items() if owner is not claim}

    def released(self) -> tuple[Mark, ...]:
        """The marks of the attempts whose leftovers may live on."""
        return tuple(claim.mark for claim in self._claims if claim.released)

    def close(self) -> None:
        """Look no more."""
        self._children.close()

    def spare(self, pid: int) -> None:
        """Leave this child alone: somebody else started it and waits for it."""
        stat = stat_of(pid)
        if stat is not None:
            self._strangers.add(stat.identity)

    def give_up(self, unkillable: Iterable[Identity]) -> None:
        """These have got SIGKILL and live on: they are named, and nobody waits for them again."""
        self._strangers.update(unkillable)

    def nothing_new(self) -> bool:
        """Whether all children are leaders: one read, no look at any process."""
        return self._leaders.issuperset(self._children.read())

    def of(self, claim: Claim) -> list[Stat]:
        """The orphans of one attempt that are alive; reaps all that are dead, whosever they are."""
        return [stat for stat, owner in self._living() if owner is claim]

    def of_nobody(self) -> list[Stat]:
        """The orphans that belong to no attempt. Without any, one alone has whatever comes next."""
        found = [stat for stat, owner in self._living() if owner is None]
        self._foreign_seen = bool(found or self.released())
        return found

    def reap_dead(self) -> None:
        """Reap every orphan that has ended."""
        if not self.nothing_new():
            self._living()

    def _living(self) -> list[tuple[Stat, Claim | None]]:
        """The orphans that are alive, with their owners.

        A dead one may have handed its children to us after the list was read, so the list is read
        again until nothing in it was dead. What dies and forks for ever counts as alive.
        """
        # A pid is reaped only after its identity was looked at: a zombie keeps its number, so that
        # no number is used again between the look and the reaping (ADR 0032).
        for _ in range(LOOKS):
            dead, living = self._look()
            if not dead:
                return living
            for stat in dead:
                self._reap(stat)
        return living + [(stat, self._owner(stat)) for stat in dead]

    def _look(self) -> tuple[list[Stat], list[tuple[Stat, Claim | None]]]:
        dead: list[Stat] = []
        living = []
        for pid in self._children.read():
            if pid in self._leaders or (stat := stat_of(pid)) is None:
                continue
            if stat.identity in self._strangers:
                continue
            owner = None if stat.is_dead else self._owner(stat)
            # What tells whose it is goes with its life, and may have gone since the first look.
            if stat.is_dead or (owner is None and not proc.is_alive(stat.identity)):
                dead.append(stat)
            else:
                self._foreign_seen |= owner is None
                living.append((stat, owner))
        return dead, living

    def _reap(self, stat: Stat) -> None:
        status = reap(stat.pid)
        owner = self._owners.pop(stat.identity, None)
        if owner is not None and status is not None:
            owner.add_usage(status)

    def _owner(self, stat: Stat) -> Claim | None:
        owner = self._owners.get(stat.identity) or self._find_owner(stat)
        if owner is not None:
            self._owners[stat.identity] = owner
            owner.saw(stat)
        return owner

    def _find_owner(self, stat: Stat) -> Claim | None:
        mark = mark_in(proc.environment_of(stat.pid))
        held = {proc.descriptor_target(stat.pid, number) for number in (1, 2)} - {""}
        tests: tuple[Callable[[Claim], bool], ...] = (
            lambda claim: claim.mark == mark,
            lambda claim: stat.session in claim.sessions,
            lambda claim: claim.pipe_name in held,
            lambda _: len(self._claims) == 1 and not self._foreign_seen and not mark.run,
        )
        for belongs in tests:
            for claim in self._claims:
                if belongs(claim):
                    return claim
        return None
