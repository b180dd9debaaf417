"""What every command line may ask for, as frozen values, and how a word of it is read.

The annotations are the flags: cyclopts reads names, help and converters from them. Nothing here
looks at the environment or at a config; a default of None means "not said on the command line".
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal, TypeVar

from vibeguard.commands.parameter import Options, Parameter, Word
from vibeguard.core.problems import UsageError

Value = TypeVar("Value")
MaxWait = int | Literal["foreground"]
RunName = Annotated[
    str, Parameter(help="A run: its id or how it begins, latest (the default), latest~1.")
]
RunNameOrPath = Annotated[
    str,
    Parameter(
        help="A run: its id or how it begins, latest (the default), latest~1, or its folder's path."
    ),
]
OneCheckName = Annotated[str, Parameter(help="The check, by id.")]
PromptName = Annotated[str, Parameter(help="The prompt to print, by id [default: a list].")]

_LONGEST_SHOWN = 40  # characters of a number that is refused


def split_commas(_: type, words: Sequence[Word]) -> tuple[str, ...]:
    """`--tags a,b --tags c` is a, b, c; an empty value adds nothing."""
    parts = (part.strip() for word in words for part in word.value.split(","))
    return tuple(part for part in parts if part)


def read_text(_: type, words: Sequence[Word]) -> str:
    """The value; `-vc=x` reaches us with its equals sign."""
    return words[0].value.removeprefix("=")


def read_count(_: type, words: Sequence[Word]) -> int:
    """A whole number, 0 or more; `-vp=2` reaches us with its equals sign. Raises ValueError."""
    word = words[0].value.removeprefix("=")
    shown = word if len(word) <= _LONGEST_SHOWN else f"{word[:_LONGEST_SHOWN]}..."
    if not (word.isascii() and word.removeprefix("+").isdecimal()):
        raise ValueError(f'"{shown}" is not a whole number, 0 or more')
    if len(word) > _LONGEST_SHOWN:
        raise ValueError(f'"{shown}" is too large a number')
    return int(word)


def read_duration(_: type, words: Sequence[Word]) -> int:
    """A Go duration in nanoseconds. Raises ValueError with a sentence for the user."""
    from vibeguard.core.lang.duration import parse_duration  # noqa: PLC0415 - rarely needed

    return _parsed(parse_duration, words[0])


def read_size(_: type, words: Sequence[Word]) -> int:
    """A size in bytes (`64MiB`). Raises ValueError with a sentence for the user."""
    from vibeguard.core.config.scalars import size_bytes  # noqa: PLC0415 - rarely needed

    return _parsed(size_bytes, words[0])


def read_link(_: type, words: Sequence[Word]) -> str:
    """A template of links, or the name of an editor. Raises ValueError with a sentence."""
    from vibeguard.core.lang.links import link_template  # noqa: PLC0415 - rarely needed

    return _parsed(link_template, words[0])


def _parsed(parse: Callable[[str], Value], word: Word) -> Value:
    """What `parse` makes of the word. Raises ValueError with a sentence for the user."""
    from vibeguard.core.lang.errors import LanguageError  # noqa: PLC0415 - rarely needed

    try:
        return parse(word.value)
    except LanguageError as error:
        raise ValueError(error.sentence) from error


def read_since(_: type, words: Sequence[Word]) -> int | str:
    """The number of an event, or the name of a run (`last`)."""
    word = words[0].value
    number = word.removeprefix("-")
    return int(word) if number.isascii() and number.isdecimal() and len(number) < 16 else word


def read_max_wait(type_: type, words: Sequence[Word]) -> MaxWait:
    """A Go duration in nanoseconds, or the word `foreground`."""
    return "foreground" if words[0].value == "foreground" else read_duration(type_, words)


Commas = Annotated[
    tuple[str, ...], Parameter(converter=split_commas, n_tokens=1, accepts_keys=False)
]
Duration = Annotated[int | None, Parameter(converter=read_duration, metavar="DUR")]
Count = Annotated[int | None, Parameter(converter=read_count, metavar="N")]
OutputFile = Annotated[
    str | None, Parameter(name=["--output", "-o"], metavar="FILE", help="Write to this file.")
]
OpenPage = Annotated[
    bool, Parameter(help="Write the HTML page and open it in a browser, or print its path.")
]


class GlobalOptions(Options, frozen=True, kw_only=True):
    """The flags that may stand before or after the verb of every command."""

    config: Annotated[
        str | None,
        Parameter(
            name=["--config", "-c"],
            converter=read_text,
            metavar="FILE",
            help="The config file [env: VIBEGUARD_CONFIG; default: vibeguard.yaml, looked for "
            "upwards to the repository's root].",
        ),
    ] = None
    verbose: Annotated[bool, Parameter(name=["--verbose", "-v"], help="Say more.")] = False
    json: Annotated[bool, Parameter(help="One JSON document on stdout, nothing else there.")] = (
        False
    )
    parallel: Annotated[
        Count,
        Parameter(
            name=["--parallel", "-p"],
            help="Foreground slots [env: VIBEGUARD_PARALLEL; default: as the config says, else "
            "the usable CPUs, at least 4].",
        ),
    ] = None
    fail_fast: Annotated[
        bool | None, Parameter(help="The first failure cancels everything else.")
    ] = None
    log_dir: Annotated[
        str | None,
        Parameter(
            metavar="DIR",
            help="Also write each check's output to DIR/<id>.log [env: VIBEGUARD_LOG_DIR].",
        ),
    ] = None
    error_exit_code: Annotated[
        Count, Parameter(help="The exit code of a failed run, 1 to 255; 0 means the default, 1.")
    ] = None
    tags: Annotated[
        Commas, Parameter(metavar="TAGS", help="Only checks with one of these tags (a,b).")
    ] = ()
    exclude_tags: Annotated[
        Commas, Parameter(metavar="TAGS", help="No checks with one of these tags (a,b).")
    ] = ()
    state_dir: Annotated[
        str | None, Parameter(metavar="DIR", help="The folder to use instead of .vibeguard.")
    ] = None


def page_or_document(common: GlobalOptions, form: str | None, *, page: bool) -> str:
    """The one format that `--format`, `--json` and `--open` (as html) ask for.

    Raises UsageError when they ask for different ones.
    """
    return one_format(form, "json" if common.json else None, "html" if page else None)


def one_format(*asked: str | None) -> str:
    """The one format that was asked for, else text. Raises UsageError where there are several."""
    formats = {form for form in asked if form is not None}
    if len(formats) > 1:
        both = " and ".join(sorted(formats))
        raise UsageError(f"two formats at once: {both}", "ask for one of them")
    return formats.pop() if formats else "text"
