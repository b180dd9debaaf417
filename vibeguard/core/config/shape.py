"""The shape of a config: which keys there are and what kind of value each takes.

Owns everything that can be told from one place alone. What needs a look elsewhere (an id that
nobody has, a cycle, variables) is `meaning`'s.
"""

from vibeguard.core.config.document import Document
from vibeguard.core.config.drafts import CheckDraft, ConfigDraft
from vibeguard.core.config.kinds import read_keys
from vibeguard.core.config.nodes import Mapping, Text, is_absent, is_broken
from vibeguard.core.config.value_reader import Reader, kind, place_of
from vibeguard.core.lang.errors import LanguageError, quoted
from vibeguard.core.model.config import CheckConfig, Config
from vibeguard.core.model.config_parts import Prompt
from vibeguard.core.model.keys import keys_of
from vibeguard.core.model.settings import Settings


def read_shape(document: Document, reader: Reader) -> ConfigDraft | None:
    """The draft of a config; problems are left in the reader. None if there is nothing to read."""
    root = document.root
    if is_broken(root):
        return None
    if root is None or is_absent(root):
        reader.findings.add("the config is empty", _HOW_CHECKS, 1, 1)
        return None
    if type(root) is not Mapping:
        what = f'a config is a mapping with the key "checks", not {kind(root)}'
        reader.misshapen(what, _HOW_CHECKS, root)
        return None
    reader.only_keys(root, keys_of(Config), "a config")
    reader.convert(root, "version", _version, "1")
    return ConfigDraft(
        vars=_variables(root, reader),
        settings=_settings(root, reader),
        prompts=_prompts(root, reader),
        checks=_checks(root, reader),
    )


_HOW_CHECKS = 'begin with "checks:" and a list of checks, each with "id" and "run"'


def _version(text: str) -> str:
    if text == "1":
        return text
    raise LanguageError(f"unknown version {quoted(text)}", 'write version: "1"')


def _variables(root: Mapping, reader: Reader) -> dict[str, Text]:
    """`vars`; a null one is the empty text."""
    variables: dict[str, Text] = {}
    mapping = reader.mapping(root, "vars")
    for name, node in mapping.values.items() if mapping else ():
        if type(node) is not Text:
            what = f"the variable {quoted(name)} takes a text, not {kind(node)}"
            reader.misshapen(what, "write one text; put it in quotes if need be", node)
            reader.findings.refuse(Text(name, node.line, node.column))
        elif is_absent(node):
            variables[name] = Text("", node.line, node.column)
        else:
            variables[name] = node
    return variables


def _settings(root: Mapping, reader: Reader) -> Settings:
    node = reader.mapping(root, "settings")
    return Settings(**read_keys(reader, node, Settings, '"settings"')) if node else Settings()


def _prompts(root: Mapping, reader: Reader) -> list[tuple[Text, Prompt]]:
    prompts = []
    for node, _ in reader.items(root, "prompts"):
        if type(node) is not Mapping:
            reader.misshapen(
                f'a prompt is a mapping with "id", not {kind(node)}', "write one", node
            )
            continue
        id_ = reader.required(node, "id", "this prompt")
        values = read_keys(reader, node, Prompt, "a prompt")
        prompts.append((id_, Prompt(**{**values, "id": id_.value})))
    return prompts


def _checks(root: Mapping, reader: Reader) -> list[CheckDraft]:
    before = len(reader.findings)
    checks = []
    for node, use in reader.items(root, "checks"):
        if type(node) is Mapping:
            checks.append(_check(node, use, reader))
        else:
            what = f'a check is a mapping with "id" and "run", not {kind(node)}'
            reader.misshapen(what, 'write "- id: ..." and below it "run: ..."', node)
    if not checks and len(reader.findings) == before and not is_broken(root.values.get("checks")):
        what = "there are no checks"
        reader.misshapen(what, _HOW_CHECKS, place_of(root, "checks"))
    return checks


def _check(node: Mapping, use: tuple[int, int] | None, reader: Reader) -> CheckDraft:
    before = len(reader.findings)
    id_ = reader.required(node, "id", "this check")
    owner = f"check {quoted(id_.value)}" if id_.value else "this check"
    run = reader.required(node, "run", owner)
    values = read_keys(reader, node, CheckConfig, "a check")
    is_sound = len(reader.findings) == before
    return CheckDraft(node, use, id_, {**values, "id": id_.value, "run": run}, is_sound)
