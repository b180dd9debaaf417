"""`vibeguard schema`."""

from typing import Annotated, Literal

from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.parameter import Parameter
from vibeguard.commands.streams import write_exact

Name = Literal["config", "report", "event"]


def schema(
    name: Annotated[
        Name, Parameter(help="Of the config, of the document of --json, or of a line of the log.")
    ] = "config",
    /,
    *,
    common: GlobalOptions,  # noqa: ARG001 - the global flags are accepted everywhere
) -> int:
    """Print a JSON Schema: config (for editors), report (`--json`) or event (`--format jsonl`)."""
    write_exact(published_schema(name))
    return 0


def published_schema(name: Name) -> str:
    """The text of a schema as it was published with this version."""
    from importlib.resources import files  # noqa: PLC0415 - only this needs it

    package = files("vibeguard")
    # A wheel has them inside the package; in a clone they stand beside it.
    folder = package / "schemas"
    if not folder.is_dir():
        folder = package / ".." / "schemas"
    return (folder / f"{name}.schema.json").read_text(encoding="utf-8")
