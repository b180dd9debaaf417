"""The one way from the bytes of a `vibeguard.yaml` to a valid `Config`."""

from vibeguard.core.config.document import read_document
from vibeguard.core.config.meaning import Meaning
from vibeguard.core.config.reader import Reader
from vibeguard.core.config.shape import read_shape
from vibeguard.core.config.source import read_source
from vibeguard.core.model.config import Config
from vibeguard.core.problems import ConfigError, Problem


def load_config(data: bytes, file: str) -> Config:
    """Read a config; raises `ConfigError` with every problem of the first stage that fails.

    The stages are syntax, shape and meaning. A wrong single value (a duration without a unit) is
    reported with the shape or, if that is right, with the meaning: it needs neither. `file` is
    what problems call the file.
    """
    source = read_source(data, file)
    document = read_document(source)
    reader = Reader(source)
    reader.structure += document.problems
    draft = read_shape(document, reader)
    if draft is None or reader.structure:
        raise ConfigError(in_order(reader.structure + reader.values))
    config = Meaning(draft, reader).config()
    if reader.values:
        raise ConfigError(in_order(reader.values))
    return config


def in_order(problems: list[Problem]) -> list[Problem]:
    """By place, and each once: what aliases repeat is one mistake."""
    unique = {(p.line, p.column, p.what): p for p in problems}
    return [unique[key] for key in sorted(unique)]
