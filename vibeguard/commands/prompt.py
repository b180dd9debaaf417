"""`vibeguard prompt`."""

import sys
from collections.abc import Sequence

from vibeguard.commands.columns import columns
from vibeguard.commands.loading import has_config, load
from vibeguard.commands.options import GlobalOptions, PromptName
from vibeguard.commands.streams import write_document, write_out
from vibeguard.commands.templates import guide
from vibeguard.core.model.config_parts import Prompt
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.layout import first_line
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.suggest import did_you_mean

BUILT_IN = "init"


class ListedPrompt(Prompt, frozen=True, omit_defaults=False):
    """One prompt as `prompt --json` tells it. `built_in` ones come with VibeGuard."""

    built_in: bool = False


def prompt(prompt_id: PromptName = "", /, *, common: GlobalOptions) -> int:
    """List the prompts (with -v their content), or print one, ready to pipe.

    The built-in prompt `init` is there without a config; a prompt of that name in a config wins.
    """
    prompts = _available(common)
    if prompt_id:
        _print_one(_named(prompt_id, prompts), common)
        return 0
    listed = tuple(each for each in prompts if _has_tags(each, common))
    if common.json:
        write_document(listed)  # an array: so scripts for the original read it
    elif common.verbose:
        write_out("\n".join(map(_in_full, listed)))
    else:
        write_out("".join(f"{line}\n" for line in columns([_row(each) for each in listed])))
    return 0


def _available(common: GlobalOptions) -> list[ListedPrompt]:
    """The config's prompts in its order, then the built-in one unless its name is taken."""
    prompts: list[ListedPrompt] = []
    if has_config(common):
        prompts = [
            ListedPrompt(each.id, each.description, each.content, each.tags)
            for each in load(common).config.prompts
        ]
    if all(each.id != BUILT_IN for each in prompts):
        description = "A guide for a coding agent that is to write the config (built in)"
        prompts.append(ListedPrompt(BUILT_IN, description, guide(), built_in=True))
    return prompts


def _named(id_: str, prompts: Sequence[ListedPrompt]) -> ListedPrompt:
    """The prompt of that id. Raises UsageError with a suggestion."""
    for each in prompts:
        if each.id == id_:
            return each
    ids = [each.id for each in prompts]
    meant = did_you_mean(id_, ids)
    raise UsageError(f'there is no prompt "{id_}"', f"{meant} there are {', '.join(ids)}".strip())


def _print_one(each: ListedPrompt, common: GlobalOptions) -> None:
    """The raw content to a pipe; to a terminal nothing that it would act on."""
    if common.json:
        write_document(each)
    elif sys.stdout is not None and sys.stdout.isatty():
        write_out(sanitise(each.content, multiline=True).rstrip("\n") + "\n")
    else:
        write_out(each.content)


def _in_full(each: ListedPrompt) -> str:
    """Id, description, tags, and the content, indented."""
    tags = f" [{', '.join(each.tags)}]" if each.tags else ""
    content = sanitise(each.content, multiline=True).rstrip("\n")
    body = "".join(f"    {line}\n" if line else "\n" for line in content.split("\n"))
    return f"{sanitise(each.id)}: {sanitise(first_line(each.description))}{tags}\n{body}"


def _row(each: ListedPrompt) -> list[str]:
    tags = f"[{', '.join(each.tags)}]" if each.tags else ""
    return [each.id, first_line(each.description), tags]


def _has_tags(each: ListedPrompt, common: GlobalOptions) -> bool:
    """Whether `--tags` and `--exclude-tags` leave it in."""
    wanted = not common.tags or bool(set(common.tags) & set(each.tags))
    return wanted and not set(common.exclude_tags) & set(each.tags)
