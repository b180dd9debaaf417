"""YAML of other programs, read as far as it can be."""

from collections.abc import Iterator


def read_yaml(text: str) -> object:
    """The document; None where it is not YAML."""
    import yaml  # noqa: PLC0415 - rare

    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def tables(document: object, key: str) -> Iterator[dict[object, object]]:
    """The mappings in the list (or mapping) that stands at a key."""
    found = document.get(key) if isinstance(document, dict) else None
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, list):
        yield from (each for each in found if isinstance(each, dict))
