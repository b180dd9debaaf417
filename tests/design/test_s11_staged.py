"""DESIGN section 11, "Staged": what would be committed is checked, and nothing of the user's moves."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from tests.helpers.census import with_token
from tests.helpers.command import environment, git, vibeguard
from tests.helpers.running import running
from tests.helpers.staging import (
    commit,
    has_namespaces,
    picture,
    repository,
    run_staged,
    words_for,
)
from tests.helpers.waiting import wait_until

WAYS = [
    pytest.param(
        "namespace",
        marks=pytest.mark.skipif(not has_namespaces(), reason="no mount namespaces here"),
    ),
    "copy",
]
in_both_ways = pytest.mark.parametrize("way", WAYS)


def config(*runs: str, more: str = "") -> str:
    """A config with a check `c0`, `c1` … for each command."""
    checks = "".join(f"  - {{id: c{i}, run: {json.dumps(run)}}}\n" for i, run in enumerate(runs))
    return f"checks:\n{checks}{more}"


def report(done) -> dict:
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def output(done, check: str = "c0") -> str:
    """What a check of a --json run has written."""
    (found,) = (c for c in report(done)["checks"] if c["id"] == check)
    return Path(found["log_file"]).read_text(errors="surrogateescape")


# Each has a repository and a run or two of the real command.
pytestmark = pytest.mark.slow


@in_both_ways
def test_the_index_is_checked_and_nothing_of_the_user_is_touched(tmp_path, way):
    script = "cat partly; ls -A; git status --porcelain; echo more >>partly; rm gone; touch made"
    root = repository(
        tmp_path,
        **{
            "partly": "1\n",
            "gone": "1\n",
            "vibeguard.yaml": config(script, more="settings: {on_change: allow}\n"),
        },
    )
    (root / "partly").write_text("2\n")
    git("add", "partly", cwd=root)
    (root / "partly").write_text("3\n")
    (root / "gone").unlink()
    (root / "untracked").write_text("u")
    before = picture(root)
    done = run_staged(way, "--json", cwd=root)
    assert done.returncode == 0, done.stderr
    lines = output(done).splitlines()
    assert lines[0] == "2"
    assert {"partly", "gone", "vibeguard.yaml"} <= set(lines)
    assert "untracked" not in lines
    assert [line for line in lines if line[2:3] == " "] == ["M  partly"]
    assert picture(root) == before
    assert report(done)["staged"]["way"] == way


@in_both_ways
def test_the_run_says_where_it_was_in_log_text_and_report(tmp_path, way):
    root = repository(tmp_path, **{"a": "1", "vibeguard.yaml": config("true")})
    (root / "a").write_text("2")
    git("add", "a", cwd=root)
    done = run_staged(way, cwd=root)
    where = "at its own path" if way == "namespace" else "in a copy ("
    assert f"; of what is staged, {where}" in done.stderr
    (log,) = root.glob(".vibeguard/runs/*/events.jsonl")
    started = json.loads(log.read_text().splitlines()[0])
    assert started["staged"]["way"] == way
    assert started["cwd"] == str(root)
    assert where in vibeguard("report", "--format", "agent", cwd=root).stdout
    assert vibeguard("report", cwd=root).returncode == 0


@in_both_ways
def test_only_what_a_staged_change_concerns_runs(tmp_path, way):
    text = (
        'checks:\n  - {id: py, run: "true", files: ["*.py"]}\n'
        '  - {id: md, run: "true", files: ["*.md"]}\n  - {id: last, run: "true", requires: [md]}\n'
        "    \n"
    ).replace("requires: [md]}", 'requires: [md], files: ["nothing"]}')
    root = repository(tmp_path, **{"a.py": "", "b.md": "", "vibeguard.yaml": text})
    (root / "a.py").write_text("changed, not staged")
    git("mv", "b.md", "c.md", cwd=root)
    done = run_staged(way, "--json", cwd=root)
    assert [check["id"] for check in report(done)["checks"]] == ["md", "last"]
    git("reset", "-q", "--hard", cwd=root)
    done = run_staged(way, cwd=root)
    assert (done.returncode, "no check is concerned by what is staged" in done.stderr) == (0, True)


@in_both_ways
def test_the_config_is_the_staged_one(tmp_path, way):
    root = repository(tmp_path, **{"a": "", "vibeguard.yaml": config("echo committed")})
    (root / "vibeguard.yaml").write_text(config("echo staged"))
    git("add", "-A", cwd=root)
    (root / "vibeguard.yaml").write_text("no config at all: [")
    assert output(run_staged(way, "--json", cwd=root)) == "staged\n"


@in_both_ways
def test_renames_deletions_modes_links_and_odd_names(tmp_path, way):
    files = {"old": "o\n" * 30, "gone": "g", "tool": "#!/bin/sh\n", "dir/x": "x", "f": "f"}
    root = repository(
        tmp_path,
        **files,
        **{
            "vibeguard.yaml": config(
                "find . -name .git -prune -o -type l -print -o -type f -print; "
                "git status --porcelain -uall; test -x tool && cat odd* dir"
            )
        },
    )
    git("mv", "old", "new", cwd=root)
    git("rm", "-q", "gone", cwd=root)
    (root / "gone").write_text("again, untracked")
    (root / "tool").chmod(0o755)
    git("rm", "-q", "-r", "dir", cwd=root)
    (root / "dir").write_text("a file now\n")
    git("add", "tool", "dir", cwd=root)
    (root / "dir").unlink()
    (root / "dir").mkdir()
    (root / "dir" / "x").write_text("a folder again")
    os.symlink("f", root / "link")
    odd = os.fsdecode(b"odd\n\xff'\"\\ name")
    (root / odd).write_text("odd")
    git("add", "link", "--", odd, cwd=root)
    (root / "link").unlink()
    (root / odd).write_text("odder")
    before = picture(root)
    done = run_staged(way, "--json", cwd=root)
    assert done.returncode == 0, done.stderr
    seen = output(done)
    assert "./gone" not in seen and "./link" in seen and "./new" in seen and "./old" not in seen
    assert seen.endswith("odda file now\n")
    assert " M " not in seen and "??" not in seen
    assert picture(root) == before


@in_both_ways
def test_modes_and_links_are_those_of_the_commit_whatever_git_is_told_to_believe(tmp_path, way):
    """`core.fileMode=false`: what can be run here alone passed, and what the commit can did not."""
    script = "test -x staged && test ! -x here && test -L link && git status --porcelain"
    root = repository(tmp_path, staged="", here="", **{"vibeguard.yaml": config(script)})
    os.symlink("here", root / "link")
    git("add", "link", cwd=root)
    git("config", "core.fileMode", "false", cwd=root)
    git("config", "core.symlinks", "false", cwd=root)
    git("update-index", "--chmod=+x", "staged", cwd=root)
    (root / "here").chmod(0o755)
    (root / "link").unlink()
    (root / "link").write_text("here")
    before = picture(root)
    done = run_staged(way, "--json", cwd=root)
    assert done.returncode == 0, done.stdout
    assert picture(root) == before


@in_both_ways
def test_what_git_is_told_not_to_look_at_is_laid_out_too(tmp_path, way):
    script = "cat assumed skipped; ls -A"
    root = repository(
        tmp_path,
        **{"assumed": "1\n", "skipped": "1\n", "sparse": "", "vibeguard.yaml": config(script)},
    )
    git("update-index", "--assume-unchanged", "assumed", cwd=root)
    git("update-index", "--skip-worktree", "skipped", "sparse", cwd=root)
    for name in ("assumed", "skipped"):
        (root / name).write_text("2\n")
    before = picture(root)
    (root / "new").touch()
    git("add", "new", cwd=root)
    seen = output(run_staged(way, "--json", cwd=root)).splitlines()
    assert seen[:2] == ["1", "1"]
    before = {**before, "new": picture(root)["new"]}
    assert {k: v for k, v in picture(root).items() if not k.startswith(".git")} == {
        k: v for k, v in before.items() if not k.startswith(".git")
    }


@in_both_ways
def test_what_is_only_announced_is_not_staged(tmp_path, way):
    """Nor handed over: where a deletion alone concerns a check it gets all that is staged."""
    check = {"id": "c0", "run": "ls; git status -s; cat $VIBEGUARD_FILES", "files": ["*"]}
    root = repository(tmp_path, **{"a": "", "vibeguard.yaml": json.dumps({"checks": [check]})})
    (root / "announced").write_text("later")
    git("add", "--intent-to-add", "announced", cwd=root)
    git("rm", "-q", "a", cwd=root)
    before = picture(root)
    done = run_staged(way, "--json", cwd=root)
    assert "announced" not in output(done)
    assert picture(root) == before


def test_a_config_that_is_only_announced_is_not_staged(tmp_path):
    root = repository(tmp_path, a="")
    (root / "vibeguard.yaml").write_text(config("true"))
    git("add", "--intent-to-add", "vibeguard.yaml", cwd=root)
    told = [vibeguard("run", "--staged", cwd=root).stderr]
    git("rm", "-q", "--cached", "vibeguard.yaml", cwd=root)
    told.append(vibeguard("run", "--staged", cwd=root).stderr)
    assert told[0] == told[1]


@in_both_ways
def test_the_first_commit_of_a_repository(tmp_path, way):
    git("init", "-q", ".", cwd=tmp_path)
    (tmp_path / "vibeguard.yaml").write_text(config("cat a; git log; true"))
    (tmp_path / "a").write_text("staged\n")
    git("add", "-A", cwd=tmp_path)
    (tmp_path / "a").write_text("edited\n")
    before = picture(tmp_path)
    done = run_staged(way, "--json", cwd=tmp_path)
    assert output(done).startswith("staged\n")
    assert picture(tmp_path) == before


@in_both_ways
def test_an_index_that_the_caller_names(tmp_path, way):
    root = repository(tmp_path, **{"a": "1\n", "b": "1\n", "vibeguard.yaml": config("cat a b")})
    (root / "a").write_text("2\n")
    git("add", "a", cwd=root)
    env = {"GIT_INDEX_FILE": str(root / ".git" / "another")}
    subprocess.run(["git", "read-tree", "HEAD"], cwd=root, env=os.environ | env, check=True)
    (root / "b").write_text("3\n")
    subprocess.run(["git", "add", "b"], cwd=root, env=os.environ | env, check=True)
    before = picture(root)
    assert output(run_staged(way, "--json", cwd=root, env=env)) == "1\n3\n"
    assert picture(root) == before


@in_both_ways
def test_unmerged_paths_are_refused(tmp_path, way):
    root = repository(tmp_path, **{"a": "1\n", "vibeguard.yaml": config("true")})
    git("checkout", "-q", "-b", "side", cwd=root)
    (root / "a").write_text("side\n")
    git("commit", "-q", "-am", "x", "--author", "A <a@b.c>", cwd=root, check=False)
    git("add", "a", cwd=root)
    commit(root)
    git("checkout", "-q", "main", cwd=root)
    (root / "a").write_text("main\n")
    git("add", "a", cwd=root)
    commit(root)
    git("-c", "user.name=A", "-c", "user.email=a@b.c", "merge", "side", cwd=root, check=False)
    done = run_staged(way, cwd=root)
    assert (done.returncode, "some paths are unmerged" in done.stderr) == (2, True)
    assert not list(root.glob(".vibeguard/staged/*"))


@in_both_ways
def test_line_endings_are_as_git_would_check_them_out(tmp_path, way):
    root = repository(
        tmp_path,
        **{
            "a.bat": "1\r\n",
            ".gitattributes": "*.bat eol=crlf\n",
            "vibeguard.yaml": config("cat a.bat; git status --porcelain"),
        },
    )
    (root / "a.bat").write_bytes(b"2\r\n")
    git("add", "a.bat", cwd=root)
    (root / "a.bat").write_bytes(b"3\r\n")
    done = run_staged(way, "--json", cwd=root)
    (log,) = (c["log_file"] for c in report(done)["checks"])
    assert Path(log).read_bytes() == b"2\r\nM  a.bat\n"


@in_both_ways
def test_a_filter_that_fails_is_refused(tmp_path, way):
    root = repository(tmp_path, **{"a": "1\n", "vibeguard.yaml": config("true")})
    git("config", "filter.broken.smudge", "false", cwd=root)
    git("config", "filter.broken.required", "true", cwd=root)
    git("config", "filter.broken.clean", "cat", cwd=root)
    (root / ".gitattributes").write_text("a filter=broken\n")
    (root / "a").write_text("2\n")
    git("add", "-A", cwd=root)
    (root / "a").write_text("3\n")
    before = picture(root)
    done = run_staged(way, cwd=root)
    assert (done.returncode, "what is staged cannot be laid out" in done.stderr) == (2, True)
    assert picture(root) == before


@in_both_ways
def test_ignored_files_stay_only_where_the_work_tree_is(tmp_path, way):
    files = {
        ".gitignore": "build\n",
        "vibeguard.yaml": config("cat build || echo none; rm -f build"),
        "a": "",
    }
    root = repository(tmp_path, **files)
    (root / "build").write_text("built\n")
    (root / "a").write_text("2")
    git("add", "a", cwd=root)
    seen = output(run_staged(way, "--json", cwd=root))
    assert seen.endswith("built\n" if way == "namespace" else "none\n")
    assert (root / "build").read_text() == "built\n"


@in_both_ways
def test_ignore_rules_are_the_staged_ones(tmp_path, way):
    root = repository(tmp_path, **{".gitignore": "", "vibeguard.yaml": config("ls -A")})
    (root / ".gitignore").write_text("secret\n")
    (root / "secret").touch()
    (root / "sub").mkdir()
    (root / "sub" / ".gitignore").write_text("hidden\n")
    (root / "sub" / "hidden").touch()
    (root / "sub" / "tracked").touch()
    git("add", "sub/tracked", cwd=root)
    seen = output(run_staged(way, "--json", cwd=root)).splitlines()
    assert "secret" not in seen
    assert "sub" in seen


@in_both_ways
def test_kept_folders_are_there_and_what_is_written_to_them_is_lost(tmp_path, way):
    text = config(
        "cat .venv/x tools/deep/y; echo 2 >.venv/x; ls tools",
        more="settings: {keep: [.venv, tools/deep]}\n",
    )
    root = repository(tmp_path, **{"a": "", ".gitignore": ".venv\n", "vibeguard.yaml": text})
    for name in (".venv/x", "tools/deep/y", "tools/other"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("1\n")
    (root / "a").write_text("2")
    git("add", "a", cwd=root)
    before = picture(root)
    done = run_staged(way, "--json", cwd=root)
    assert output(done) == "1\n1\ndeep\n"
    assert picture(root) == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("lib/site-packages/editable.pth", "{root}/src\n"),
        (
            "lib/p.dist-info/direct_url.json",
            '{{"url": "file://{root}", "dir_info": {{"editable": true}}}}',
        ),
        ("link", None),
    ],
)
def test_in_a_copy_a_kept_folder_that_leads_back_is_refused_by_name(tmp_path, name, content):
    root = repository(
        tmp_path / "r",
        **{
            "src/a": "",
            ".gitignore": ".venv\n",
            "vibeguard.yaml": config("true", more="settings: {keep: [.venv]}\n"),
        },
    )
    (root / ".venv" / name).parent.mkdir(parents=True, exist_ok=True)
    if content is None:
        os.symlink(root / "src", root / ".venv" / name)
    else:
        (root / ".venv" / name).write_text(content.format(root=root))
    (root / "src/a").write_text("2")
    git("add", "src/a", cwd=root)
    done = run_staged("copy", cwd=root)
    assert done.returncode == 2
    assert f"keep: .venv leads back into the work tree: .venv/{name}" in done.stderr
    assert not list(root.glob(".vibeguard/staged/*"))
    (root / "vibeguard.yaml").write_text(config("true"))
    git("add", "-A", cwd=root)
    active = {"VIRTUAL_ENV": str(root / ".venv")}
    done = run_staged("copy", cwd=root, env=active)
    assert (done.returncode, "virtual environment leads back" in done.stderr) == (2, True)


@in_both_ways
@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("git_env: keep", "would write into the index"),
        ("leaks: ignore", "would outlast what it sees"),
    ],
)
def test_what_cannot_be_held_to_the_view_is_refused(tmp_path, way, key, words):
    text = f"checks:\n  - {{id: c0, run: 'true', {key}}}\n"
    root = repository(tmp_path, **{"vibeguard.yaml": text})
    (root / "a").touch()
    git("add", "a", cwd=root)
    done = run_staged(way, cwd=root)
    assert (done.returncode, words in done.stderr) == (2, True)
    assert vibeguard("report", cwd=root).returncode == 2


@in_both_ways
def test_what_a_formatter_did_is_kept_as_a_patch_that_can_be_staged(tmp_path, way):
    root = repository(
        tmp_path, **{"a": "1\n", "vibeguard.yaml": config("sed -i s/2/two/ a; touch made")}
    )
    (root / "a").write_text("2\n")
    git("add", "a", cwd=root)
    (root / "a").write_text("2\nnot staged\n")
    done = run_staged(way, cwd=root)
    (line,) = (line for line in done.stderr.splitlines() if "git apply --cached" in line)
    subprocess.run(line[line.index("git apply") :], shell=True, cwd=root, check=True)
    assert git("show", ":a", cwd=root).stdout == "two\n"
    assert (root / "a").read_text() == "2\nnot staged\n"
    patch = report(run_staged(way, "--json", cwd=root))["staged"]["patch"]
    assert patch is None  # the second time there was nothing to do


def test_a_patch_that_git_does_not_make_is_told(tmp_path):
    """What a formatter did is gone with the view."""
    text = config('sed -i s/2/two/ a; echo "[" >>.git/config')
    root = repository(tmp_path, **{"a": "1\n", "vibeguard.yaml": text})
    (root / "a").write_text("2\n")
    git("add", "a", cwd=root)
    done = run_staged("copy", cwd=root)
    lost = (
        "no patch is kept of what checks changed in the staged files (git diff: fatal: bad config"
    )
    assert lost in done.stderr
    assert lost in vibeguard("report", cwd=root).stderr


@in_both_ways
def test_the_files_that_checks_are_handed_are_the_staged_ones(tmp_path, way):
    text = """checks:
  - {id: c0, run: 'printf "%s\\n" "$@"; cat "$VIBEGUARD_FILES" | tr "\\0" "\\n"', pass_files: true, files: ["*.py"]}
  - {id: c1, run: 'printf "%s\\n" "$@"', pass_files: true, files: ["*.md"], requires: [c0]}
"""
    root = repository(tmp_path, **{"a.py": "", "b.py": "", "d.md": "", "vibeguard.yaml": text})
    (root / "a.py").write_text("2")
    git("add", "a.py", cwd=root)
    git("rm", "-q", "b.py", cwd=root)
    (root / "a.py").unlink()
    (root / "b.py").touch()
    (root / "e.md").touch()
    done = run_staged(way, "--json", cwd=root)
    assert output(done) == "a.py\na.py\n"
    assert output(done, "c1") == "d.md\n"


@in_both_ways
def test_a_config_below_the_root_and_a_cwd(tmp_path, way):
    text = "checks:\n  - {id: c0, run: 'cat x ../y', cwd: in}\n"
    root = repository(
        tmp_path, **{"sub/in/x": "1\n", "sub/y": "1\n", "z": "", "sub/vibeguard.yaml": text}
    )
    (root / "sub/in/x").write_text("2\n")
    git("add", "-A", cwd=root)
    (root / "sub/in/x").write_text("3\n")
    done = run_staged(way, "--json", cwd=root / "sub" / "in")
    assert output(done) == "2\n1\n"
    assert list((root / "sub" / ".vibeguard" / "runs").iterdir())


@in_both_ways
@pytest.mark.parametrize("name", ["main", "ma\nin"])  # git tells paths in lines
def test_in_a_linked_worktree(tmp_path, way, name):
    main = repository(
        tmp_path / name,
        **{
            "a": "1\n",
            "vibeguard.yaml": config("cat a; git stash; git rev-parse --abbrev-ref HEAD"),
        },
    )
    git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"), cwd=main)
    root = tmp_path / "side"
    (root / "a").write_text("2\n")
    git("add", "a", cwd=root)
    (root / "a").write_text("3\n")
    before = picture(tmp_path)
    done = run_staged(way, "--json", cwd=root)
    seen = output(done).splitlines()
    assert (seen[0], seen[-1]) == ("2", "side")
    assert picture(tmp_path) == before


@in_both_ways
def test_a_clean_submodule_and_one_that_is_not(tmp_path, way):
    other = repository(tmp_path / "other", s="s\n")
    root = repository(tmp_path / "r", **{"a": "", "vibeguard.yaml": config("cat sub/s")})
    allow = ("-c", "protocol.file.allow=always")
    git(*allow, "submodule", "--quiet", "add", str(other), "sub", cwd=root)
    done = run_staged(way, "--json", cwd=root)
    if way == "copy":
        assert (done.returncode, "the submodule sub cannot be copied" in done.stdout) == (2, True)
        return
    assert output(done) == "s\n"
    (root / "sub" / "s").write_text("dirty\n")
    done = run_staged(way, cwd=root)
    assert (done.returncode, "the submodule sub" in done.stderr) == (2, True)
    git("update-index", "--assume-unchanged", "s", cwd=root / "sub")
    done = run_staged(way, cwd=root)
    assert (done.returncode, "not to look at sub/s in its submodule" in done.stderr) == (2, True)


@pytest.mark.skipif(not has_namespaces(), reason="no mount namespaces here")
def test_a_file_that_is_edited_meanwhile_makes_an_error_of_what_saw_it(tmp_path):
    script = 'test -e "$OUTSIDE/ready" || { touch "$OUTSIDE/ready"; while ! test -e "$OUTSIDE/go"; do :; done; }'
    root = repository(tmp_path / "r", **{"a": "1\n", "b": "1\n", "vibeguard.yaml": config(script)})
    (root / "a").write_text("2\n")
    git("add", "a", cwd=root)
    (root / "a").write_text("3\n")
    outside = tmp_path / "outside"
    outside.mkdir()
    env = {"OUTSIDE": str(outside)}
    run = subprocess.Popen(
        words_for("namespace", "run", "--staged", "--json"),
        cwd=root,
        env=environment(**env),
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_until((outside / "ready").exists)
    (root / "a").write_text("4\n")  # laid out apart: nobody sees this
    (root / "b").write_text("2\n")
    (outside / "go").touch()
    text, _ = run.communicate(timeout=60)
    (check,) = json.loads(text)["checks"]
    assert (check["status"], check["reason"]) == ("error", "tree moved")
    assert "b" in check["message"] and "a," not in check["message"]
    again = run_staged("namespace", "--json", cwd=root, env=env)
    assert report(again)["exit_code"] == 0


@pytest.mark.skipif(not has_namespaces(), reason="no mount namespaces here")
def test_other_runs_may_write_to_the_state_folder_while_the_files_are_laid_out(tmp_path):
    """Two that are the first at the same time: git may not ignore it yet."""
    allowed = config("cat a", more="settings: {on_change: allow}\n")
    root = repository(tmp_path, a="1\n", **{"vibeguard.yaml": allowed})
    (root / "a").write_text("2\n")
    git("add", "a", cwd=root)
    runs = root / ".vibeguard" / "runs"
    runs.mkdir(parents=True, mode=0o700)
    runs.parent.chmod(0o700)
    (runs.parent / ".gitignore").touch()
    making = "import os, time\nfor n in range(10**6): os.mkdir(f'x{n}'); time.sleep(0.0005)"
    with subprocess.Popen([sys.executable, "-c", making], cwd=runs) as other:
        wait_until((runs / "x300").exists)
        done = run_staged("namespace", "--json", cwd=root)
        other.kill()
    assert (done.returncode, output(done)) == (0, "2\n")


def test_outside_of_git_nothing_is_staged(tmp_path):
    (tmp_path / "vibeguard.yaml").write_text(config("true"))
    done = vibeguard("run", "--staged", cwd=tmp_path)
    assert (done.returncode, "nothing is staged here" in done.stderr) == (2, True)


@pytest.mark.parametrize("other", ["--changed", "--failed", "--outstanding"])
def test_selections_exclude_each_other(tmp_path, other):
    root = repository(tmp_path, **{"vibeguard.yaml": config("true")})
    done = vibeguard("run", "--staged", other, cwd=root)
    assert (done.returncode, "do not go together" in done.stderr) == (2, True)


def test_a_staged_run_reuses_and_records_nothing_and_says_so(tmp_path):
    text = """
checks:
  - {id: unit, run: "echo >> $OLD", reuse: true, inputs: [a], tools: [], env: {OLD: "%s"}}
""" % (tmp_path / "ran")
    root = repository(tmp_path / "r", **{"a": "1\n", "vibeguard.yaml": text})
    assert vibeguard("run", cwd=root).returncode == 0
    (root / "a").write_text("2\n")
    git("add", "a", cwd=root)
    for _ in range(2):
        done = vibeguard("run", "--staged", "--reuse", cwd=root)
        assert (done.returncode, "nothing is reused" in done.stderr) == (0, True)
    assert vibeguard("run", "--reuse", cwd=root).returncode == 0
    assert (tmp_path / "ran").read_text() == "\n" * 4


@in_both_ways
def test_the_hook_checks_the_commit_and_the_push_asks_for_its_verdict(tmp_path, way):
    """Half of a file is staged, and a new one is not; the commit is what is judged, and pushed."""
    remote = tmp_path / "remote"
    git("init", "-q", "--bare", str(remote), cwd=tmp_path)
    text = config("! grep -r bad a* && test ! -e new")
    root = repository(tmp_path / "r", **{"a": "1\n", "vibeguard.yaml": text})
    git("remote", "add", "origin", str(remote), cwd=root)
    assert vibeguard("hook", "git", "--write", cwd=root).returncode == 0
    (root / "a").write_text("good\n")
    git("add", "a", cwd=root)
    (root / "a").write_text("bad\n")
    (root / "new").touch()
    words = words_for(way, "run")
    name = ("-c", "user.name=A", "-c", "user.email=a@b.c")
    prefix = words[: words.index("sh", words.index("sh") + 1) + 1] if "unshare" in words else []
    done = subprocess.run(
        [*prefix, "git", *name, "commit", "-qm", "x"],
        cwd=root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert git("show", "HEAD:a", cwd=root).stdout == "good\n"
    assert (root / "a").read_text() == "bad\n"
    git("stash", "-q", "-u", cwd=root)
    pushed = git("push", "-q", "origin", "main", cwd=root, check=False)
    assert pushed.returncode == 0, pushed.stderr
    assert "of this tree: passed" in pushed.stderr
    git("stash", "pop", "-q", cwd=root)
    git("add", "a", cwd=root)
    assert git(*name, "commit", "-qm", "y", cwd=root, check=False).returncode == 1


def test_max_wait_is_kept_while_what_is_staged_is_laid_out(tmp_path):
    """It was answered after that, 17 s later; the pass before must not be the answer meanwhile."""
    root = repository(tmp_path / "r", **{"a": "1\n", "vibeguard.yaml": config("cat a")})
    assert vibeguard("run", cwd=root).returncode == 0
    go_on = tmp_path / "go_on"
    git("config", "filter.slow.clean", f"until test -e {go_on}; do sleep 0.02; done; cat", cwd=root)
    (root / ".git" / "info").mkdir(exist_ok=True)
    (root / ".git" / "info" / "attributes").write_text("a filter=slow\n")
    (root / "a").write_text("2\n")
    done = vibeguard("run", "--staged", "--max-wait", "1ms", "--json", cwd=root)
    assert done.returncode == 5, done.stderr
    assert "what is staged is still being laid out" in done.stdout
    answer = vibeguard("wait", cwd=root)
    assert answer.returncode == 2
    assert "the run has not begun within --max-wait" in answer.stderr
    go_on.touch()
    wait_until(lambda: vibeguard("wait", cwd=root).returncode == 0, "the run is over")
    assert "of what is staged" in vibeguard("report", cwd=root).stderr


@pytest.mark.parametrize("words", [[], ["--max-wait", "9m"], ["--detach"]], ids=str)
def test_a_signal_ends_the_laying_out_of_what_is_staged(words, tmp_path):
    """Before there is a run nothing has to be brought to an end: a slow filter was waited for."""
    root = repository(tmp_path / "r", **{"a": "1\n", "vibeguard.yaml": config("cat a")})
    began, slow = tmp_path / "began", f"300.{uuid4().int % 10**9:09}"
    git("config", "filter.slow.clean", f"touch {began}; sleep {slow}", cwd=root)
    (root / ".git" / "info").mkdir(exist_ok=True)
    (root / ".git" / "info" / "attributes").write_text("a filter=slow\n")
    (root / "a").write_text("2\n")
    with running(root, "run", "--staged", *words) as run:
        wait_until(began.exists, "git asks the filter")
        os.kill(run.pid, signal.SIGTERM)
        exit_code, _, err = run.end()
    assert exit_code == 143, err
    assert with_token(slow) == []
    assert list((root / ".vibeguard" / "staged").iterdir()) == []
