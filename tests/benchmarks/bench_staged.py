"""Laying out what is staged, against `git checkout-index -a` and `git status`, in turns.

python tests/benchmarks/bench_staged.py [files] [rounds]

Target: at most half a second for 5,000 files, or twice what git takes to check all of them out.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from statistics import median

from vibeguard.core.model.settings import Settings
from vibeguard.core.planning.plan import make_plan, resolve_settings
from vibeguard.system.channel import Launch, Staged
from vibeguard.system.discovery.environment import caller_environment
from vibeguard.system.staged.frozen import freeze
from vibeguard.system.staged.staged_view import open_view

TARGET_S, TARGET_RATIO = 0.5, 2.0


def git(*words: str, cwd: str) -> None:
    subprocess.run(["git", *words], cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def make_repository(folder: str, files: int) -> None:
    """Files of 2 KB, fifty a folder; twenty are staged in part, twenty are untracked."""
    for number in range(files):
        path = Path(folder, f"d{number // 50}", f"f{number}.py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(sha256(str(number).encode()).hexdigest() * 32)
    git("init", "-q", ".", cwd=folder)
    git("add", "-A", cwd=folder)
    git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "x", cwd=folder)
    for number in range(0, files, max(files // 20, 1)):
        path = Path(folder, f"d{number // 50}", f"f{number}.py")
        path.write_text("staged")
        git("add", str(path), cwd=folder)
        path.write_text("not staged")
        Path(folder, f"d{number // 50}", f"new{number}").touch()


def lay_out(folder: str) -> str:
    """What command and supervisor do for it, in this order; the way that was taken."""
    state = os.path.join(folder, ".vibeguard")
    os.makedirs(state, exist_ok=True)
    Path(state, ".gitignore").write_text("*\n")
    with freeze(folder, state, caller_environment()) as frozen:
        settings = resolve_settings(Settings(), usable_cpus=2)
        launch = Launch(
            plan=make_plan((), settings, variables={}),
            argv=(),
            environment=caller_environment(),
            variables={},
            folder=os.fsencode(folder),
            config_folder=os.fsencode(folder),
            state_dir=os.fsencode(state),
            config_path="",
            config_sha256="",
            selection_sha256="",
        )
        staged = Staged(
            root=os.fsencode(frozen.root),
            git_dir=os.fsencode(frozen.git_dir),
            common_dir=os.fsencode(frozen.common_dir),
            scratch=os.fsencode(frozen.scratch.path),
            head=frozen.head,
            tree=frozen.tree,
        )
        view = open_view(launch, staged, lambda: None)
        return view.way.way.value


def in_child(work: Callable[[], str]) -> tuple[float, str]:
    """How long it takes, in a process whose mounts go with it, and what it says."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        began = time.perf_counter()
        said = work()
        os.write(writer, f"{time.perf_counter() - began} {said}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    seconds, _, said = os.read(reader, 1000).decode().partition(" ")
    os.close(reader)
    os.close(writer)
    return float(seconds), said


def timed(*words: str, cwd: str) -> float:
    began = time.perf_counter()
    git(*words, cwd=cwd)
    return time.perf_counter() - began


def main() -> int:
    """Print the medians; exit 1 where the target is missed."""
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    ours, checkout, status = [], [], []
    way = ""
    with tempfile.TemporaryDirectory() as top:
        folder = os.path.join(top, "repository")
        os.mkdir(folder)
        make_repository(folder, files)
        for number in range(rounds):
            seconds, way = in_child(lambda: lay_out(folder))
            ours.append(seconds)
            prefix = f"--prefix={top}/out{number}/"
            checkout.append(timed("checkout-index", "-a", prefix, cwd=folder))
            status.append(timed("status", "--porcelain", cwd=folder))
    took, theirs = median(ours), median(checkout)
    print(f"{files} files ({way}): {took * 1000:.0f} ms, {took / theirs:.2f} x checkout-index -a")
    print(f"checkout-index -a {theirs * 1000:.0f} ms, git status {median(status) * 1000:.0f} ms")
    return 0 if took <= TARGET_S or took <= TARGET_RATIO * theirs else 1


if __name__ == "__main__":
    sys.exit(main())
