"""Import Trio without what no run uses of it: TLS, addresses, DTLS, paths, a search by ldconfig.

Nearly all of a run's start-up is this import (docs/performance.md, docs/adr/0206).
"""

import ctypes
import os
import sys
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from vibeguard.system.process.exits import reap
from vibeguard.system.unexpected import try_to_wake

# Trio and what it imports bind these, and use them for connections.
PUT_OFF: Final = ("ssl", "idna", "ipaddress")
# Modules of which Trio, and what it rests on, take names that nothing here uses: half of them are
# classes of `attrs`, each compiled at import.
LEFT_OUT: Final = ("trio._dtls", "trio._path", "attr.validators")
# Has the function that names a thread, which is all that is looked for (glibc 2.34 and later).
_LIBC: Final = "libc.so.6"


class _PutOff(ModuleType):
    """Stands in for a module until something of it is asked for; then it has all of its names."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import system looks at what it finds
            raise AttributeError(name)
        _load(self)
        return vars(self)[name]


class _LeftOut(ModuleType):
    """Stands in for a module while Trio is imported: whatever is taken from it is None."""

    @staticmethod
    def instance_of(_: type) -> None:
        """No validator: of `attr.validators`, `outcome` takes this one."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


def import_trio() -> None:
    """Import Trio, unless it is loaded already. Raises OSError where it could not work.

    Nor could what is run under it be waited for, where a sandbox refuses that.
    """
    try_to_wake()
    reap(os.getpid())  # no child of its own
    if "trio" in sys.modules:
        return
    for name in PUT_OFF:
        sys.modules.setdefault(name, _PutOff(name))
    stand_ins: dict[str, ModuleType] = {
        name: _LeftOut(name) for name in LEFT_OUT if name not in sys.modules
    }
    sys.modules.update(stand_ins)
    try:
        _import_without_a_search()
    except Exception:  # noqa: BLE001 - another Trio, which does more with a name than take it
        known = list(sys.modules)  # another thread imports, too (`arriving`)
        stand_ins |= {name: sys.modules[name] for name in known if name.startswith("trio.")}
    finally:
        for name in stand_ins:
            sys.modules.pop(name, None)
    import_module("trio")  # whole, where that has failed


def _import_without_a_search() -> None:
    """Import Trio while nobody looks for the library that names threads."""
    if "ctypes.util" in sys.modules:
        import_module("trio")
        return
    finder = ModuleType("ctypes.util")
    vars(finder)["find_library"] = lambda _: _LIBC
    sys.modules["ctypes.util"] = vars(ctypes)["util"] = finder
    try:
        import_module("trio")
    finally:
        del sys.modules["ctypes.util"], vars(ctypes)["util"]


def load_what_was_put_off() -> None:
    """Import it now, for a run with connections: before a check can change what is installed."""
    for name in PUT_OFF:
        module = import_module(name)
        if isinstance(module, _PutOff):
            _load(module)


def _load(stands_for: _PutOff) -> None:
    """Import the module itself; whoever holds the stand-in has its names, too."""
    name = stands_for.__name__
    del sys.modules[name]
    vars(stands_for).update(vars(import_module(name)))
