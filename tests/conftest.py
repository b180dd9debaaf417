"""What every test may rely on, wherever it runs: a git identity, no settings of the caller's."""

import gc
import os
import signal
import sys
from collections.abc import Generator

import pytest
from hypothesis import settings

# A test's verdict must not depend on chance or on how busy the machine is: chance is for the night
# (`nox -s nightly`), and prints what found the mistake.
settings.register_profile("steady", deadline=None, derandomize=True, database=None, max_examples=25)
settings.register_profile(
    "searching", deadline=None, database=None, max_examples=500, print_blob=True
)
settings.load_profile("steady")

IDENTITY = {
    "GIT_AUTHOR_NAME": "VibeGuard tests",
    "GIT_AUTHOR_EMAIL": "tests@vibeguard.invalid",
    "GIT_COMMITTER_NAME": "VibeGuard tests",
    "GIT_COMMITTER_EMAIL": "tests@vibeguard.invalid",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}

# Anything of these would change what a command under test prints or reads, as would whatever
# begins with VIBEGUARD_: settings, and where the tests are a check themselves its marks, for a run
# inside a check is never `latest`. (A run around them knows their processes as its children, too.)
FOREIGN = ("CI", "GITHUB_ACTIONS", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "PYTHONUNBUFFERED")

# A caller that wants no compiled files would have every command under test compile the product anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_auto_num_workers() -> int | None:
    """What `-n auto` means: twice as many as there are cores, for much of the time is waited.

    For the disk, for leases, for what a check does; what the tests wait for has bounds that only a
    hang reaches.
    """
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return 2 * len(os.sched_getaffinity(0))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Search none of the modules and thousands of tests for garbage, now and as long as tests run.

    All of them stay to the end; to look through them took a tenth of the time of the properties.
    """
    gc.disable()
    collected = yield
    gc.freeze()
    gc.enable()
    return collected


@pytest.fixture(autouse=True, scope="session")
def _neutral_environment() -> None:
    """Give git an identity and take out what the caller's environment would bring in."""
    ours = [name for name in os.environ if name.startswith("VIBEGUARD_")]
    for name in (*ours, *FOREIGN):
        os.environ.pop(name, None)
    os.environ.update(IDENTITY)


@pytest.fixture(autouse=True)
def _no_signal_left_blocked() -> Generator[None]:
    """What a test leaves blocked every later process would inherit: some would not end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    assert signal.pthread_sigmask(signal.SIG_SETMASK, before) == before
