"""The commands as cyclopts reads them: our parameters made its own (docs/adr/0170).

cyclopts imports a command by a dotted name when its words name it; here every command has one. Only
`commands/application.py` names this module: what it imports takes long.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import make_dataclass
from functools import wraps
from typing import Annotated, Any

import cyclopts
from msgspec.structs import fields

from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.parameter import Options, split
from vibeguard.commands.table import function_of


def __getattr__(verb: str) -> Callable[..., int]:
    """`vibeguard.commands.translated:VERB`, the function of a command. Raises AttributeError."""
    if verb.startswith("__"):
        raise AttributeError(verb)
    return translated(function_of(verb))


def translated(function: Callable[..., int]) -> Callable[..., int]:
    """A command whose signature cyclopts can read; `__wrapped__` is the command itself."""

    @wraps(function)
    def command(*arguments: object, **keywords: object) -> int:
        return function(*arguments, **keywords)

    signature = inspect.signature(function)
    parameters = [_readable(parameter) for parameter in signature.parameters.values()]
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    return command


def _readable(parameter: inspect.Parameter) -> inspect.Parameter:
    kind = parameter.annotation
    if not (isinstance(kind, type) and issubclass(kind, Options)):
        return parameter.replace(annotation=_annotation(kind))
    # The global flags are read by the meta app: to a command they are an argument, not flags.
    shape = cyclopts.Parameter(parse=False) if kind is GlobalOptions else cyclopts.Parameter("*")
    twin = twin_of(kind)
    default = parameter.default if parameter.default is parameter.empty else twin()
    return parameter.replace(annotation=Annotated[twin, shape], default=default)


def twin_of(kind: type[Options]) -> type:
    """A dataclass with the flags of these options: cyclopts fills no structs of msgspec."""
    annotations = kind.annotations()
    return make_dataclass(
        kind.__name__,
        [(one.name, _annotation(annotations[one.name]), one.default) for one in fields(kind)],
        frozen=True,
        kw_only=True,
        namespace={"made_of": kind, "__module__": kind.__module__, "__doc__": kind.__doc__},
    )


def options_of(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments with every twin made the options that a command takes."""
    return {name: original(value) for name, value in arguments.items()}


def original(value: Any) -> Any:
    """The options that a twin stands for; anything else as it is."""
    kind = getattr(value, "made_of", None)
    if kind is None:
        return value
    return kind(**{name: getattr(value, name) for name in kind.__struct_fields__})


def _annotation(annotation: Any) -> Any:
    kind, said = split(annotation)
    return Annotated[kind, cyclopts.Parameter(**said)] if said else kind
