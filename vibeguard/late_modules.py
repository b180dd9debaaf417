"""Puts off the import of modules that others bind while they are imported, and seldom use."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class LateModule(ModuleType):
    """Stands in for a module until something of it is asked for; then it has all of its names."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import system looks at what it finds
            raise AttributeError(name)
        self.load()
        return vars(self)[name]

    def load(self) -> None:
        """Import the module itself; whoever holds the stand-in has its names, too."""
        name = self.__name__
        del sys.modules[name]
        vars(self).update(vars(import_module(name)))


def put_off(name: str) -> None:
    """Whoever imports the module from now on imports it when something of it is asked for."""
    sys.modules.setdefault(name, LateModule(name))


def load(name: str) -> None:
    """Import a module that may have been put off."""
    module = import_module(name)
    if isinstance(module, LateModule):
        module.load()
