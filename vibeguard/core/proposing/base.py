"""What a detector is given, and what it gives."""

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

# What a tool reports goes to the state folder, which git ignores. In a command stands the path from
# its own folder, in `results` the one from the project's.
REPORTS = ".vibeguard/reports"
AT_REPORTS = "@REPORTS@"


class Project(Struct, frozen=True):
    """The files of a project, relative to where its config will stand, with `/` between folders.

    `texts` has the content of those that a detector reads (`registry.reads`).
    """

    files: frozenset[str]
    texts: Mapping[str, str]

    def any_below(self, folder: str, *endings: str) -> bool:
        """Whether a file below the folder ("" is the whole project) has one of these endings."""
        start = f"{folder}/" if folder else ""
        return any(path.startswith(start) and path.endswith(endings) for path in self.files)

    def nearest(self, folder: str, *names: str) -> str:
        """Which of these files stands in the folder, or in the nearest one above; "" for none."""
        while True:
            for name in names:
                if inside(folder, name) in self.files:
                    return name
            if not folder:
                return ""
            folder = parent(folder)


class Guard(Struct, frozen=True):
    """What keeps a runner of tests from passing when it ran none."""

    grok: str
    assertion: str


class Proposal(Struct, frozen=True):
    """A check that a project could have, and the file that says so.

    `tool` is what it runs; `wraps` are the tools that a recipe of the project runs, where it is
    known: when all of these are proposed by themselves, the recipe adds nothing. `results`, `stale`
    and `expect` are written as they stand.
    """

    id: str
    run: str
    source: str
    language: str
    tool: str = ""
    wraps: frozenset[str] = frozenset()
    folder: str = ""
    tags: tuple[str, ...] = ("fast",)
    timeout: str = "60s"
    fix: str = ""
    results: str = ""
    stale: str = ""
    expect: str = ""
    guard: Guard | None = None
    group: str = ""
    note: str = ""


Detector = Callable[[Project, str], Iterator[Proposal]]


def parent(path: str) -> str:
    """The folder of a path; "" is the project's."""
    return path.rpartition("/")[0]


def name_of(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]


def quoted(text: str) -> str:
    """A text as YAML has it, whatever is in it."""
    return "'" + text.replace("'", "''") + "'"


def inside(folder: str, name: str) -> str:
    """The path of a name in a folder."""
    return f"{folder}/{name}" if folder else name
