"""DESIGN section 11, "Reusing": what hits, what must miss, and what a reused check is shown as."""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.helpers.command import git, project, vibeguard
from tests.helpers.reusable import Place, replace_reuse
from vibeguard.core.reuse.record import decode_record, encode_record, reused_together
from vibeguard.system.process.process_tree import own_children
from vibeguard.system.reuse import lookup
from vibeguard.system.reuse.moment import Moment
from vibeguard.system.reuse.records import Records
from vibeguard.system.reuse.standing import Standing

TWO = """
version: "1"
checks:
  - {id: base, run: ./check.sh, reuse: true, inputs: [src/a.py], tools: [], outputs: [gen.built]}
  - {id: unit, run: ./check.sh, reuse: true, inputs: [src/b.py], tools: [], requires: [base]}
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "p")


# Honest shapes: what the check depends on is as it was. A cache that never hits is no cache.


def other_branch_and_back(place: Place) -> None:
    place.git("checkout", "-q", "-b", "other")
    place.write("src/a.py", "print(3)\n")
    place.git("commit", "-q", "-a", "-m", "other")
    place.git("checkout", "-q", "main")


def clone_at_the_same_place(place: Place) -> None:
    copy = place.root.with_name("copy")
    shutil.copytree(place.root, copy, symlinks=True)
    for name in os.listdir(place.root):
        if name != ".vibeguard":
            path = place.root / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in os.listdir(copy):
        if name != ".vibeguard":
            (copy / name).rename(place.root / name)


def undone_and_redone(place: Place) -> None:
    before = (place.root / "src/a.py").read_text()
    place.write("src/a.py", "print(3)\n")
    assert not place.hits()
    assert place.run()
    place.write("src/a.py", before)


def replaced_by_its_like(place: Place) -> None:
    new = place.write("src/new", (place.root / "src/a.py").read_text())
    new.rename(place.root / "src/a.py")


def reached_by_a_link(place: Place) -> None:
    link = place.root.with_name("link")
    link.symlink_to(place.root)
    place.root = link


def config(old: str, new: str) -> Callable[[Place], None]:
    def change(place: Place) -> None:
        assert old in place.config
        place.config = place.config.replace(old, new)

    return change


def more(text: str) -> Callable[[Place], None]:
    return config("    reuse: true\n", f"    reuse: true\n    {text}\n")


HONEST: dict[str, Callable[[Place], object]] = {
    "nothing": lambda p: None,
    "an undeclared file edited": lambda p: p.write("other.txt", "else\n"),
    "an undeclared file added": lambda p: p.write("new.txt", "new\n"),
    "an undeclared file deleted": lambda p: (p.root / "other.txt").unlink(),
    "an undeclared file made executable": lambda p: (p.root / "other.txt").chmod(0o755),
    "an excluded file edited": lambda p: p.write("src/notes.md", "else\n"),
    "an ignored file built": lambda p: p.write("x.built", "1\n"),
    "an input touched": lambda p: os.utime(p.root / "src/a.py"),
    "an input written again": lambda p: p.write("src/a.py", "print(1)\n"),
    "an input replaced by its like": replaced_by_its_like,
    "an edit undone": undone_and_redone,
    "other branch and back": other_branch_and_back,
    "a clone at the same place": clone_at_the_same_place,
    "the folder reached by a link": reached_by_a_link,
    "a commit of something else": lambda p: (
        p.write("other.txt", "2\n"),
        p.git("commit", "-am", "x"),
    ),
    "an empty commit": lambda p: p.git("commit", "--allow-empty", "-m", "x"),
    "the index packed and refreshed": lambda p: (p.git("gc", "-q"), p.git("update-index", "-q")),
    "a comment in the config": config("checks:", "# why\nchecks:"),
    "a suggestion": more("suggestion: mend it"),
    "a fix": more("fix: make fix"),
    "a tag": more("tags: [quick]"),
    "the severity": more("severity: warning"),
    "a prompt": more("on: {failure: mend it}"),
    "slow_after": more("slow_after: 5s"),
    "a longer reuse_for": more("reuse_for: 48h"),
    "one more check": config("checks:\n", "checks:\n  - {id: other, run: 'true'}\n"),
    "slots and grace of the run": config("checks:", "settings: {parallel: 9, grace: 1s}\nchecks:"),
    "another variable of the caller": lambda p: p.environment.update({b"FOO": b"1"}),
    "a tool written again": lambda p: p.write_alike("tool", (p.root / "tool").read_text()),
    "the command's file touched": lambda p: os.utime(p.root / "check.sh"),
    "the record of another check": lambda p: Records(p.state_dir).forget("other", "0" * 64),
}


@pytest.mark.parametrize("shape", HONEST)
def test_an_honest_shape_hits(place, shape):
    if any(word in shape for word in ("branch", "commit", "index")):
        place.commit()
    assert place.run()
    HONEST[shape](place)
    assert place.hits()


# Lying shapes: something that the result may depend on is another, and a naive key does not tell.


def crlf(place: Place) -> None:
    """Git sees no change: its filter makes the same blob of both."""
    place.write_alike("src/lines.py", "1\n2\r\n")


def hidden(flag: str) -> Callable[[Place], None]:
    def change(place: Place) -> None:
        place.git("update-index", flag, "src/a.py")
        place.write_alike("src/a.py", "print(9)\n")

    return change


def case_of_a_name(place: Place) -> None:
    (place.root / "src/a.py").rename(place.root / "src/A.py")


def instead_of_the_link(make: Callable[[Path], object]) -> Callable[[Place], None]:
    """Something else of the same length there, as old as the link was."""

    def change(place: Place) -> None:
        link = place.root / "src/link"
        status = link.lstat()
        link.unlink()
        make(link)
        times = (status.st_atime_ns, status.st_mtime_ns)
        os.utime(link, ns=times, follow_symlinks=False)

    return change


def submodule_moved(place: Place) -> None:
    """Another commit of it is checked out, with files of the same length and age."""
    path = place.root / "src/module/m.py"
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    place.git("-C", "src/module", "checkout", "-q", "HEAD^")
    os.utime(path, ns=times)


def with_submodule(place: Place) -> None:
    """A repository of two commits, and this one with it as a submodule."""
    for text in ("1\n", "2\n"):
        place.write("../origin/m.py", text)
        place.git("init", "-q", "../origin")
        place.git("-C", "../origin", "add", "-A")
        place.git("-C", "../origin", "commit", "-q", "-m", text)
    place.commit()
    local = ("-c", "protocol.file.allow=always")
    place.git(*local, "submodule", "add", "-q", "../origin", "src/module")


def second_worktree(place: Place) -> None:
    copy = place.root.with_name("worktree")
    shutil.copytree(place.root, copy, symlinks=True, copy_function=shutil.copy2)
    shutil.rmtree(copy / ".vibeguard")
    place.root = copy


def from_the_future(place: Place) -> None:
    """The clock was set back: the record is younger than now."""
    (record,) = Records(place.state_dir).of("unit")
    Records(place.state_dir).write(replace(record, passed_ns=record.passed_ns + 3600 * 10**9))


def too_old(place: Place) -> None:
    (record,) = Records(place.state_dir).of("unit")
    Records(place.state_dir).write(replace(record, passed_ns=record.passed_ns - 25 * 3600 * 10**9))


def under_another_check(place: Place) -> None:
    place.config = place.config.replace("id: unit", "id: unit2\n    tags: [x]")
    assert not place.hits("unit2")
    place.config += "  - {id: unit, run: 'true'}\n"


def a_run_that_failed(place: Place) -> None:
    log = place.log.read_bytes()
    place.log.write_bytes(log.replace(b'"outcome":"passed"', b'"outcome":"failed"'))


# What a naive key tells as well.
PLAIN: dict[str, Callable[[Place], object]] = {
    "an input deleted": lambda p: (p.root / "src/b.py").unlink(),
    "an input added": lambda p: p.write("src/deep/c.py", ""),
    "an input emptied": lambda p: p.write("src/b.py", ""),
    "a name with a newline": lambda p: p.write("src/a\n.py", "print(1)\n"),
    "an ignored input of another branch": lambda p: (p.root / "src/x.built").unlink(),
    "a link become a longer one": lambda p: (
        (p.root / "src/link").unlink(),
        (p.root / "src/link").symlink_to("./a.py"),
    ),
}

LYING: dict[str, Callable[[Place], object]] = {
    "same size and time": lambda p: p.write_alike("src/a.py", "print(9)\n"),
    "CRLF under eol=lf": crlf,
    "assume-unchanged": hidden("--assume-unchanged"),
    "skip-worktree": hidden("--skip-worktree"),
    "a nested repository dirty": lambda p: p.write_alike("src/sub/c.py", "4\n"),
    "an ignored input edited": lambda p: p.write_alike("src/x.built", "2\n"),
    "a submodule dirty": lambda p: p.write_alike("src/module/m.py", "3\n"),
    "a submodule moved": submodule_moved,
    "a mode": lambda p: (p.root / "src/a.py").chmod(0o755),
    "a link swapped": instead_of_the_link(lambda link: link.symlink_to("b.py")),
    "what a link leads to, out of the tree": lambda p: p.write_alike("../out", "2\n"),
    "the mode of what a link leads to": lambda p: (p.root.parent / "out").chmod(0o755),
    "a link become a file": instead_of_the_link(lambda link: link.write_text("b.py")),
    "a link to nothing": lambda p: (p.root.parent / "out").unlink(),
    "an empty folder": lambda p: (p.root / "src/empty").mkdir(),
    "the case of a name": case_of_a_name,
    "two inputs swapped": lambda p: (
        p.write_alike("src/a.py", "print(2)\n"),
        p.write_alike("src/b.py", "print(1)\n"),
    ),
    "a declared variable": lambda p: p.environment.update({b"SEED": b"2"}),
    "a declared variable empty": lambda p: p.environment.update({b"SEED": b""}),
    "PATH": lambda p: p.environment.update({b"PATH": p.environment[b"PATH"] + b":/nowhere"}),
    "a locale": lambda p: p.environment.update({b"LC_ALL": b"tr_TR.UTF-8"}),
    "a locale of no text": lambda p: p.environment.update({b"LC_\xff": b"tr_TR.UTF-8"}),
    "the value of env": more("env: {A: '1'}"),
    "a tool upgraded in place": lambda p: p.write_alike("tool", "#!/bin/sh\necho tool 2\n"),
    "a tool that fails": lambda p: p.write_alike("tool", "#!/bin/sh\nexit 1     \n"),
    "the command upgraded in place": lambda p: p.write_alike("check.sh", "#!/bin/sh\nexit\n"),
    "the command line": config("./check.sh", "./check.sh -q"),
    "the folder of the check": more("cwd: src"),
    "the inputs": config('"src/**"', '"src/**", other.txt'),
    "a pattern that matches nothing": config('"src/**"', '"src/**", "scr/**"'),
    "a limit of the check": more("timeout: 29s"),
    "a limit of the settings": config("checks:", "settings: {grok_limit: 1KiB}\nchecks:"),
    "the files that it is handed": lambda p: p.handed.update({"unit": b"a.py\0"}),
    "a requirement waived": lambda p: setattr(p, "passed", ()),
    "what a requirement makes": lambda p: p.write_alike("src/x.built", "2\n"),
    "a requirement left out": lambda p: setattr(p, "left_out", frozenset({"unit"})),
    "a second worktree": second_worktree,
    "the clock set back": from_the_future,
    "too old": too_old,
    "another check with the same command": under_another_check,
    "the log of the run gone": lambda p: shutil.rmtree(p.log.parent),
    "the log of the run changed": a_run_that_failed,
    "a log without its seal": lambda p: p.log.write_bytes(p.log.read_bytes().rpartition(b"{")[0]),
    "on a worker": config("checks:", "settings: {pool: {}}\nchecks:"),
}


def lines(*commands: str) -> Callable[[Place], None]:
    return config("run: ./check.sh", "run: |\n      " + "\n      ".join(commands))


# However a command is written, the programs of the repository that it names are known.
COMMANDS = {
    "one of several": lines("./check.sh; true"),
    "in parentheses": lines("(./check.sh)"),
    "redirected": lines(">out.built ./check.sh>err.built"),
    "behind a wrapper": lines("timeout 9 sh ./check.sh"),
    "after another": lines("# why", "cd . && ./check.sh"),
    "in a condition": lines('if "./check.sh"; then true; fi'),
    "at home": lines("A='1 2' ~/check.sh"),
    "in a folder that a variable names": lines('cd "$PKG" && ./there.sh'),
    "by a path with a variable, in a folder": lines("timeout 9 sh ${PKG}/there.sh"),
    "in a folder of CDPATH": lambda p: (
        p.environment.update({b"CDPATH": b"bin"}),
        lines("cd deep/.. && ./there.sh")(p),
    ),
    "on PATH, on the second line": lines("set -e", "check.sh"),
    "in quotes": lines('test "$(./check.sh)" = ""'),
    "in a script of one line": lines("sh -c './check.sh --all'"),
    "in a value": lines("CHECK=./check.sh env --ignore-environment=./check.sh true"),
    "in a folder that the line goes to": lines("cd bin && ./there.sh"),
    "in a folder of a folder": lines("cd bin/deep", "cd ..", "sh there.sh"),
    "in a folder that the line has in PATH": lines("PATH=$PATH:bin there.sh"),
    "as what a shell reads": lines("sh check.sh"),
    "behind what another command answers": lines('sh "$(pwd)"/check.sh'),
    "behind a variable that may be another": lines('sh "${PWD:-.}/check.sh"'),
    "as one of several in braces": lines("bash -c '{./ok,./check}.sh'"),
    "as one of several in braces in braces": lines("bash -c 'exec ./{ok,{check,x}}.sh'"),
    "by a letter of a row": lines("bash -c './chec{k..k}.sh'"),
    "by where the shell is": lines("bash -c '~+/check.sh'"),
    "by where the shell is, in a folder": lines("bash -c 'cd bin && ~+/there.sh'"),
    "by where the shell was, of a folder": lines("bash -c 'cd bin; cd ..; ~-/there.sh'"),
    "an interpreter": lambda p: p.write("check.sh", "#!/usr/bin/env interpreter\n"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_program_that_a_command_names_counts_by_its_content(place, command):
    place.environment[b"HOME"] = os.fsencode(place.root)
    place.environment[b"PKG"] = b"bin"
    place.environment[b"PATH"] += b":" + os.fsencode(place.root)
    place.write("interpreter", "#!/bin/sh\ntrue\n").chmod(0o755)
    place.write("bin/deep/it", "")
    place.write("bin/there.sh", "#!/bin/sh\ntrue\n").chmod(0o755)
    COMMANDS[command](place)
    changed = "interpreter" if command == "an interpreter" else "check.sh"
    if "folder" in command:
        changed = "bin/there.sh"
    assert place.run()
    assert place.hits()
    place.write_alike(changed, "#!/bin/sh\nexit\n")
    assert not place.hits()


@pytest.mark.parametrize("name", ["TOOL", "VIBEGUARD_CHECK"])
def test_checks_of_one_command_have_each_the_programs_that_their_variables_name(tmp_path, name):
    """Those of the first one were taken for all: a pass stood although its own program was another."""
    check = f"run: sh ./${name}, reuse: true, inputs: [other.txt], tools: []"
    checks = "".join(f"  - {{id: {e}, env: {{TOOL: {e}}}, {check}}}\n" for e in ("one", "two"))
    place = Place(tmp_path, f"checks:\n{checks}")
    for each in ("one", "two"):
        place.write(each, "#!/bin/sh\n")
    moment = Moment(place.subject)
    for each in ("one", "two"):
        found = moment.of(each).programs
        assert bytes(place.root / each) in {entry.path for entry in found}


@pytest.mark.parametrize(
    "command",
    [
        '"$TOOL" --all',
        "true && $TOOL",
        "./ch*.sh",
        "./chec[k].sh",
        "bash ./check{1..300}.sh || ./check.sh",
        "TOOL=./check.sh; $TOOL",
        'cd "$(pwd)" && ./check.sh',
    ],
)
def test_a_program_that_only_the_shell_can_name_is_none_to_rest_on(place, command):
    lines(command)(place)
    assert place.run() is None


@pytest.mark.parametrize(
    "command",
    [
        "for f in src/*.py; do sh -n $f; done",
        "case $1 in a*) true;; *) true;; esac",
        "awk '{print $1; $2 = 3}' src/a.py | tee $OUT/x",
        'test -z "$(git status)" || echo "$0: dirty"',
        'cd "$(pwd)" && test -e check.sh',
    ],
)
def test_variables_and_patterns_that_name_no_program_are_none_to_stumble_over(place, command):
    lines(command)(place)
    assert place.run()
    assert place.hits()


@pytest.mark.parametrize("pattern", ["{../lib/x,src/a.py}", "{src,../lib}/**", "{src,{..}/lib}/*"])
def test_what_braces_name_above_the_folder_counts(place, pattern):
    place.write("../lib/x", "1\n")
    place.config = place.config.replace('"src/**"', f'"{pattern}"')
    assert place.run()
    assert place.hits()
    place.write_alike("../lib/x", "2\n")
    assert not place.hits()


@pytest.mark.parametrize("name", ["geteuid", "getegid", "getgroups"])
def test_another_user_is_another_key(place, monkeypatch, name):
    before = Moment(place.subject).of("unit").key
    assert Moment(place.subject).of("unit").key == before
    monkeypatch.setattr(os, name, lambda: [4242] if name == "getgroups" else 4242)
    assert Moment(place.subject).of("unit").key != before


def test_a_pattern_that_names_a_folder_alone_matches_no_file(place):
    """What lies in the folder would be another unseen."""
    config('"src/**"', "src, check.sh")(place)
    assert place.run() is None
    config("src, check.sh", '"src/**", "!src/**"')(place)
    assert place.run() is None


def test_a_program_out_of_the_tree_that_is_edited_back_meanwhile_leaves_no_record(place):
    place.environment[b"PATH"] += b":" + os.fsencode(place.root.parent)
    place.write("../there.sh", "#!/bin/sh\ntrue\n").chmod(0o755)
    lines("there.sh")(place)
    assert place.run()

    def edit_and_edit_back() -> None:
        place.write_alike("../there.sh", "#!/bin/sh\nfalse\n")
        place.write_alike("../there.sh", "#!/bin/sh\ntrue\n")

    assert place.run(during=edit_and_edit_back) is None


def test_a_link_to_the_same_program_in_an_earlier_folder_is_another(place):
    """As in a virtual environment: python goes by where it was called."""
    folders = [place.root / "first", place.root / "second"]
    for folder in folders:
        folder.mkdir()
        place.environment[b"PATH"] = b"%b:%b" % (
            place.environment[b"PATH"],
            os.fsencode(folder),
        )
    (folders[1] / "tool2").symlink_to("../tool")
    lines("tool2")(place)
    assert place.run()
    assert place.hits()
    (folders[0] / "tool2").symlink_to("../tool")
    assert not place.hits()


def test_what_a_check_is_handed_counts_by_its_content(place):
    place.config = place.config.replace("reuse: true", "reuse: true\n    cwd: src")
    place.config = place.config.replace("./", "../")
    place.handed = {"unit": b"../other.txt\0"}
    assert place.run()
    assert place.hits()
    place.write_alike("other.txt", "OTHER\n")
    assert not place.hits()
    (place.root / "link").symlink_to("src/deep/er")
    place.write("src/deep/er/c.py", "")
    place.config = place.config.replace("cwd: src", "cwd: link").replace("../", "../../../")
    place.handed = {"unit": b"../../../other.txt\0"}
    assert place.run()
    place.write_alike("other.txt", "others")
    assert not place.hits()


def test_a_result_that_is_read_from_an_old_file_is_recorded_if_that_is_declared(place):
    place.commit()
    place.write("got.built", "1..0\n")
    config("reuse: true", "reuse: true\n    results: {tap: got.built}\n    stale: allow")(place)
    assert place.run() is None
    config("results: {tap: got.built}\n    stale: allow", "file: got.built")(place)
    assert place.run() is None
    assert place.run(during=lambda: place.write("got.built", "1..0\n"))
    place.config = place.config.replace('"src/**"', '"src/**", got.built')
    assert place.run()
    assert place.hits()
    place.write_alike("got.built", "1..1\n")
    assert not place.hits()


@pytest.mark.parametrize("shape", [*LYING, *PLAIN])
def test_a_lying_shape_misses_and_a_naive_key_is_taken_in(place, shape):
    place.write(".gitattributes", "*.py text eol=lf\n")
    place.write("src/lines.py", "1\r\n2\n")
    place.write("src/x.built", "1\n")
    place.write("src/sub/c.py", "3\n")
    (place.root.parent / "out").write_text("1\n")
    (place.root / "src/link").symlink_to("a.py")
    (place.root / "src/outside").symlink_to("../../out")
    if "submodule" in shape:
        with_submodule(place)
    if "requirement" in shape:
        config("checks:\n", "checks:\n  - {id: base, run: 'true', outputs: [src/x.built]}\n")(place)
        more("requires: [base]")(place)
        place.passed = ("base",)
    if "nested" in shape:
        place.git("init", "-q", "src/sub")
    if shape in ("assume-unchanged", "skip-worktree", "CRLF under eol=lf"):
        place.commit()
    if shape == "on a worker":
        place.config = place.config.replace("checks:", "settings: {pool: {}}\nchecks:")
    assert place.run()
    assert place.hits()
    naive = place.naive_key()
    if shape == "on a worker":
        more("where: {labels: [gpu]}")(place)
    else:
        (LYING | PLAIN)[shape](place)
    assert not place.hits()
    assert (place.naive_key() == naive) is (shape in LYING)


# What is not recorded, since it could not be relied on.


def edited_back(place: Place) -> None:
    before = (place.root / "src/a.py").read_text()
    place.write_alike("src/a.py", "print(9)\n")
    place.write_alike("src/a.py", before)


UNRECORDED: dict[str, Callable[[Place], object]] = {
    "an input edited meanwhile": lambda p: p.write("src/a.py", "print(5)\n"),
    "and edited back": edited_back,
    "an input added meanwhile": lambda p: p.write("src/c.py", ""),
    "an input replaced by its like meanwhile": replaced_by_its_like,
    "a tool upgraded meanwhile": lambda p: p.write("tool", "#!/bin/sh\necho tool 2\n"),
    "another file of the tree written": lambda p: p.write("other.txt", "formatted\n"),
    "a file of the tree added": lambda p: p.write("new.txt", "1\n"),
    "a file of the tree deleted": lambda p: (p.root / "other.txt").unlink(),
}


@pytest.mark.parametrize("in_git", [True, False], ids=["git", "no git"])
@pytest.mark.parametrize("shape", UNRECORDED)
def test_a_pass_is_not_recorded_when_something_changed_meanwhile(place, shape, in_git):
    if in_git:
        place.commit()
    naive = place.naive_key()
    assert place.run(during=lambda: UNRECORDED[shape](place)) is None
    if shape == "and edited back":
        assert not place.hits()
        assert place.naive_key() == naive


def test_a_formatter_is_recorded_once_it_changes_nothing(place):
    place.commit()
    assert place.run(during=lambda: place.write("src/a.py", "print( 1 )\n")) is None
    assert place.run(during=lambda: None)
    assert place.hits()


def test_ignored_files_and_declared_outputs_may_be_written_meanwhile(place):
    place.commit()
    place.config = place.config.replace("reuse: true", "reuse: true\n    outputs: [made.txt]")
    assert place.run(during=lambda: (place.write("x.built", "1"), place.write("made.txt", "1")))
    assert place.hits()


def test_a_racy_write_in_the_same_tick_is_seen(place):
    """Each file is read in a later tick than it was written in, or there is no record."""
    naive = place.naive_key()
    for text in ("print(3)\n", "print(4)\n", "print(5)\n"):
        place.write_alike("src/a.py", text)
        assert place.naive_key() == naive
        assert not place.hits()
        assert place.run()
        assert place.hits()


@pytest.mark.parametrize(
    "strange", [lambda path: path.symlink_to("../src"), os.mkfifo], ids=["link to a folder", "fifo"]
)
def test_what_cannot_be_compared_is_neither_reused_nor_recorded(place, strange):
    strange(place.root / "src" / "strange")
    assert place.run() is None


@pytest.mark.parametrize(
    "change",
    [config("    tools: [./tool]\n", ""), config('    inputs: ["src/**", "!**/*.md"]\n', ""),
     more("leaks: ignore"), more("git_env: keep"), config("reuse: true", "reuse: false")],
)  # fmt: skip
def test_a_check_that_may_never_be_reused_is_not_recorded(place, change):
    change(place)
    assert place.run() is None


def test_a_tool_that_tells_nothing_tells_nothing_to_whoever_asks_next(place):
    place.write("tool", "#!/bin/sh\nexit 1\n")
    place.config += place.config.partition("checks:\n")[2].replace("unit", "next")
    assert lookup.look_up(replace_reuse(place.subject), ["unit", "next"], (), ()).before == {}


def test_that_a_check_has_to_run_is_told_once_and_before_the_next_is_looked_up(place, monkeypatch):
    """Who is told imports Trio, which takes as long as looking up hundreds of them."""
    place.config += place.config.partition("checks:\n")[2].replace("unit", "next")
    order: list[str] = []
    monkeypatch.setattr(Records, "find", lambda _self, check, _key: order.append(check))
    told = partial(order.append, "told")
    lookup.look_up(place.subject, ["unit", "next"], (), (), one_runs=told)
    assert order == ["unit", "told", "next"]


def test_folders_that_no_input_can_be_in_are_not_opened(place, monkeypatch):
    place.config = place.config.replace("tools: [./tool]", "tools: []")
    place.write("node_modules/a/b.js", "1")
    place.commit()
    opened, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (opened.append(path), scandir(path))[1])
    assert place.run()
    assert {os.path.relpath(path, os.fsencode(place.root)) for path in opened} == {b".", b"src"}


def calls_of_a_look_and_a_proof(root: Path, checks: int, files: int) -> int:
    """Function calls, those into C included: a cost that no other load changes."""
    ask = "reuse: true, tools: []"
    lines = [f"  - {{id: c{n}, run: 'true', {ask}, inputs: [d/f{n}]}}\n" for n in range(checks)]
    place = Place(root, "".join(['version: "1"\nchecks:\n', *lines]))
    for number in range(files):
        place.write(f"d/f{number}", str(number))
    place.commit()
    subject, calls = replace_reuse(place.subject), 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event.endswith("call")

    lookup.look_up(subject, tuple(subject.checks), (), ())  # so that both remember what files hold
    sys.setprofile(count)
    try:
        found = lookup.look_up(subject, tuple(subject.checks), (), ())
        assert len(lookup.prove(subject, found.before)) == checks
    finally:
        sys.setprofile(None)
    return calls


def test_what_a_check_costs_does_not_grow_with_the_tree(tmp_path):
    """Or a first run of many checks over many files takes as long as both multiplied."""
    few, many = (
        calls_of_a_look_and_a_proof(tmp_path / f"{files}", 20, files)
        - calls_of_a_look_and_a_proof(tmp_path / f"{files} less", 5, files)
        for files in (20, 400)
    )
    assert many < 1.2 * few


def test_a_proof_that_fails_leaves_no_git_at_work(place, monkeypatch):
    place.commit()
    found = lookup.look_up(replace_reuse(place.subject), ["unit"], (), ())
    before = own_children()

    def fails(*_: object) -> None:
        raise OSError("a folder that cannot be read")

    monkeypatch.setattr(lookup, "_proven", fails)
    with pytest.raises(OSError, match="cannot be read"):
        lookup.prove(place.subject, found.before)
    assert own_children() == before


# Dependents and requirements.


@pytest.fixture
def two(tmp_path: Path) -> Place:
    place = Place(tmp_path / "p", TWO)
    place.write("gen.built", "1\n")
    assert place.run("base")
    place.passed = ("base",)
    assert place.run("unit")
    place.passed = ()
    return place


def both(place: Place) -> set[str]:
    return set(lookup.look_up(place.subject, ["base"], (), ()).passes)


def test_what_stands_behind_a_reused_check_is_decided_with_it(two):
    assert both(two) == {"base", "unit"}


def test_a_requirement_is_reused_for_a_check_that_runs_only_with_its_outputs_as_recorded(two):
    two.write("src/b.py", "print(7)\n")
    assert both(two) == {"base"}
    two.write("gen.built", "2\n")
    assert both(two) == set()
    (two.root / "gen.built").unlink()
    assert both(two) == set()
    two.write("gen.built", "1\n")
    assert both(two) == {"base"}
    two.config = two.config.replace(", outputs: [gen.built]", "")
    assert two.run("base")
    assert both(two) == set()


def test_a_check_misses_when_the_key_of_its_requirement_is_another(two):
    two.write("src/a.py", "print(7)\n")
    two.passed = ("base",)
    assert not two.hits("unit")
    two.write("src/a.py", "print(1)\n")
    assert two.hits("unit")


def test_a_requirement_without_inputs_depends_on_the_whole_tree(two):
    two.config = two.config.replace("reuse: true, inputs: [src/a.py], tools: [], ", "", 1)
    two.passed = ("base",)
    assert two.run("unit")
    assert two.hits("unit")
    two.write("other.txt", "else\n")
    assert not two.hits("unit")


def test_nothing_rests_on_a_requirement_that_neither_passed_nor_is_reused():
    requires = {"a": [], "b": ["a"], "c": ["b"], "d": ["c"]}
    chosen = reused_together(["c", "d"], requires, ["a"], ["b", "c", "d"], ["c", "d"])
    assert chosen == set()
    chosen = reused_together(["b", "c"], requires, ["a"], ["b", "c", "d"], [])
    assert chosen == set()  # d runs, c has no outputs, so c runs, and b has none either
    assert reused_together(["b", "c"], requires, ["a"], ["b", "c", "d"], ["b"]) == {"b"}


# Damage.


def test_no_byte_of_a_record_can_be_another(place):
    record = place.run()
    assert record is not None
    data = bytearray(encode_record(record))
    assert decode_record(bytes(data)) == record
    for at in range(len(data)):
        for bit in (1, 0x20, 0x80):
            data[at] ^= bit
            assert decode_record(bytes(data)) is None, at
            data[at] ^= bit
    assert decode_record(bytes(data[:-1])) is None
    assert decode_record(b"") is None


def test_a_record_at_the_place_of_another_is_none(place):
    record = place.run()
    assert record is not None
    records = Records(place.state_dir)
    (path,) = Path(place.state_dir, "reuse", "passes").glob("*/*")
    path.rename(path.with_name("0" * 64))
    assert records.find("unit", "0" * 64) is None
    assert records.find("unit", record.key) is None


@pytest.mark.parametrize("step", [41, pytest.param(1, marks=pytest.mark.nightly)])
def test_no_byte_of_the_log_that_a_record_refers_to_can_be_another(place, step):
    record = place.run()
    assert record is not None
    whole = place.log.read_bytes()
    assert Standing(place.state_dir).problem(record) == ""
    for at in range(0, len(whole), step):
        place.log.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert Standing(place.state_dir).problem(record), at
    place.log.write_bytes(whole)
    assert Standing(place.state_dir).problem(record) == ""
    assert "another seal" in Standing(place.state_dir).problem(replace(record, seal="0" * 64))


def test_damage_to_what_was_seen_before_costs_a_reading_and_nothing_else(place):
    assert place.run()
    seen = Path(place.state_dir, "reuse", "seen")
    whole = seen.read_bytes()
    for at in range(0, len(whole), 97):
        seen.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert Records(place.state_dir).seen() == {}
    assert place.hits()
    seen.unlink(missing_ok=True)
    seen.mkdir()  # nothing can be remembered
    assert place.hits()
    place.write_alike("src/a.py", "print(9)\n")
    assert not place.hits()


def test_what_could_not_be_forgotten_is_no_record(place, monkeypatch):
    """A failure removes the record of a pass: where it cannot, the pass would stand for ever."""
    assert place.run()
    assert place.hits()
    (folder,) = Path(place.state_dir, "reuse", "passes").iterdir()
    folder.chmod(0o500)
    may = os.access
    monkeypatch.setattr(  # who runs as root may write there all the same
        os, "access", lambda path, how: may(path, how) and Path(os.fsdecode(path)) != folder
    )
    assert not place.hits()
    assert Records(place.state_dir).of("unit") == []


# The whole command.

COMMAND = """
version: "1"
checks:
  - {id: base, run: "echo base >> ran", reuse: true, inputs: [a.txt], tools: []}
  - id: unit
    run: echo unit >> ran; test ! -e broken
    reuse: true
    inputs: ["*.txt"]
    tools: [git --version]
    requires: [base]
  - {id: plain, run: "true"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = project(tmp_path, COMMAND)
    (root / "a.txt").write_text("1")
    git("init", "-q", cwd=root)
    (root / ".gitignore").write_text("ran\nbroken\n")
    assert vibeguard("run", cwd=root).returncode == 0
    return root


def ran(folder: Path) -> list[str]:
    """The checks that have run since it was last asked."""
    log = folder / "ran"
    names = log.read_text().split() if log.exists() else []
    log.unlink(missing_ok=True)
    return names


@pytest.fixture
def known(folder: Path) -> Path:
    assert ran(folder) == ["base", "unit"]
    return folder


def document(folder: Path, *flags: str, env: dict[str, str] | None = None) -> dict[str, dict]:
    done = vibeguard("run", "--json", *flags, cwd=folder, env=env)
    return {check["id"]: check for check in json.loads(done.stdout)["checks"]}


def test_a_pass_is_reused_when_the_command_asks_and_every_text_says_so(known):
    (run,) = (path.name for path in (known / ".vibeguard/runs").iterdir())
    done = vibeguard("run", "--reuse", cwd=known)
    assert (done.returncode, ran(known)) == (0, [])
    assert f"passed: 3 checks, 2 of them in run {run}, in " in done.stderr
    found = json.loads(vibeguard("report", "--json", cwd=known).stdout)["checks"]
    assert [(c["status"], c["reason"], c["reused_from"]) for c in found] == [
        ("passed", "reused", run),
        ("passed", "reused", run),
        ("passed", None, None),
    ]
    for form in ("agent", "markdown", "html", "junit"):
        shown = vibeguard("report", "--format", form, cwd=known).stdout
        assert f"in run {run}" in shown, form
    assert "verified: all 3 checks passed on this tree, 2 of them reused" in (
        vibeguard("evidence", cwd=known).stdout
    )
    events = vibeguard("report", "--format", "jsonl", cwd=known).stdout.splitlines()
    reused = [json.loads(line) for line in events if '"check.reused"' in line]
    assert [event["check"] for event in reused] == ["base", "unit"]
    seal = json.loads((known / f".vibeguard/runs/{run}/events.jsonl").read_text().splitlines()[-1])
    assert {(event["run"], event["seal"]) for event in reused} == {(run, seal["sha256"])}
    assert '"check.queued"' not in "".join(line for line in events if '"base"' in line)


def test_nothing_is_reused_unasked_nor_with_fresh_nor_by_settings_under_ci(known):
    plain = {"CI": ""}
    document(known, env=plain)
    assert ran(known) == ["base", "unit"]
    document(known, "--fresh", env=plain)
    assert ran(known) == ["base", "unit"]
    project(known, COMMAND + "settings: {reuse: true}\n")
    document(known, env=plain)
    assert ran(known) == []
    document(known, "--fresh", env=plain)
    assert ran(known) == ["base", "unit"]
    document(known, env={"CI": "true"})  # another key, and not asked for
    assert ran(known) == ["base", "unit"]
    document(known, env={"CI": "true"})
    assert ran(known) == ["base", "unit"]
    document(known, "--reuse", env={"CI": "true"})
    assert ran(known) == []


def test_off_in_the_settings_turns_all_off(known):
    project(known, COMMAND + "settings: {reuse: false}\n")
    done = vibeguard("run", "--reuse", cwd=known)
    assert (done.returncode, "the settings turn reuse off" in done.stderr) == (2, True)
    assert explained(known) == "unit would run: the settings turn reuse off\n"
    shutil.rmtree(known / ".vibeguard/reuse")
    vibeguard("run", cwd=known)
    assert not (known / ".vibeguard/reuse").exists()
    done = vibeguard("run", "--reuse", "--fresh", cwd=known)
    assert (done.returncode, "do not go together" in done.stderr) == (2, True)


def test_a_run_of_nothing_but_reused_checks_passes(known):
    found = document(known, "base", "--reuse")
    assert (found["base"]["reason"], ran(known)) == ("reused", [])


def test_a_failure_under_a_key_forgets_its_record(known):
    (known / "broken").touch()  # which the check did not declare
    assert document(known, "--reuse")["unit"]["reason"] == "reused"
    assert document(known, "--fresh")["unit"]["status"] == "failed"
    assert document(known, "--reuse")["unit"]["status"] == "failed"
    assert ran(known) == ["base", "unit", "base", "unit"]


def test_a_failure_forgets_the_record_while_its_run_goes_on(tmp_path):
    """Whoever kills that run leaves no pass behind that was contradicted."""
    config = """
version: "1"
checks:
  - {id: unit, run: "test ! -e broken", reuse: true, inputs: [a.txt], tools: []}
  - {id: long, run: "test ! -e broken || sleep 600", timeout: 15m}
"""
    folder = project(tmp_path, config)
    (folder / "a.txt").write_text("1")
    assert vibeguard("run", cwd=folder).returncode == 0
    assert len(list(folder.glob(".vibeguard/reuse/passes/*/*"))) == 1
    (folder / "broken").touch()
    vibeguard("run", "--detach", cwd=folder)
    assert vibeguard("wait", "--check", "unit", cwd=folder).returncode == 1
    left = list(folder.glob(".vibeguard/reuse/passes/*/*"))
    vibeguard("cancel", cwd=folder)
    vibeguard("wait", cwd=folder)
    assert left == []


def test_a_check_that_runs_needs_what_its_requirement_would_have_made(known):
    (known / "b.txt").write_text("new")
    found = document(known, "--reuse")
    assert (found["base"]["reason"], found["unit"]["reason"]) == (None, None)
    assert ran(known) == ["base", "unit"]


def test_a_check_without_its_requirement_is_neither_reused_nor_recorded(known):
    assert document(known, "unit", "--no-deps", "--reuse")["unit"]["reason"] is None
    assert ran(known) == ["unit"]


def test_what_asks_for_reuse_and_cannot_have_it_is_named(known):
    project(known, COMMAND.replace("tools: [git --version]", ""))
    done = vibeguard("run", "--reuse", "--json", cwd=known)
    assert "never reused: unit (it declares no tools)" in json.loads(done.stdout)["notes"]


def test_a_run_inside_a_check_reuses_and_records_nothing(known):
    document(known, "--reuse", env={"VIBEGUARD_RUN": "x"})
    assert ran(known) == ["base", "unit"]


def test_a_damaged_log_lets_the_checks_run(known):
    (log,) = known.glob(".vibeguard/runs/*/events.jsonl")
    data = log.read_bytes()
    log.write_bytes(data.replace(b'"unit"', b'"uniT"', 1))
    assert document(known, "--reuse")["unit"]["reason"] is None
    assert ran(known) == ["base", "unit"]


# `explain`, and `prune`.


def explained(folder: Path, check: str = "unit") -> str:
    done = vibeguard("explain", check, cwd=folder)
    assert done.returncode == 0
    return done.stdout


def test_explain_names_the_part_of_the_key_that_differs_and_the_files_behind_it(known):
    assert re.fullmatch(
        r"unit would be reused: it passed in run \S+, \S+ ago, and its key is the same\n",
        explained(known),
    )
    (known / "a.txt").write_text("2")
    (known / "b.txt").write_text("3")
    project(known, COMMAND.replace("run: echo unit", "timeout: 9s\n    run: echo  unit"))
    said = explained(known).splitlines()
    assert said[0].startswith("unit would run: since its last pass, in run ")
    assert said[1:] == [
        "  config run",
        "  config timeout",
        "  inputs: a.txt, b.txt",
        "  check base",
    ]
    assert ran(known) == []
    done = vibeguard("explain", "unit", "--json", cwd=known)
    answer = json.loads(done.stdout)
    assert (answer["reused"], answer["differences"][2]) == (
        False,
        {"part": "inputs", "files": ["a.txt", "b.txt"]},
    )


@pytest.mark.parametrize(
    ("older_h", "said"),
    [
        (25, r"25h\S* ago, is older than reuse_for \(24h\)"),
        (-1, r"\d+m\S* ahead of the clock, does not count: the system's clock was set back since"),
    ],
)
def test_explain_says_how_far_a_pass_is_from_the_clock(known, older_h, said):
    records = Records(str(known / ".vibeguard"))
    (record,) = records.of("unit")
    records.write(replace(record, passed_ns=record.passed_ns - older_h * 3600 * 10**9))
    assert re.fullmatch(rf"unit would run: its pass, in run \S+, {said}\n", explained(known))


def test_explain_says_why_a_check_always_runs(known):
    assert explained(known, "plain") == "plain would run: it has no reuse: true\n"
    assert "a check that requires it and runs needs it to run" in explained(known, "base")
    project(known, COMMAND.replace('["*.txt"]', '["*.txt", "*.text"]'))
    assert explained(known) == "unit would run: *.text of inputs matches no file\n"
    shutil.rmtree(known / ".vibeguard/runs")
    project(known, COMMAND)
    assert re.fullmatch(
        r"unit would run: its pass does not count any more: run \S+ is not there any more\n",
        explained(known),
    )
    shutil.rmtree(known / ".vibeguard")
    assert explained(known) == "unit would run: no pass of it is recorded\n"
    assert not (known / ".vibeguard/reuse").exists()
    (known / ".vibeguard").mkdir(mode=0o700)  # once something has run the reason is told
    project(known, COMMAND.replace('["*.txt"]', '["*.text"]'))
    assert explained(known) == "unit would run: *.text of inputs matches no file\n"


def test_explain_of_an_unknown_check_is_refused(known):
    done = vibeguard("explain", "unt", cwd=known)
    assert (done.returncode, 'did you mean "unit"?' in done.stderr) == (2, True)


def test_prune_keeps_what_records_rest_on(known):
    """However many runs there are since; size and age still hold."""
    vibeguard("run", "plain", cwd=known)
    vibeguard("run", "plain", cwd=known)
    assert vibeguard("prune", "--keep-runs", "1", cwd=known).stdout.count("\n") == 1
    assert document(known, "--reuse")["unit"]["reason"] == "reused"
    vibeguard("prune", "--keep-runs", "0", "--keep-age", "0s", cwd=known)
    assert document(known, "--reuse")["unit"]["reason"] is None


# `reuse: confirm`.

CONFIRMED = """
version: "1"
checks:
  - {id: unit, run: "echo $VIBEGUARD_CHECK >> ran; test ! -e broken", reuse: confirm, inputs: ["*.txt"], tools: []}
  - {id: ship, run: "echo ship >> ran", requires: [unit]}
"""
OUTPUTS = CONFIRMED.replace("tools: []}", "tools: [], outputs: []}")


def test_a_pass_to_confirm_answers_and_is_run_again_in_the_background(folder):
    project(folder, OUTPUTS)
    ran(folder)
    first = document(folder)
    assert (list(first), ran(folder)) == (["unit", "ship"], ["unit", "ship"])
    again = document(folder, "--reuse")
    assert list(again) == ["unit", "unit@confirm", "ship"]
    assert (again["unit"]["reason"], again["ship"]["ran_before"]) == ("reused", ["unit@confirm"])
    assert (again["unit@confirm"]["pool"], again["unit@confirm"]["status"]) == (
        "background",
        "passed",
    )
    assert sorted(ran(folder)) == ["ship", "unit@confirm"]
    assert "verified: all 2 checks passed on this tree (run" in (
        vibeguard("evidence", cwd=folder).stdout
    )


def test_a_contradiction_fails_the_run_names_who_went_ahead_and_forgets_the_record(folder):
    project(folder, OUTPUTS)
    document(folder)
    (folder / "broken").touch()
    ran(folder)
    done = vibeguard("run", "--reuse", cwd=folder)
    assert done.returncode == 1
    assert "FAILED unit@confirm" in done.stderr
    assert "late: ship ran before unit@confirm, which failed" in done.stderr
    assert vibeguard("evidence", cwd=folder).returncode == 1
    failed = vibeguard("report", "--format", "agent", cwd=folder).stdout
    assert re.search(r"rerun: \S*vibeguard run unit\n", failed)
    assert explained(folder).startswith("unit would run: ")
    assert sorted(ran(folder)) == ["ship", "unit@confirm"]
    found = document(folder, "--failed", "--reuse")
    assert (found["unit"]["status"], found["unit"]["reason"]) == ("failed", "exit_code")


def test_a_pass_that_nothing_rests_on_is_confirmed_and_a_flaky_confirmation_forgets_it(folder):
    once = "run: 'test ! -e broken || { rm broken; false; }', retries: 1, tools: []"
    unit = "{id: unit, reuse: confirm, inputs: [a.txt], " + once
    project(folder, f'version: "1"\nchecks: [{unit}}}]\n')
    document(folder)
    (folder / "broken").touch()
    found = document(folder, "--reuse")
    assert (found["unit"]["reason"], found["unit@confirm"]["flaky"]) == ("reused", True)
    assert document(folder, "--reuse")["unit"]["reason"] is None


def test_what_a_confirmation_rests_on_runs_unless_its_outputs_lie_there(folder):
    """It ran on air: a build that was reused without what it builds, and was called a failure."""
    ready = "reuse: true, inputs: [a.txt], tools: []"
    built = f"{{id: built, run: 'echo 1 > ../out', {ready}}}"
    unit = f"{{id: unit, run: 'cat ../out', requires: [built], {ready}}}".replace("true", "confirm")
    project(folder, f'version: "1"\nchecks: [{built}, {unit}]\n')
    document(folder)
    (folder / "../out").unlink()
    found = document(folder, "--reuse")
    assert {check: found[check]["reason"] for check in found} == {
        "built": None,
        "unit": "reused",
        "unit@confirm": None,
    }
    assert found["unit@confirm"]["status"] == "passed"


def test_a_check_that_was_not_reused_has_nothing_to_confirm(folder):
    project(folder, CONFIRMED)
    ran(folder)
    done = vibeguard("run", "--reuse", cwd=folder)
    assert (done.returncode, ran(folder)) == (0, ["unit", "ship"])
    assert "passed: 2 checks in " in done.stderr
    assert "skipped" not in done.stderr
    found = document(folder, "--reuse")  # ship runs, and unit declares no outputs
    assert (found["unit"]["reason"], found["unit@confirm"]["reason"]) == (
        None,
        "nothing to confirm",
    )


def test_a_failure_is_not_confirmed_and_a_quarantined_one_fails_no_run_for_that(folder):
    known = "quarantine: {results: [t], until: 2099-01-01}, results: {tap: output}"
    unit = f"{{id: unit, run: 'echo 1..1; echo not ok 1 - t; exit 1', {known}, "
    project(folder, f"checks: [{unit}reuse: confirm, inputs: [a.txt], tools: []}}]\n")
    done = vibeguard("run", "--reuse", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "@confirm" not in done.stderr


def test_what_fails_behind_a_check_that_ran_before_it_leaves_its_confirmation_alone(folder):
    """That was settled before the check itself was: a defect, and no verdict."""
    late = "requires: [{check: late, while_pending: proceed}], reuse: confirm, inputs: [a.txt]"
    failing = "{id: late, run: 'sleep 0.2; exit 1', async: true, severity: warning}"
    project(folder, f"checks: [{failing}, {{id: unit, run: 'sleep 0.6', {late}, tools: []}}]\n")
    done = vibeguard("run", "--reuse", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "late: unit ran before late, which failed" in done.stderr
