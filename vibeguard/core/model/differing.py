"""The files of a work tree that differ from what is committed, and what lies in their places."""

from collections.abc import Mapping

from msgspec import Struct


class Differing(Struct, frozen=True):
    """`files` are changed or untracked paths from the root, each with a digest of what lies there.

    `untold` says why nothing is known of them. `head` is the commit, `branch` the branch that it is
    checked out as; each is empty where there is none.
    """

    head: str = ""
    files: dict[bytes, str] = {}
    untold: str = ""
    branch: str = ""


def changed_since(before: Differing, now: Mapping[bytes, str]) -> list[bytes]:
    """What was changed meanwhile, in order: `now` has every path of `before`, and those new since.

    A path that is only there now held what is committed before.
    """
    return sorted(path for path, digest in now.items() if before.files.get(path) != digest)
