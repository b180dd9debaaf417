"""What a command loads: counted, not timed. Each of these would be felt at every start."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.brokers import key_file
from tests.helpers.command import environment, project, vibeguard
from vibeguard.late_patterns import LatePattern
from vibeguard.system.front.early import IMPORTED_ONCE
from vibeguard.system.supervisor.lean_trio import FOR_CONNECTIONS, UNUSED

# Never for plain words: the parser and what it brings, and what the standard library has that is heavy.
PARSER = {"cyclopts", "attr", "attrs", "rich", "docstring_parser", "inspect", "dataclasses"}
HEAVY = {"trio", "asyncio", "ssl", "http", "email", "logging", "concurrent", "unittest", "re2"}
CONFIG = {"yaml", "vibeguard.core.config.load"}
CALLS_OTHERS = {"subprocess", "ctypes", "tempfile", "pathlib"}
LIVE = {"vibeguard.core.excerpt", "vibeguard.core.results.guessing"}
FORBIDDEN = {
    "report": PARSER | HEAVY | CONFIG | LIVE | {"ctypes", "tempfile", "pathlib", "statistics"},
    "status": PARSER | HEAVY | CONFIG | LIVE | CALLS_OTHERS,
    "runs": PARSER | HEAVY | CONFIG | LIVE | CALLS_OTHERS,
    "validate": PARSER | HEAVY | LIVE | CALLS_OTHERS | {"statistics"},
    "list": PARSER | HEAVY | LIVE | CALLS_OTHERS | {"statistics"},
    "hook failures": PARSER | HEAVY | {"pathlib"},
    "run": PARSER | HEAVY | {"statistics", "tempfile", "pathlib", "queue"},
}
SELDOM = {
    "vibeguard.core.lang.expression",
    "vibeguard.core.lang.grok",
    "vibeguard.system.pool.access",
}
OF_TRIO = {"trio", "attr", "attrs", "inspect", "ssl", "logging"}
# What Trio imports for programs with connections, and to search for a library.
PUT_OFF = {"_ssl", "idna.core", "ctypes.util", "shutil", "tempfile"}
LEFT_OUT = {*UNUSED, *FOR_CONNECTIONS, "pathlib"}
SUPERVISOR = (PARSER | HEAVY | CONFIG | SELDOM | PUT_OFF | LEFT_OUT) - OF_TRIO
SUPERVISE = (
    "from vibeguard.system.supervisor.lean_trio import import_trio; import_trio(); "
    "import vibeguard.system.supervisor.process, vibeguard.system.supervisor.session"
)

PRELOADED = f"""{SUPERVISE}
from vibeguard.system.supervisor.preload import preload
from vibeguard.system.channel import Launch
from vibeguard.core.model.plan import Plan, ResolvedSettings
plan = Plan(ResolvedSettings(parallel=1, async_parallel=1), ())
preload(Launch(plan, (), {{}}, {{}}, b'/', b'/', b'/', '', '', ''))
before = set(sys.modules)
"""


def loaded(program: str, folder: Path) -> set[str]:
    """The modules that a program has loaded when it is done, by a line that it ends with."""
    ending = "print(); print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {program}; {ending}"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder in which a run has passed."""
    made = project(tmp_path_factory.mktemp("loaded"), "checks: [{id: a, run: 'true'}]\n")
    assert vibeguard("run", cwd=made).returncode == 0
    return made


@pytest.fixture(scope="module")
def bare(folder) -> set[str]:
    """What the interpreter and msgspec load, with what happens to be in this environment."""
    return loaded("import msgspec", folder)


@pytest.mark.parametrize("words", FORBIDDEN)
def test_a_command_loads_nothing_heavy_that_it_does_not_need(words, folder, bare):
    """Whoever adds an import at the top of a file sees here whom it slows down."""
    program = f"from vibeguard.cli import main; main({words.split()!r})"
    assert not (loaded(program, folder) - bare) & FORBIDDEN[words]


@pytest.mark.parametrize("words", ["report", "run"])
def test_msgspec_is_loaded_without_what_it_does_not_need(words, folder):
    program = f"from vibeguard.cli import main; main({words.split()!r})"
    of_schemas = "msgspec._typing_utils"  # with them comes msgspec.inspect
    assert not loaded(program, folder) & {"typing_extensions", "inspect", "ast", of_schemas}


def test_what_subprocess_asks_for_text_is_loaded_when_it_does(folder):
    program = (
        "from vibeguard.cli import main; main(['run']); late = sys.modules['locale']; import subprocess; "
        "assert 'getencoding' not in vars(late); assert sys.modules['subprocess'].locale is late; "
        "subprocess.run('true', text=True); assert 'getencoding' in vars(late)"
    )
    loaded(program, folder)


def test_schemas_are_to_be_had_of_msgspec_all_the_same(folder):
    program = (
        "from vibeguard.cli import main; main(['status']); import msgspec, msgspec.inspect; "
        "assert msgspec.json.schema(int) == {'type': 'integer'}; msgspec.inspect.type_info(int)"
    )
    assert "msgspec._typing_utils" in loaded(program, folder)


def test_the_supervisor_loads_trio_and_neither_parser_nor_config(folder, bare):
    """While the front reads the config, it loads; what a plan needs beyond comes with the plan."""
    assert not (loaded(SUPERVISE, folder) - bare) & SUPERVISOR


@pytest.mark.parametrize("words", [["run"], ["run", "--reuse"]])
def test_what_front_and_supervisor_both_load_is_loaded_before_they_part(folder, words):
    """With it comes what takes long of the standard library: hashes, processes, threads."""
    shared = loaded(f"import importlib; [*map(importlib.import_module, {IMPORTED_ONCE})]", folder)
    both = loaded(f"from vibeguard.cli import main; main({words})", folder) & loaded(
        SUPERVISE, folder
    )
    assert not {name for name in both - shared if name.startswith("vibeguard.system.")}
    assert {"_hashlib", "subprocess", "threading"} <= shared


def test_what_follows_a_run_is_loaded_once_its_supervisor_is_at_work(folder):
    """Where all is reused that takes as long as the look at it."""
    program = (
        "from vibeguard.system.front.early import Supervisor; "
        "Supervisor.launch = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt); "
        "from vibeguard.cli import main\ntry: main(['run'])\nexcept KeyboardInterrupt: pass"
    )
    before = loaded(program, folder)
    assert "vibeguard.core.planning.plan" in before
    assert not {name for name in before if name.startswith("vibeguard.core.formats")}
    follows = {"following", "guarding", "import_ahead", "view"}
    assert not before & {f"vibeguard.system.front.{name}" for name in follows}


def test_what_trio_put_off_is_whole_once_it_is_used(folder):
    """Whoever holds what stood for it has the module itself, and imports go on as ever."""
    program = (
        f"{SUPERVISE}; from trio import _ssl, _socket; import ssl; ssl.SSLContext; import ctypes.util; "
        "assert ssl.SSLContext is _ssl._stdlib_ssl.SSLContext; assert ssl.__spec__.name == 'ssl'; "
        "assert _socket._idna.encode('\\xe4.de', uts46=True) == b'xn--4ca.de'; "
        "from urllib.parse import urlsplit; assert urlsplit('http://[::1]/').hostname == '::1'; "
        "assert ctypes.util.find_library.__module__ == 'ctypes.util'"
    )
    assert {"_ssl", "idna.core"} <= loaded(program, folder)


def test_what_was_left_out_of_trio_is_imported_once_it_is_used(folder):
    program = (
        f"{SUPERVISE}; import trio; from attr.validators import instance_of; instance_of(int); "
        "assert trio.Path is trio._path.Path; assert trio.socket.socket is trio._socket.socket; "
        "assert trio.lowlevel.FdStream is trio._unix_pipes.FdStream; "
        "assert not hasattr(trio, 'nothing') and not hasattr(trio.lowlevel, 'nothing')"
    )
    assert {"pathlib", "attr.validators", "trio.socket"} <= loaded(program, folder)


def test_a_run_without_connections_uses_nothing_of_trio_that_is_left_out(folder):
    """It would be imported after checks have run."""
    program = PRELOADED + (
        "import re, trio; from pathlib import Path\n"
        "mine = [m.__file__ for name, m in sys.modules.items() if name.startswith('vibeguard.')]\n"
        "words = '\\n'.join(Path(file).read_text() for file in mine if 'lean_trio' not in file)\n"
        "used = set(re.findall(r'\\btrio\\.(\\w+)(?:\\.(\\w+))?', words))\n"
        "assert ('Event', '') in used and ('to_thread', 'run_sync') in used, used\n"
        "missing = {name for name, _ in used if name not in vars(trio)}\n"
        "missing |= {n for m, n in used if m == 'lowlevel' and n not in vars(trio.lowlevel)}\n"
        "assert not missing, missing\npass"
    )
    loaded(program, folder)


def test_a_trio_that_needs_what_is_left_out_is_imported_whole(folder):
    """A later one may: then it takes longer, and a run starts all the same."""
    program = (
        "from vibeguard.system.supervisor import lean_trio as lean; "
        f"lean.UNUSED += ('trio._sync',); {SUPERVISE}; "
        "import trio; trio.Path('.'), trio.run(trio.sleep, 0)"
    )
    assert "trio._dtls" in loaded(program, folder)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("redis://127.0.0.1:1", {"_ssl", "idna.core", *FOR_CONNECTIONS}),
        ("unix:///nowhere", {*FOR_CONNECTIONS}),
    ],
    ids=["network", "socket"],
)
def test_a_run_with_connections_loads_what_was_put_off(folder, tmp_path, url, found):
    """Before its first check, for that one may change what lies on the disk; a socket needs none."""
    key = key_file(tmp_path)
    environ = {"VIBEGUARD_POOL_URL": url, "VIBEGUARD_POOL_KEY_FILE": str(key)}
    program = (
        f"{SUPERVISE}; import contextlib, os; from vibeguard.core.problems import UsageError; "
        "from vibeguard.system.supervisor.remote import prepare_remote; "
        "from vibeguard.system.channel import Launch, OrderReader; "
        "from vibeguard.core.model.settings import PoolSettings; "
        "from vibeguard.core.model.plan import Plan, ResolvedSettings; "
        "settings = ResolvedSettings(parallel=1, async_parallel=1, pool=PoolSettings(name='ci')); "
        "launch = Launch(Plan(settings, ()), (), {}, {}, b'/', b'/', b'/', '', '', ''); "
        "refused = contextlib.suppress(UsageError)\n"
        f"with refused: prepare_remote(launch, {environ}, OrderReader(os.pipe()[0]), None)\npass"
    )
    there = loaded(program, folder)
    assert there & {"_ssl", "idna.core", *FOR_CONNECTIONS} == found
    assert not there & {"trio._channel", "trio._file_io", "trio._subprocess"}


def test_what_sends_checks_to_workers_loads_what_unpacks_only_where_something_comes_back(
    folder, bare
):
    """Before the first check; the import takes as long as three questions to git."""
    slow = {"shutil", "tempfile", "tarfile"}
    imports = "import vibeguard.system.supervisor.remote"
    assert not (loaded(f"{SUPERVISE}; {imports}", folder) - bare) & slow
    far = (
        "from vibeguard.core.model.config_parts import Where; "
        "from vibeguard.core.model.plan import PlannedCheck; "
        "far = PlannedCheck(id='a', run='a', stem='a', artifacts=('x',), where=Where())\n"
    )
    preloaded = f"import sys\n{far}{PRELOADED.replace('=1), ())', '=1), (far,))')}"
    assert "tarfile" in loaded(preloaded + "pass", folder)


def test_what_is_guessed_of_a_check_that_fails_needs_nothing_that_is_not_loaded_yet(folder):
    """A check may have changed by then what is installed (DESIGN section 5)."""
    program = PRELOADED + (
        "from vibeguard.core.results.guessing import GUESSERS, guesser; "
        "streams = guesser('go-test', b'{\"Action\":\"'), guesser('rustc', b'{\"reason\":\"'); "
        "assert not set(streams) & set(GUESSERS.values()); "
        "[make(print) for make in (*GUESSERS.values(), *streams)]; "
        "assert set(sys.modules) == before, set(sys.modules) - before"
    )
    assert "re2" in loaded(program, folder)


COMPILED = """import re._compiler as c; made = []; real = c.compile
c.compile = lambda p, flags=0: made.append(str(p)) or real(p, flags)
import re, textwrap; before = re.compile; del sys.modules["textwrap"], made[:]"""


def test_modules_are_imported_without_compiling_the_patterns_that_they_do_not_use(folder):
    """A command that reads the config loads those of YAML, of which one takes 6 ms."""
    command = "from vibeguard.cli import main; code = main(['validate'])"
    after = "import yaml.reader, textwrap; assert re.compile is before"
    unused = "assert not [p for p in made if len(p) > 100], made"
    whole = "assert yaml.reader.Reader.NON_PRINTABLE.search('\\0') and textwrap.wrap('a b', 1)"
    loaded(f"{COMPILED}; {command}; {after}; {unused}; {whole}", folder)


def test_a_pattern_that_was_put_off_is_one_from_its_first_use_on():
    late = LatePattern("(a+)b", re.IGNORECASE)
    assert late.fullmatch("AAB")[1] == "AA"
    assert (late.pattern, late.sub("x", "ab ab")) == ("(a+)b", "x x")
    with pytest.raises(re.error):
        LatePattern("(").search("")
