"""DESIGN sections 2 and 7: where paths begin, what is named, and configs that are no plain files."""

import json
import os
import socket

import pytest

from tests.helpers.command import git, project, vibeguard
from tests.helpers.running import running
from tests.helpers.staging import repository
from vibeguard.system.discovery.whereabouts import PATIENCE_S

IN_A_TENTH_OF_A_SECOND = (
    "from vibeguard.cli import command; from vibeguard.system.discovery import whereabouts;"
    "whereabouts.PATIENCE_S = 0.1; command()"
)
ONE = "checks: [{id: a, run: pwd, tags: [t]}]\n"


def test_a_run_from_a_folder_below_knows_its_config_afterwards(tmp_path):
    project(tmp_path, ONE)
    git("init", "-q", ".", cwd=tmp_path)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert vibeguard("run", cwd=below).returncode == 0
    for folder in (tmp_path, tmp_path / "a", below):
        assert "since this run" not in vibeguard("report", cwd=folder).stderr
    (tmp_path / "vibeguard.yaml").write_text(ONE + "# changed\n")
    for folder in (tmp_path, below):
        said = vibeguard("report", cwd=folder).stderr
        assert "vibeguard.yaml has changed since this run" in said


@pytest.mark.parametrize(("cwd", "where"), [(".", ""), ("w", "/w"), ("w/..", ""), ("./w", "/w")])
def test_cwd_begins_at_the_config_file_and_at_nothing_else(tmp_path, cwd, where):
    project(tmp_path / "conf", f"checks: [{{id: a, run: pwd, cwd: {cwd}}}]\n")
    for folder in (tmp_path / "w", tmp_path / "conf" / "w"):
        folder.mkdir()
    assert vibeguard("-c", "conf/vibeguard.yaml", "run", cwd=tmp_path).returncode == 0
    output = (tmp_path / ".vibeguard/latest/output/a.1.log").read_text()
    assert output == f"{(tmp_path / 'conf').resolve()}{where}\n"


def test_a_fifo_that_nobody_writes_to_is_refused_soon(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    done = vibeguard("-c", "fifo", "validate", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "fifo: nobody writes to this pipe" in done.stderr


def test_who_has_a_fifo_open_to_write_and_writes_nothing_is_waited_for_with_a_bound(tmp_path):
    """A tenth of a second stands for the half minute that is waited."""
    assert 10 <= PATIENCE_S <= 30
    os.mkfifo(tmp_path / "fifo")
    words = ("-c", "fifo", "validate")
    holder = os.open(tmp_path / "fifo", os.O_RDWR)
    with running(tmp_path, *words, program=IN_A_TENTH_OF_A_SECOND) as validating:
        code, _, said = validating.end()
    os.close(holder)
    assert code == 2
    assert "fifo: nothing came for 0.1 s" in said


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


ODD_CONFIGS = {
    "a socket": (a_socket, "odd.yaml: it is no file"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "odd.yaml: it is no file"),
    "no device": (lambda path: path.symlink_to("/dev/null"), "odd.yaml: it is no file"),
    "a loop": (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
    "nowhere": (lambda path: path.symlink_to("gone"), "a symbolic link that leads nowhere"),
}


@pytest.mark.parametrize("odd", ODD_CONFIGS)
def test_a_config_that_is_no_file_is_refused_and_called_what_it_is(tmp_path, odd):
    make, says = ODD_CONFIGS[odd]
    make(tmp_path / "odd.yaml")
    done = vibeguard("-c", "odd.yaml", "validate", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "odd.yaml" in done.stderr
    assert says in done.stderr


@pytest.mark.parametrize("odd", ["a loop", "nowhere"])
def test_a_link_that_leads_nowhere_lets_no_other_config_take_its_place(tmp_path, odd):
    """Its folder is looked at before the ones above, and its name before the others."""
    git("init", "-q", ".", cwd=tmp_path)
    project(tmp_path, ONE)
    below = project(tmp_path / "below", ONE, "vibeguard.yml")
    ODD_CONFIGS[odd][0](below / "vibeguard.yaml")
    done = vibeguard("run", cwd=below)
    assert done.returncode == 2
    assert ODD_CONFIGS[odd][1] in done.stderr


NUL = '"x\\0y"'


@pytest.mark.parametrize(
    "keys",
    [
        f"run: {NUL}",
        "run: 'echo {{.v}}'",
        f"run: ':', file: {NUL}",
        "run: ':', file: '{{.v}}'",
        f"run: ':', tools: [{NUL}]",
        f"run: ':', shell: {NUL}",
        f"run: ':', cwd: {NUL}",
        f"run: ':', env: {{A: {NUL}}}",
        f"run: ':', env: {{{NUL}: A}}",
        f"run: ':', pass_env: [{NUL}]",
        f"run: ':', env_inputs: [{NUL}]",
        f"run: ':', inputs: [{NUL}]",
        f"run: ':', artifacts: [{NUL}]",
        f"run: ':', results: {{junit: {NUL}}}",
        f"run: ':', results: {{json: ruff, file: {NUL}}}",
        f"run: ':', results: {{matcher: gcc, file: {NUL}}}",
        f"run: ':', results: {{matcher: {NUL}}}",
        f"run: ':', results: {{matcher: {NUL[:-1]}/m.json\"}}",
    ],
)
def test_what_the_system_cannot_be_given_is_refused_before_anything_runs(tmp_path, keys):
    """A word, a name and a value end at a NUL character."""
    project(tmp_path, f"vars: {{v: {NUL}}}\nchecks: [{{id: a, {keys}}}]\n")
    for verb in ("validate", "run"):
        done = vibeguard(verb, cwd=tmp_path)
        assert done.returncode == 2, done.stderr
        assert "vibeguard.yaml:2:" in done.stderr
    assert not (tmp_path / ".vibeguard/latest").is_symlink()


@pytest.mark.parametrize("key", ["notify: [{command: X}]", "redact: [X]", "keep: [X]", "shell: X"])
def test_nor_in_the_settings(tmp_path, key):
    project(tmp_path, f"settings: {{{key.replace('X', NUL)}}}\n{ONE}")
    assert vibeguard("validate", cwd=tmp_path).returncode == 2


def test_a_folder_is_called_a_folder(tmp_path):
    done = vibeguard("-c", ".", "run", cwd=tmp_path)
    assert done.returncode == 2
    assert "is a folder" in done.stderr


@pytest.mark.parametrize("verb", ["run", "validate", "list", "tags"])
def test_every_tag_that_no_check_has_is_named(tmp_path, verb):
    project(tmp_path, ONE)
    done = vibeguard(verb, "--tags", "zz,yy", "--exclude-tags", "ww", cwd=tmp_path)
    assert done.returncode == 2
    assert all(tag in done.stderr for tag in ("zz", "yy", "ww"))
    assert vibeguard(verb, "--tags", "t", cwd=tmp_path).returncode == 0


def test_every_check_that_there_is_not_is_named(tmp_path):
    project(tmp_path, ONE)
    done = vibeguard("run", "nope1", "a", "nope2", cwd=tmp_path)
    assert done.returncode == 2
    assert '"nope1"' in done.stderr
    assert '"nope2"' in done.stderr


def test_log_dir_gets_a_file_named_like_each_check(tmp_path):
    """Two names that only case tells apart have a file each; only if the disk cannot tell them
    apart, the second is named otherwise.
    """
    long = "x" * 200
    ids = ("a", "A", long)
    checks = "".join(f"  - {{id: {name}, run: 'echo {name}'}}\n" for name in ids)
    project(tmp_path, f"checks:\n{checks}")
    assert vibeguard("run", "--log-dir", "out", cwd=tmp_path).returncode == 0
    assert (tmp_path / "out" / "a.log").read_text() == "a\n"
    assert (tmp_path / "out" / f"{long}.log").read_text() == f"{long}\n"
    assert len(list((tmp_path / "out").iterdir())) == 3
    (tmp_path / "probe").touch()
    if not (tmp_path / "PROBE").exists():
        assert (tmp_path / "out" / "A.log").read_text() == "A\n"


def test_log_dir_never_overwrites_the_output_of_an_id_in_another_case(tmp_path):
    """As on a disk that takes both names for one file: a link plays its part."""
    project(tmp_path, "checks: [{id: a, run: 'echo small'}, {id: A, run: 'echo large'}]\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "A.log").symlink_to("a.log")
    assert vibeguard("run", "--log-dir", "out", cwd=tmp_path).returncode == 0
    assert (tmp_path / "out" / "a.log").read_text() == "small\n"
    texts = [path.read_text() for path in (tmp_path / "out").glob("A~*.log")]
    assert texts == ["large\n"]


def test_a_run_that_is_to_copy_its_outputs_does_not_join_another(tmp_path):
    project(tmp_path, "checks: [{id: a, run: 'until test -e go; do sleep 0.02; done; echo hi'}]\n")
    first = vibeguard("run", "--detach", cwd=tmp_path).stdout.strip()
    second = vibeguard("run", "--detach", "--log-dir", "out", cwd=tmp_path).stdout.strip()
    assert second != first
    (tmp_path / "go").touch()
    assert vibeguard("wait", first, cwd=tmp_path).returncode == 0
    assert vibeguard("wait", second, cwd=tmp_path).returncode == 0
    assert (tmp_path / "out" / "a.log").read_text() == "hi\n"
    runs = json.loads(vibeguard("runs", "--json", cwd=tmp_path).stdout)["runs"]
    assert len(runs) == 2


@pytest.mark.parametrize("words", ["--json --max-wait 10m", "--format json --changed"])
def test_a_detached_run_is_a_document_of_a_run_that_goes_on_whatever_it_has_to_do(tmp_path, words):
    """One that is over at once, since nothing is concerned, goes on too: its end is waited for."""
    text = "checks: [{id: a, run: ':', files: [none]}]\n"
    root = repository(tmp_path, **{"vibeguard.yaml": text})
    done = vibeguard("run", "--detach", *words.split(), cwd=root)
    document = json.loads(done.stdout)
    assert (done.returncode, document["exit_code"], document["state"]) == (0, 0, "running")
    assert vibeguard("wait", document["run_id"], cwd=root).returncode == 0


@pytest.mark.parametrize("words", ["nobody", "--parallel x"])
def test_a_detached_start_that_is_refused_is_a_document_of_that(tmp_path, words):
    project(tmp_path, "checks: [{id: a, run: ':'}]\n")
    done = vibeguard("run", "--detach", "--json", *words.split(), cwd=tmp_path)
    assert done.returncode == 2
    document = json.loads(done.stdout)
    assert (document["exit_code"], document["state"], document["run_id"]) == (2, "refused", "")


def test_detached_with_json_answers_with_a_document_also_when_it_joins(tmp_path):
    project(tmp_path, "checks: [{id: a, run: 'until test -e go; do sleep 0.02; done'}]\n")
    answers = [vibeguard("run", "--detach", "--json", cwd=tmp_path) for _ in range(2)]
    documents = [json.loads(answer.stdout) for answer in answers]
    assert [(a.returncode, d["exit_code"]) for a, d in zip(answers, documents, strict=True)] == [
        (0, 0),
        (0, 0),
    ]
    assert {(d["state"], d["verdict"]) for d in documents} == {("running", None)}
    assert documents[0]["run_id"] == documents[1]["run_id"]
    (tmp_path / "go").touch()
    assert vibeguard("wait", documents[0]["run_id"], cwd=tmp_path).returncode == 0


def test_what_a_config_says_reaches_the_system_in_its_own_bytes_whatever_the_locale(tmp_path):
    """In the bytes of another encoding `! grep é` finds nothing, and passes."""
    (tmp_path / "é").mkdir()
    (tmp_path / "é" / "ü").write_text("é")
    config = """\
checks:
  - {id: command, run: "! grep é é/ü"}
  - {id: environment, run: '! grep "$X" ü', env: {X: é}, cwd: é}
"""
    folder = project(tmp_path, config)
    locale = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = vibeguard("run", cwd=folder, env=locale, fresh=True)
    assert done.returncode == 1, done.stderr
    assert "2 failed (command, environment)" in done.stderr
