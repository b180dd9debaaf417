"""A network of two machines whose cable can be pulled: a network namespace, where rights allow."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


class Cable:
    """Between this machine (`here`) and another one, whose commands run `within`."""

    def __init__(self) -> None:
        self.name = f"vg{os.urandom(3).hex()}"
        third = os.urandom(2)
        self.here, self._there = (f"10.{third[0]}.{third[1]}.{last}" for last in (1, 2))
        self.within = ("ip", "netns", "exec", self.name)

    def lay(self) -> None:
        ours, theirs = f"{self.name}a", f"{self.name}b"
        _ip("netns", "add", self.name)
        _ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", self.name)
        _ip("addr", "add", f"{self.here}/24", "dev", ours)
        _ip("link", "set", ours, "up")
        _ip("-n", self.name, "addr", "add", f"{self._there}/24", "dev", theirs)
        _ip("-n", self.name, "link", "set", theirs, "up")

    def pull(self) -> None:
        """No packet passes any more, and nobody is told: each goes out to nobody's address."""
        nobody = ("lladdr", "02:00:00:00:00:99", "nud", "permanent")
        _ip("neigh", "replace", self._there, *nobody, "dev", f"{self.name}a")
        _ip("-n", self.name, "neigh", "replace", self.here, *nobody, "dev", f"{self.name}b")

    def plug(self) -> None:
        """They pass again."""
        _ip("neigh", "del", self._there, "dev", f"{self.name}a")
        _ip("-n", self.name, "neigh", "del", self.here, "dev", f"{self.name}b")

    def remove(self) -> None:
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)


@contextmanager
def cable() -> Iterator[Cable]:
    """A cable for the block; the test is skipped loudly where none can be laid."""
    made = Cable()
    try:
        made.lay()
    except (OSError, subprocess.CalledProcessError) as error:
        made.remove()
        if os.environ.get("CI"):
            raise
        pytest.skip(f"NO NETWORK NAMESPACES HERE, so nothing is known of cut networks: {error}")
    try:
        yield made
    finally:
        made.remove()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
