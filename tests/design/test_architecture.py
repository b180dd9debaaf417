"""The rules of the structure: import contracts, kept as the tree stands and broken by a planted
breach; names; constructors.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of `tree`, and of nothing that is installed."""
    return subprocess.run(
        [sys.executable, "-c", COMMAND, "--no-logo", "--no-cache"],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree), "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_tree_keeps_every_contract() -> None:
    """Nothing imports upwards, and the core touches nothing outside itself."""
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


# (where, what is planted there, the contract that must be found broken by that file)
BREACHES = {
    "upwards": ("system/clock.py", "import vibeguard.commands", "cli > commands > system > core"),
    "a vocabulary that knows a model": (
        "core/names.py",
        "import vibeguard.core.model.state",
        "inside core",
    ),
    "a process that knows its supervisor": (
        "system/process/planted.py",
        "import vibeguard.system.supervisor",
        "inside system",
    ),
    "two modules of a room that know each other": (
        "system/vouching/statement.py",
        "import vibeguard.system.vouching.exchange",
        "no two modules of a room",
    ),
    "a clock in the fold": ("core/fold/planted.py", "import time", "core takes values"),
    "a clock in a function of the fold": (
        "core/fold/planted_too.py",
        "def now():\n    import time\n    return time.time()",
        "core takes values",
    ),
    "a format in the runtime": (
        "system/supervisor/planted.py",
        "import vibeguard.core.formats.text",
        "knows no output format",
    ),
    "a format in a format": (
        "core/formats/planted.py",
        "import vibeguard.core.formats.text",
        "no format imports another",
    ),
    "Trio in a replay": ("commands/report.py", "import trio", "start without Trio"),
    "Trio in a replay, by a detour": ("core/problems.py", "import trio", "start without Trio"),
    "a room without a floor": ("core/planted.py", "", "inside core"),
}


def test_planted_breaches_are_found(tmp_path: Path) -> None:
    """Each contract can fail: a single import in the wrong place is named in its paragraph."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    tree = tmp_path / "vibeguard"
    shutil.copytree(ROOT / "vibeguard", tree, ignore=shutil.ignore_patterns("__pycache__"))
    for place, code, _ in BREACHES.values():
        with (tree / place).open("a", encoding="utf-8") as module:
            module.write(f"\n{code}\n")
    result = lint_imports(tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    paragraphs = re.split(r"\n\n(.+)\n-+\n", result.stdout)
    told = dict(zip(paragraphs[1::2], paragraphs[2::2], strict=True))
    for breach, (place, _, contract) in BREACHES.items():
        (broken,) = (text for name, text in told.items() if contract in name)
        module = "vibeguard." + place.removesuffix(".py").replace("/", ".")
        culprit = rf"{re.escape(module)}|\.{Path(place).stem}"  # in a circle: within its room
        assert re.search(rf"^-? *({culprit})( ->|$)", broken, re.MULTILINE), breach


# One subject in several rooms: what it is in `core`, how the system does it, how it is shown.
SEEN_FROM_SEVERAL_ROOMS = {
    *("differing.py", "evidence.py", "history.py", "migrate.py", "notifying.py", "plan.py"),
    *("problems.py", "prune.py", "report.py", "results.py", "run.py", "status.py"),
    *("tree.py", "watch.py", "worker.py"),
    *("ctrf.py", "junit.py", "sarif.py"),  # a form of reports: read, and written
}
# What each room of a kind has: what its entries are, the table of them, a language, a process.
ONE_IN_EACH_OF_A_KIND = {
    *("__init__.py", "base.py", "registry.py"),
    *("guardian.py", "process.py"),
}


def test_no_two_files_of_one_name_mean_different_things() -> None:
    """A name that stands twice is one subject, or what each room of a kind has: it is listed."""
    files = (file for top in ("vibeguard", "scripts") for file in (ROOT / top).rglob("*.py"))
    names = Counter(file.name for file in files)
    twice = {name for name, count in names.items() if count > 1}
    assert twice == (SEEN_FROM_SEVERAL_ROOMS | ONE_IN_EACH_OF_A_KIND)


NO_TEXT = {"UnicodeDecodeError", "UnicodeError", "ValueError", "TOMLDecodeError"}
DECODES = r"(json|msgpack)\.(decode|loads)\(|tomllib\.loads?\("


def half_caught(source: str) -> list[str]:
    """What catches one of the errors of a decoder (`UNDECODABLE`), and forgets the others."""
    return [
        f"line {block.lineno}: {', '.join(sorted(names))}"
        for block in ast.walk(ast.parse(source))
        if isinstance(block, ast.Try | ast.With)
        for caught in [_caught_silently(block)]
        for names in [{n.rpartition(".")[2] for one in caught for n in re.findall(r"[\w.]+", one)}]
        if "DecodeError" in names
        or (caught and re.search(DECODES, "\n".join(map(ast.unparse, block.body))))
        if not {"UNDECODABLE"} & names
        if not (NO_TEXT & names and "RecursionError" in names)
    ]


def _caught_silently(block: ast.Try | ast.With) -> list[str]:
    if isinstance(block, ast.With):
        calls = [item.context_expr for item in block.items]
        return [ast.unparse(c) for c in calls if "suppress(" in ast.unparse(c)]
    handlers = [ast.unparse(h.type) for h in block.handlers if h.type is not None]
    raises = all(any(isinstance(n, ast.Raise) for n in ast.walk(h)) for h in block.handlers)
    return [] if raises else handlers


def test_what_anybody_may_have_written_is_decoded_with_every_error_in_mind() -> None:
    """A check can put anything into files and sockets: the text may be none, or nested too deep."""
    planted = "try: f()\nexcept (OSError, msgspec.DecodeError): pass"
    assert half_caught(planted) == ["line 1: DecodeError, OSError"]
    assert half_caught("try: json.loads(x)\nexcept ValueError: pass") == ["line 1: ValueError"]
    for file in (ROOT / "vibeguard").rglob("*.py"):
        assert half_caught(file.read_text("utf-8")) == [], file


# What begins something that outlives the call, or changes the whole process.
EFFECTS = {
    *("start_soon", "start_thread", "Thread", "fork", "posix_spawn", "Popen"),
    *("signal", "set_wakeup_fd", "pthread_sigmask", "prctl", "become_subreaper"),
    *("take_over_signals", "chdir", "umask", "putenv", "dup2", "setrlimit"),
}


def effects_in_constructors(source: str) -> list[str]:
    """The calls of a constructor that have an effect beyond the object."""
    return [
        f"{kind.name}: {ast.unparse(call.func)}"
        for kind in ast.walk(ast.parse(source))
        if isinstance(kind, ast.ClassDef)
        for made in kind.body
        if isinstance(made, ast.FunctionDef) and made.name in {"__init__", "__post_init__"}
        for call in ast.walk(made)
        if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in EFFECTS
    ]


def test_no_constructor_begins_a_task_or_changes_the_process() -> None:
    """What does has a name that says so: `begin`, `open`, `take_over_signals`."""
    planted = "class A:\n def __init__(self, n):\n  n.start_soon(f); signal.signal(1, f)"
    assert effects_in_constructors(planted) == ["A: n.start_soon", "A: signal.signal"]
    for file in (ROOT / "vibeguard").rglob("*.py"):
        assert effects_in_constructors(file.read_text("utf-8")) == [], file
