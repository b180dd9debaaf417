"""The one way from the bytes of a `vibeguard.yaml` to a valid `Config`."""

from collections.abc import Callable

from vibeguard.core.config.document import read_document
from vibeguard.core.config.meaning import Meaning
from vibeguard.core.config.shape import read_shape
from vibeguard.core.config.source import read_source
from vibeguard.core.config.value_reader import Reader
from vibeguard.core.model.config import Config


def load_config(
    data: bytes, file: str, *, sh_lacks: Callable[[str], bool] = lambda _: False
) -> Config:
    """Read a config; raises `ConfigError` with the problems of the first stage that fails.

    The stages are syntax, and then shape and meaning together. `file` is what problems call the
    file. `sh_lacks` says which form of bash the sh of this machine does not know.
    """
    document = read_document(read_source(data, file))
    draft = read_shape(document, Reader(document))
    if draft is None:
        raise document.findings.error()
    config = Meaning(draft, document.findings, sh_lacks).config()
    if document.findings:
        raise document.findings.error()
    return config
