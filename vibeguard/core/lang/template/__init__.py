"""Go's text/template, as far as suggestions and fixes need it (ADR 0022).

Text stands for itself. Between `{{` and `}}` stand values (`.name`, `$variable`, constants),
functions, pipelines, and the blocks if, else, with, range, break, continue and end; comments and
the trim markers `{{-` and `-}}` work. What Go would refuse to parse or to execute makes the whole
text appear as it is written. Values are data: nothing in them is ever read as a template.
"""

from collections.abc import Container, Mapping

from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.lang.template.execution import execute
from vibeguard.core.lang.template.parser import parse
from vibeguard.core.lang.template.shell import ShellText
from vibeguard.core.lang.template.values import Extracted, Scalar

__all__ = ["check_template", "render"]


def render(
    text: str,
    values: Mapping[str, str],
    vars: Mapping[str, str],  # noqa: A002  the word of the config
    *,
    shell_quote: bool = False,
) -> str:
    """Return the text with its actions carried out, or as it is written if it is no template.

    `values` are what grok extracted, `vars` the config's variables; these win. A name that has no
    value shows as `<no value>`. With `shell_quote` the text is a command line: whatever came from
    `values` is quoted for the place where it stands, so that a shell takes it for plain text.
    """
    if "{{" not in text:
        return text
    data: dict[str, Scalar] = {name: Extracted(value) for name, value in values.items()}
    data.update(vars)
    try:
        pieces = execute(parse(text, data), data)
        if shell_quote:
            return ShellText().join(pieces)
        return "".join(pieces)
    except LanguageError:
        return text


def check_template(text: str, names: Container[str]) -> LanguageError | None:
    """Return why the text will be shown as it is written, or None if it is a template.

    `names` are those that have values. What only fails with certain values is not seen here.
    """
    try:
        parse(text, names)
    except LanguageError as error:
        return error
    return None
