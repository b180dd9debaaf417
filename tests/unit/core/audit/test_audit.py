r"""Lines of strace -> facts -> what is answered.

traces/bash.strace was recorded with strace 6.1 and the flags of `system/audit/tracer.py`, of `bash
run.sh` in /tmp/tree, which holds src/{a.txt,'b "c", d',\xff}, lib/s.txt, link -> lib, alias ->
src/a.txt, and run.sh:

    cat src/a.txt link/s.txt alias "src/b \"c\", d"
    cat src/?
    ls lib
    cd src
    cat nope.txt
    [ -e gone ]; [ -e a.txt ]
    echo o > out.txt
    cat out.txt ../lib/s.txt | wc -c
    mkdir made; mv out.txt made/x; cat made/x; rm -r made
    (exec 3<>/dev/tcp/127.0.0.1/9)
    kill -9 $$
"""

import json
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.helpers.histories import check
from vibeguard.core.audit import accesses
from vibeguard.core.audit.accesses import Accesses, Use
from vibeguard.core.audit.findings import (
    Audit,
    Files,
    audit_lines,
    audit_of,
    patterns_for,
    tools_for,
)
from vibeguard.core.audit.syscalls import Syscalls
from vibeguard.core.lang.globs import Globs

RECORDED = (Path(__file__).parent / "traces" / "bash.strace").read_bytes().splitlines()


def quoted(text: str) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in text.encode()) + '"'


def behind(path: str) -> str:
    return "<" + quoted(path)[1:-1] + ">"


def traced(lines, *, folder: str = "/tmp/tree", cwd: str = "/tmp/tree") -> tuple[Accesses, int]:
    """The facts of these lines, and how many could not be read."""
    calls = Syscalls()
    facts = Accesses(
        root=b"/tmp/tree",
        folder=folder.encode(),
        cwd=cwd.encode(),
        state_dir=b"/tmp/tree/.vibeguard",
    )
    for line in lines:
        call = calls.read(line if isinstance(line, bytes) else line.encode())
        if call is not None:
            facts.add(call)
    return facts, calls.unread


def found(facts: Accesses, use: Use) -> set[bytes]:
    return {name for name, uses in facts.uses.items() if uses & use}


def answer(facts: Accesses, *inputs: str, ignored=(), tools=(), unread: int = 0) -> Audit:
    declared = check("unit", inputs=inputs, tools=tools)
    return audit_of(declared, facts, ignored, ended="exit code 0", exit_code=0, unread=unread)


def test_a_real_trace_tells_what_the_script_did():
    facts, unread = traced(RECORDED)
    assert unread == facts.orphaned() == 0
    assert facts.leader_ended
    # Links are resolved; what the check wrote before it read it is no input.
    assert found(facts, Use.READ) == {
        b"run.sh",
        b"src/a.txt",
        b"lib/s.txt",
        b'src/b "c", d',
        b"src/\xff",
    }
    assert found(facts, Use.ABSENT) >= {b"src/nope.txt", b"src/gone"}
    assert found(facts, Use.LISTED) >= {b"lib", b"src"}
    assert found(facts, Use.WRITTEN) == {b"src/out.txt", b"src/made", b"src/made/x"}
    assert facts.network == {"connect 127.0.0.1:9"}
    assert {b"/usr/bin/cat", b"/usr/bin/ls", b"/usr/bin/wc", b"/usr/bin/mv"} <= facts.ran
    assert facts.shell == b"/usr/bin/bash"


def test_the_answer_about_a_real_trace():
    facts, _ = traced(RECORDED)
    audit = answer(facts, "run.sh", "src/*.txt", ignored={b"lib/s.txt"})
    assert audit.read == 5
    assert audit.missed == Files(('src/b "c", d', "src/\\xff"), ("lib/s.txt",))
    assert audit.absent.files == ("src/gone",)
    assert audit.inputs == ("run.sh", "src/*.txt", 'src/b "c", d')
    assert "bash --version" not in audit.tools
    assert "cat --version" in audit.tools
    assert audit.incomplete == ()
    lines = audit_lines(audit)
    assert '      - "src/b \\"c\\", d"' in lines
    assert "  lib/ (1, ignored by git)" in lines


def test_half_a_trace_is_told_from_a_whole_one():
    facts, _ = traced(RECORDED[:-1])
    assert answer(facts).incomplete == ("the tracer ended before the check",)


@given(st.integers(0, len(RECORDED) - 1), st.integers(0, 200))
def test_a_line_that_is_cut_or_foreign_is_counted_and_ends_nothing(number, length):
    line = RECORDED[number][:length]
    facts, unread = traced([*RECORDED[:number], line, *RECORDED[number + 1 :]])
    assert unread <= 2
    traced([*RECORDED[:number], b"strace: what is this", *RECORDED[number:]])
    assert facts.leader_ended or number == len(RECORDED) - 1


def test_a_relative_name_means_the_folder_of_its_process():
    """A fork hands it on, threads share it, and a child may be seen before its parent's fork is."""
    opened = f"open({quoted('f')}, O_RDONLY) = -1 ENOENT (No such file or directory)"
    facts, unread = traced(
        [
            f"1 chdir({quoted('a')}) = 0",
            "1 vfork( <unfinished ...>",
            f"2 chdir({quoted('b')}) = 0",
            f"2 {opened}",
            "1 <... vfork resumed>) = 2",
            f"1 {opened}",
            "1 clone(child_stack=0x1, flags=CLONE_VM|CLONE_FS|CLONE_THREAD) = 3",
            f"3 chdir({quoted('/tmp/tree/c')}) = 0",
            f"1 {opened}",
            f"1 fchdir(4{behind('/tmp/tree/d')}) = 0",
            f"3 {opened}",
            f"3 openat(AT_FDCWD{behind('/tmp/tree/e')}, {quoted('f')}, O_RDONLY) = -1 ENOENT (No)",
            f"3 openat(7{behind('/tmp/tree/g')}, {quoted('../h/f')}, O_RDONLY) = -1 ENOENT (No)",
        ]
    )
    assert unread == facts.orphaned() == 0
    assert found(facts, Use.ABSENT) == {b"a/b/f", b"a/f", b"c/f", b"d/f", b"e/f", b"h/f"}


def test_a_thread_that_executes_goes_on_under_its_leaders_number():
    facts, unread = traced(
        [
            "1 clone3({flags=CLONE_VM|CLONE_FS|CLONE_THREAD}, 88) = 2",
            f'2 execve({quoted("x")}, [""], 0x1 /* 3 vars */ <unfinished ...>',
            "1 +++ superseded by execve in pid 2 +++",
            "1 <... execve resumed>) = 0",
            "1 +++ exited with 0 +++",
        ]
    )
    assert (unread, facts.ran, facts.leader_ended) == (0, {b"/tmp/tree/x"}, True)


@pytest.mark.parametrize(
    ("call", "use"),
    [
        (f"openat(AT_FDCWD, {quoted('f')}, O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3", Use.WRITTEN),
        (f"openat(AT_FDCWD, {quoted('f')}, O_RDWR|O_CREAT, 0666) = 3", Use.READ | Use.WRITTEN),
        (f"openat2(AT_FDCWD, {quoted('f')}, {{flags=O_RDONLY}}, 24) = 3", Use.READ),
        (f"openat(AT_FDCWD, {quoted('f')}, O_RDONLY|O_DIRECTORY) = 3", Use.EXAMINED),
        (f"openat(AT_FDCWD, {quoted('f')}, O_WRONLY|O_CREAT, 0666) = -1 ENOENT (No)", Use(0)),
        (f"stat({quoted('f')}, {{st_mode=S_IFREG|0644, ...}}) = 0", Use.EXAMINED | Use.FILE),
        (f"stat({quoted('f')}, {{st_mode=S_IFDIR|0755, ...}}) = 0", Use(0)),
        (f"access({quoted('f')}, R_OK) = 0", Use.EXAMINED),
        (f"stat({quoted('f')}, 0x1) = -1 EACCES (Permission denied)", Use(0)),
        (f"stat({quoted('f/x/..')}, 0x1) = -1 ENOTDIR (Not a directory)", Use.ABSENT),
        (f"readlink({quoted('f')}, {quoted('t')}, 9) = 1", Use.READ),
        (f"symlink({quoted('t')}, {quoted('f')}) = 0", Use.WRITTEN),
        (f"renameat2(AT_FDCWD, {quoted('f')}, AT_FDCWD, {quoted('/x')}, 0) = 0", Use.WRITTEN),
        (f"unlink({quoted('f')}) = -1 ENOENT (No such file or directory)", Use(0)),
        (f"open({quoted('f')}, O_RDONLY <unfinished ...>) = ?", Use(0)),
        (f"openat(AT_FDCWD, {quoted('.')}, O_RDWR|O_TMPFILE) = 3{behind('/tmp/tree/f')}", Use(0)),
    ],
)
def test_what_a_call_means(call, use):
    facts, unread = traced([f"1 {call}"])
    assert unread == 0
    assert facts.uses.get(b"f", Use(0)) == use


def test_what_is_git_s_and_what_is_ours_and_outside_is_no_input():
    facts, _ = traced(
        [
            f"1 open({quoted('.git/HEAD')}, O_RDONLY) = 3",
            f"1 open({quoted('.vibeguard/runs')}, O_RDONLY) = 3",
            f"1 open({quoted('/etc/passwd')}, O_RDONLY) = 3",
            f"1 open({quoted('../tree2/x')}, O_RDONLY) = 3",
            "1 io_uring_setup(8, {}) = 3",
        ]
    )
    assert facts.uses == {}
    assert [reason.split(",")[0] for reason in answer(facts).incomplete[1:]] == [
        "it read files of .git",
        "it used io_uring",
    ]


def test_names_are_from_the_folder_of_the_run():
    lines = [f"1 open({quoted('../x')}, O_RDONLY) = 3", f"1 open({quoted('y')}, O_RDONLY) = 3"]
    facts, _ = traced(lines, folder="/tmp/tree/sub", cwd="/tmp/tree/sub")
    assert answer(facts, "../*").missed.files == ("y",)


def test_whom_it_talked_to():
    facts, _ = traced(
        [
            (
                "1 connect(3, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), "
                'inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}, 28) = -1 EINPROGRESS (Now)'
            ),
            (
                '1 sendto(3, ""..., 9, 0, {sa_family=AF_INET, sin_port=htons(53), '
                f"sin_addr=inet_addr({quoted('10.0.0.1')})}}, 16) = 9"
            ),
            f"1 connect(3, {{sa_family=AF_UNIX, sun_path={quoted('/run/d.sock')}}}, 19) = 0",
            f"1 connect(3, {{sa_family=AF_UNIX, sun_path={quoted('/gone')}}}, 19) = -1 ENOENT (No)",
        ]
    )
    assert answer(facts).network == ("connect 10.0.0.1:53", "connect [::1]:443", "unix /run/d.sock")


def test_memory_is_bounded_and_says_so(monkeypatch):
    monkeypatch.setattr(accesses, "MOST_PATHS", 3)
    lines = (f"1 open({quoted(str(n))}, O_RDONLY) = 3" for n in range(5))
    facts, _ = traced(islice(lines, 5))
    assert len(facts.uses) == 3
    assert "more paths than can be kept: some are left out" in answer(facts).incomplete


def test_files_are_proposed_by_folder_and_suffix():
    paths = [b"src/a.py", b"src/deep/b.py", b"src/x.txt", b"setup.cfg", b"docs/a.md", b"docs/b.md"]
    assert patterns_for(paths) == ("docs/*.md", "setup.cfg", "src/**/*.py", "src/x.txt")


segment = st.text(st.sampled_from("ab.![]{}*?,\\ \"'é"), min_size=1, max_size=4).filter(
    lambda name: name not in (".", "..")
)


@given(st.lists(st.lists(segment, min_size=1, max_size=3).map("/".join), max_size=6))
@example(["!a"])
@example(["a/[x].py", "a/b/[y].py"])
def test_every_file_is_matched_by_what_is_proposed(names):
    paths = {name.encode() for name in names}
    globs = Globs({"": patterns_for(paths)})
    assert {path for path in paths if globs.owners_of(path)} == paths
    assert globs.idle("") == []


def test_a_program_is_asked_for_its_version_once():
    facts, _ = traced(
        [
            f'1 execve({quoted("/bin/sh")}, [""], 0x1) = 0',
            f'1 execve({quoted("/usr/bin/ruff")}, [""], 0x1) = 0',
            f'1 execve({quoted(".venv/bin/python")}, [""], 0x1) = 0',
            f'1 execve({quoted("tools/own.sh")}, [""], 0x1) = 0',
        ]
    )
    audit = answer(facts, tools=("ruff version",), ignored={b".venv/bin/python"})
    assert audit.tools == ("ruff version", ".venv/bin/python --version")
    assert audit.missed == Files(("tools/own.sh",), (".venv/bin/python",))
    assert tools_for([b"/a b", b"x;y"]) == ()


def test_long_lists_are_cut_for_people_alone():
    lines = (f"1 open({quoted(f'{n:03}')}, O_RDONLY) = 3" for n in range(50))
    audit = answer(traced(lines)[0])
    assert "  and 30 more (-v or --json: all)" in audit_lines(audit)
    assert "  049" in audit_lines(audit, everything=True)
    assert [json.loads(line[8:]) for line in audit_lines(audit) if "      - " in line][:2] == [
        "000",
        "001",
    ]
