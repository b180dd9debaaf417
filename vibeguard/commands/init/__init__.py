"""`vibeguard init`."""

import os
from collections.abc import Sequence
from typing import Annotated

from msgspec import Struct

from vibeguard.commands.columns import columns
from vibeguard.commands.init.project_files import (
    DEFAULT_FILE,
    Written,
    refuse_to_hide_a_config,
    write_config,
)
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.parameter import Options, Parameter, Word
from vibeguard.commands.streams import write_answer, write_exact, write_news
from vibeguard.commands.templates import TEMPLATES, agent_section, config_template, guide
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.suggest import did_you_mean

# The files that tell what kind of project this is; the first that exists decides.
SIGNS: tuple[tuple[str, str], ...] = (
    ("bun.lock", "bun-typescript"),
    ("bun.lockb", "bun-typescript"),
    ("tsconfig.json", "node-typescript"),
    ("package.json", "node-javascript"),
    ("go.mod", "go-standard"),
    ("Cargo.toml", "rust-cargo"),
    ("uv.lock", "python-uv"),
    ("poetry.lock", "python-poetry"),
    ("pyproject.toml", "python-pip"),
    ("setup.py", "python-pip"),
    ("requirements.txt", "python-pip"),
)


def read_output(_: type, words: Sequence[Word]) -> str:
    """A file name; `-` is stdout, and another dash is a flag that has lost its way."""
    word = words[0].value
    if word.startswith("-") and word != "-":
        raise ValueError(f'"{word}" is no file name (./{word} is)')
    return word


class InitOptions(Options, frozen=True, kw_only=True):
    """`init`: which template, and where to."""

    force: Annotated[bool, Parameter(name=["--force", "-f"], help="Overwrite what is there.")] = (
        False
    )
    template: Annotated[
        str | None,
        Parameter(
            name=["--template", "-t"],
            help="A template; list names them [default: what the files here say, else by them].",
        ),
    ] = None
    list_templates: Annotated[bool, Parameter(help="Name the templates, and write nothing.")] = (
        False
    )
    assist: Annotated[
        bool,
        Parameter(help="Print a guide with which a coding agent writes the config."),
    ] = False
    try_: Annotated[
        bool,
        Parameter(
            name="--try",
            help="Run each proposed check once, and write down what came of it.",
        ),
    ] = False
    gitignore: Annotated[
        bool,
        Parameter(help="With --try: add what checks leave behind to .gitignore."),
    ] = False
    agent: Annotated[
        bool,
        Parameter(
            help="Tell coding agents how to use this: a section of AGENTS.md, or a skill "
            "(-o .claude/skills/vibeguard/SKILL.md); what is there stays.",
        ),
    ] = False
    output: Annotated[
        str | None,
        Parameter(
            name=["--output", "-o"],
            allow_leading_hyphen=True,
            converter=read_output,
            help="The file to write; - is stdout [default: vibeguard.yaml].",
        ),
    ] = None


class TemplateEntry(Struct, frozen=True):
    """One line of `--list-templates`."""

    name: str
    description: str


class TemplateList(Struct, frozen=True):
    """`init --list-templates --json`."""

    templates: tuple[TemplateEntry, ...]


def init(*, common: GlobalOptions, options: InitOptions) -> int:
    """Write a config to start from, list the templates, or print a guide for a coding agent."""
    if options.list_templates or options.template == "list":
        return _list_templates(common)
    if options.agent:
        return _tell_agents(options.output, common)
    _refuse_flags_without_effect(options)
    path = options.output or ("-" if options.assist else DEFAULT_FILE)
    if path != "-" and options.output is None and not options.force:
        refuse_to_hide_a_config()
    if not options.assist and options.template is None:
        from vibeguard.commands.init import proposal  # noqa: PLC0415 - a template needs none of it

        composed = proposal.proposed_checks(os.curdir)
        if composed.checks:
            return proposal.write_proposed(composed, path, options=options, common=common)
        if options.try_:
            raise UsageError("the files here tell of no check to try", "leave out --try")
    return _write_template(path, options, common)


def _refuse_flags_without_effect(options: InitOptions) -> None:
    """Raise UsageError for a flag that the others leave nothing to do."""
    if options.gitignore and not options.try_:
        raise UsageError("--gitignore needs --try", "only a trial shows what checks leave behind")
    if options.try_ and (options.template or options.assist or options.output == "-"):
        raise UsageError(
            "--try runs what the files here propose, from the config that it writes",
            "leave out --template and --assist, and name a file with -o",
        )


def _write_template(path: str, options: InitOptions, common: GlobalOptions) -> int:
    """Write a template, or the guide for coding agents."""
    source = "assist" if options.assist else options.template or guess_template()
    text = guide() if options.assist else config_template(_known(source))
    if path == "-":
        write_exact(text)
        return 0
    write_config(path, text, force=options.force)
    step = "see `vibeguard validate`, `vibeguard run`"
    if source == "generic" and not options.template:
        step = "the files here tell of no check: put your own commands in the place of `make`"
    said = f"vibeguard: wrote {sanitise(path)} from {source}: {step}\n"
    write_news(Written(path=path, template=source), said, as_json=common.json)
    return 0


def _tell_agents(output: str | None, common: GlobalOptions) -> int:
    """Put the section about VibeGuard where coding agents read it."""
    from vibeguard.commands.init import agent_file  # noqa: PLC0415 - rare

    path = output or agent_file.DEFAULT_FILE
    if path == "-":
        write_exact(agent_section())
        return 0
    changed = agent_file.write_agent_file(path)
    what = "wrote the section about VibeGuard into" if changed else "nothing to change in"
    said = f"vibeguard: {what} {sanitise(path)}\n"
    write_news(Written(path=path, template="agent"), said, as_json=common.json)
    return 0


def guess_template() -> str:
    """The template that fits the files of the working folder."""
    return next((template for sign, template in SIGNS if os.path.exists(sign)), "generic")


def _list_templates(common: GlobalOptions) -> int:
    """Names and one line each, on stdout."""
    entries = tuple(TemplateEntry(name, text) for name, text in TEMPLATES.items())
    rows = columns([[each.name, each.description] for each in entries])
    write_answer(TemplateList(entries), rows, as_json=common.json)
    return 0


def _known(name: str) -> str:
    """The name of a template. Raises UsageError with a suggestion."""
    if name in TEMPLATES:
        return name
    meant = did_you_mean(name, TEMPLATES)
    do = f"{meant} there are {', '.join(TEMPLATES)}".strip()
    raise UsageError(f'there is no template "{name}"', do)
