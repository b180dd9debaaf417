"""The formats by name. To add one: a file in this package, and a line in the table."""

from importlib import import_module
from typing import cast

from vibeguard.core.formats.base import Format, FormatOptions
from vibeguard.core.problems import UsageError

FORMATS = {
    "text": "vibeguard.core.formats.text:TextFormat",
    "agent": "vibeguard.core.formats.agent:AgentFormat",
    "json": "vibeguard.core.formats.json:JsonFormat",
    "jsonl": "vibeguard.core.formats.jsonl:JsonLinesFormat",
    "junit": "vibeguard.core.formats.junit:JUnitFormat",
    "github": "vibeguard.core.formats.github:GitHubFormat",
    "markdown": "vibeguard.core.formats.markdown:MarkdownFormat",
    "html": "vibeguard.core.formats.html:HtmlFormat",
    "trace": "vibeguard.core.formats.trace:TraceFormat",
    "sarif": "vibeguard.core.formats.sarif:SarifFormat",
    "ctrf": "vibeguard.core.formats.ctrf:CtrfFormat",
    "gitlab": "vibeguard.core.formats.gitlab:GitLabFormat",
    "otlp": "vibeguard.core.formats.otlp:OtlpFormat",
    "live": "vibeguard.core.formats.live:LiveFormat",
    "watch": "vibeguard.core.formats.watch:WatchFormat",
}

# A command chooses these by itself: nobody asks for them by name.
DRAWN = ("live", "watch")
# These show no run of which they cannot state what they are for: `finish` raises UsageError.
STATEMENTS = {"in-toto": "vibeguard.core.formats.in_toto:InTotoFormat"}

# What `report --format` takes, in the order in which its help names them.
REPORT_FORMATS = tuple(name for name in (*FORMATS, *STATEMENTS) if name not in DRAWN)


def make_format(name: str, options: FormatOptions) -> Format:
    """Import and make the format of that name. Raises UsageError when there is none.

    Call it before the first check starts: a check may change what is installed.
    """
    known = {**FORMATS, **STATEMENTS}
    if name not in known:
        raise UsageError(f"there is no format {name}", f"use one of {', '.join(known)}")
    module, _, class_name = known[name].partition(":")
    return cast(Format, getattr(import_module(module), class_name)(options))
