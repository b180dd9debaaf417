"""The commands as cyclopts reads them: our parameters made its own (docs/adr/0170).

cyclopts imports a command by a dotted name when its words name it; here every command has one. Only
`commands/application.py` names this module: what it imports takes long.
"""

import inspect
from collections.abc import Callable
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
    twin = twin_of(kind)
    if kind is GlobalOptions:
        # They are read by the meta app: to a command they are an argument, not flags.
        return parameter.replace(annotation=Annotated[twin, cyclopts.Parameter(parse=False)])
    # cyclopts wants an instance where every flag is optional.
    return parameter.replace(annotation=Annotated[twin, cyclopts.Parameter("*")], default=twin())


def twin_of(kind: type[Options]) -> type:
    """A dataclass with the flags of these options: cyclopts fills no structs of msgspec.

    It is of this module, which has no source of it: cyclopts would look through that for docstrings
    of the fields, a third of the time of a completion script, and what flags say stands in them.
    """
    annotations = kind.annotations()
    return make_dataclass(
        kind.__name__,
        [(one.name, _annotation(annotations[one.name]), one.default) for one in fields(kind)],
        frozen=True,
        kw_only=True,
        namespace={"made_of": kind, "__module__": __name__, "__doc__": kind.__doc__},
    )


def keywords_of(bound: inspect.BoundArguments) -> dict[str, Any]:
    """The keyword arguments, given or not; every twin is the options that a command takes."""
    every = bound.signature.parameters.values()
    own = (p for p in every if p.kind is p.KEYWORD_ONLY and p.default is not p.empty)
    defaults = {p.name: p.default for p in own}
    return {name: original(value) for name, value in (defaults | bound.kwargs).items()}


def original(value: Any) -> Any:
    """The options that a twin stands for; anything else as it is."""
    kind = getattr(value, "made_of", None)
    if kind is None:
        return value
    return kind(**{name: getattr(value, name) for name in kind.__struct_fields__})


def _annotation(annotation: Any) -> Any:
    kind, said = split(annotation)
    return Annotated[kind, cyclopts.Parameter(**said)] if said else kind
