"""Import Trio without what no run uses of it, or none on this machine: TLS, sockets, paths, files.

Nearly all of a run's start-up is this import (docs/performance.md, docs/adr/0206).
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Final

from vibeguard import late_modules
from vibeguard.system.process.exits import reap
from vibeguard.system.unexpected import try_to_wake

# Trio and what it imports bind these, and use them for connections to other machines.
PUT_OFF: Final = ("ssl", "idna", "ipaddress")
# Modules of which Trio, and what it rests on, take names and do no more with them: half of them are
# classes of `attrs`, each compiled at import. No run uses the first, only those with connections
# the second.
UNUSED: Final = (
    "attr._version_info",
    "attr.validators",
    "trio._channel",
    "trio._dtls",
    "trio._file_io",
    "trio._highlevel_open_tcp_listeners",
    "trio._highlevel_serve_listeners",
    "trio._highlevel_ssl_helpers",
    "trio._path",
    "trio._subprocess",
    "trio._unix_pipes",
)
FOR_CONNECTIONS: Final = (
    "trio._highlevel_generic",
    "trio._highlevel_open_tcp_stream",
    "trio._highlevel_open_unix_stream",
    "trio._highlevel_socket",
    "trio._socket",
    "trio._ssl",
    "trio.socket",
)
# The modules that take names to hand them on.
_HANDING_ON: Final = ("trio", "trio.lowlevel")
# Has the function that names a thread, which is all that is looked for (glibc 2.34 and later).
_LIBC: Final = "libc.so.6"


class _LeftOut(ModuleType):
    """Stands in for a module while Trio is imported, and for whatever is taken from it."""

    @staticmethod
    def instance_of(_: type) -> None:
        """No validator: of `attr.validators`, `outcome` takes this one."""

    def __getattr__(self, name: str) -> "_LeftOut":
        if name.startswith("__"):
            raise AttributeError(name)
        return _LeftOut(f"{self.__name__}:{name}")

    def itself(self) -> object:
        """What it stands for, imported now."""
        module, _, name = self.__name__.partition(":")
        found = import_module(module)
        return getattr(found, name) if name else found


def import_trio() -> None:
    """Import Trio, unless it is loaded already. Raises OSError where it could not work.

    Nor could what is run under it be waited for, where a sandbox refuses that.
    """
    try_to_wake()
    reap(os.getpid())  # no child of its own
    if "trio" in sys.modules:
        return
    for name in PUT_OFF:
        late_modules.put_off(name)
    left_out = [name for name in UNUSED + FOR_CONNECTIONS if name not in sys.modules]
    sys.modules.update({name: _LeftOut(name) for name in left_out})
    try:
        with _without_a_search(), _without_reprs():
            import_module("trio")
        for name in _of_trio():
            _look_up_later(sys.modules[name])
    except Exception:  # noqa: BLE001 - another Trio, which does more with a name than take it
        left_out += _of_trio()
    finally:
        for name in left_out:
            sys.modules.pop(name, None)
    import_module("trio")  # whole, where that has failed


def _of_trio() -> list[str]:
    """The modules of Trio that are loaded; another thread imports, too (`arriving`)."""
    return [name for name in list(sys.modules) if name.split(".")[0] == "trio"]


def _look_up_later(module: ModuleType) -> None:
    """Have a module import what it has taken of others that were left out once that is used.

    Raises ImportError where its own functions may use it.
    """
    names = vars(module)
    taken = {name: held for name, held in names.items() if isinstance(held, _LeftOut)}
    if not taken:
        return
    if module.__name__ not in _HANDING_ON:
        raise ImportError(*taken)
    otherwise = names.get("__getattr__") or partial(getattr, ModuleType(module.__name__))

    def find(name: str) -> object:
        if name not in taken:
            return otherwise(name)
        names[name] = found = taken[name].itself()
        return found

    for name in taken:
        del names[name]
    names["__getattr__"] = find


@contextmanager
def _without_a_search() -> Iterator[None]:
    """Have nobody look for the library that names threads."""
    if "ctypes.util" in sys.modules:
        yield
        return
    finder = ModuleType("ctypes.util")
    vars(finder)["find_library"] = lambda _: _LIBC
    sys.modules["ctypes.util"] = vars(ctypes)["util"] = finder
    try:
        yield
    finally:
        del sys.modules["ctypes.util"], vars(ctypes)["util"]


@contextmanager
def _without_reprs() -> Iterator[None]:
    """Have `attrs` write no method that shows an object: half of what it compiles for Trio."""
    import attrs  # noqa: PLC0415 - once its validators are left out

    written = {"define": attrs.define, "frozen": attrs.frozen}
    vars(attrs).update({name: partial(write, repr=False) for name, write in written.items()})
    try:
        yield
    finally:
        vars(attrs).update(written)


def load_what_was_left_out() -> None:
    """Import it now, for a run with connections: before a check can change what is installed."""
    for name in FOR_CONNECTIONS:
        import_module(name)


def load_what_was_put_off() -> None:
    """Import it now, for a run with connections to other machines, for the same reason."""
    for name in PUT_OFF:
        late_modules.load(name)
