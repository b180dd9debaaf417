"""The meaning of a config: what can only be told by looking at several places of it at once.

Ids and references, cycles, variables, patterns and assertions as they are once variables are in,
and what a dependent may do while a requirement is pending.
"""

from collections.abc import Callable
from typing import Any

from vibeguard.core.config.drafts import (
    CheckDraft,
    ConfigDraft,
    PromptDraft,
    RequirementDraft,
    TriggerDraft,
)
from vibeguard.core.config.nodes import Text
from vibeguard.core.config.places import place_in
from vibeguard.core.config.reader import Reader
from vibeguard.core.lang.cycles import arrows, find_cycles
from vibeguard.core.lang.errors import LanguageError, quoted
from vibeguard.core.lang.interpolate import Interpolation, VariableCycle, resolve_variables
from vibeguard.core.model import keys
from vibeguard.core.model.config import (
    DEFAULT_TIMEOUT_NS,
    CheckConfig,
    CheckDefaults,
    Config,
    Prompt,
    Requirement,
    Trigger,
    Triggers,
)
from vibeguard.core.model.keys import keys_of
from vibeguard.core.names import GitEnvironment, WhilePending
from vibeguard.core.wording.suggest import did_you_mean

_MOST_CHARACTERS = 64 << 20  # of all texts after interpolation
_MOST_SUGGESTIONS = 20  # looking for near names is slow, and nobody reads more


class Meaning:
    """Turns a well-shaped draft into a config; problems are left in the reader's `values`."""

    def __init__(self, draft: ConfigDraft, reader: Reader) -> None:
        self._draft = draft
        self._reader = reader
        self._checks: dict[str, CheckDraft] = {}  # of equal ids the first, in the file's order
        self._prompts: dict[str, PromptDraft] = {}
        for check in draft.checks:
            self._checks.setdefault(check.id.value, check)
        for prompt in draft.prompts:
            self._prompts.setdefault(prompt.id.value, prompt)
        self._interpolation = Interpolation({})
        settings = draft.settings
        self._inherited = {
            field: getattr(settings, field) for field in CheckDefaults.__struct_fields__
        }
        self._completions = self._completed_fields()
        self._characters = 0
        self._suggestions = 0
        self._compiled: dict[tuple[str, str], LanguageError | None] = {}
        self._places: dict[tuple[int, int, int], tuple[int, int]] = {}

    def config(self) -> Config:
        """The config; worth nothing if the reader has a problem afterwards."""
        self._unique_ids()
        self._cycles()
        variables = self._variables()
        self._interpolation = Interpolation(variables)
        return Config(
            checks=tuple(map(self._check, self._draft.checks)),
            vars=variables,
            settings=self._draft.settings,
            prompts=tuple(
                Prompt(prompt.id.value, prompt.description, prompt.content, prompt.tags)
                for prompt in self._draft.prompts
            ),
        )

    def _completed_fields(self) -> "dict[str, Callable[[CheckDraft, Any], object]]":
        """What becomes of the fields that a check gives as nodes, by their kind."""
        by_kind: dict[type[keys.Kind], Callable[[CheckDraft, Any], object]] = {
            keys.Command: lambda _, text: self._put(text),
            keys.Template: lambda _, text: self._put(text),
            keys.Patterns: self._patterns,
            keys.Assertion: self._assertion,
            keys.Requirements: self._requirements,
            keys.Prompts: self._triggers,
        }
        of_checks = keys_of(CheckConfig).values()
        kinds = {of.field: type(of.key.kind) for of in of_checks}
        return {field: by_kind[kind] for field, kind in kinds.items() if kind in by_kind}

    def _problem(self, what: str, do: str, line: int, column: int) -> None:
        self._reader.values.append(self._reader.source.problem(what, do, line, column))

    def _unique_ids(self) -> None:
        """Checks and prompts. What an alias or merge key repeats is blamed where it is used."""
        for check in self._draft.checks:
            first = self._checks[check.id.value]
            if check is not first and check.id.value:
                place = _place_of_repetition(check, first)
                what = f"duplicate id {quoted(check.id.value)}, first in line {first.id.line}"
                self._problem(what, "give one of the two checks another id", *place)
        for prompt in self._draft.prompts:
            taken = self._prompts[prompt.id.value]
            if prompt is not taken and prompt.id.value:
                what = f"duplicate prompt {quoted(prompt.id.value)}, first in line {taken.id.line}"
                self._problem(what, "give it another id", prompt.id.line, prompt.id.column)

    def _cycles(self) -> None:
        graph = {
            id_: [entry.check.value for entry in check.requires if entry.check.value != id_]
            for id_, check in self._checks.items()
        }
        for cycle in find_cycles(graph):
            requires = self._checks[cycle[0]].requires
            blamed = next(entry.check for entry in requires if entry.check.value == cycle[1])
            what = f"dependency cycle: {arrows(cycle)}"
            self._problem(what, "remove one of the requirements", blamed.line, blamed.column)

    def _variables(self) -> dict[str, str]:
        texts = self._draft.vars
        written = {name: text.value for name, text in texts.items()}
        try:
            return resolve_variables(written)
        except VariableCycle as error:
            for cycle in error.cycles:
                node = texts[cycle[0]]
                what = f"cycle of variables: {arrows(cycle)}"
                self._problem(what, "write one of them out", node.line, node.column)
        except LanguageError as error:
            node = next(iter(texts.values()))
            self._problem(error.what, error.do, node.line, node.column)
        return {}

    def _check(self, draft: CheckDraft) -> CheckConfig:
        self._check_git_env(draft)
        self._check_pass_files(draft)
        values = {**self._inherited, **draft.values}
        for field, complete in self._completions.items():
            if field in draft.values:
                values[field] = complete(draft, values[field])
        command: Text = draft.values["run"]
        if command.value.strip() and not values["run"].strip():
            what = '"run" is empty once variables are in'
            self._problem(what, "set the variables", command.line, command.column)
        return CheckConfig(**values)

    def _patterns(self, _: CheckDraft, texts: list[Text]) -> tuple[str, ...]:
        return tuple(self._compile(text, "grok", _compile_grok) for text in texts)

    def _assertion(self, _: CheckDraft, text: Text) -> str:
        return self._compile(text, "assert", _parse_expression)

    def _put(self, text: Text) -> str:
        try:
            value = self._interpolation.put(text.value)
        except LanguageError as error:
            self._blame(text, error, error.offset)
            return text.value
        self._characters += len(value)
        if self._characters > _MOST_CHARACTERS and value != text.value:
            too_long = LanguageError(
                "variables make this config longer than 64 MiB", "use shorter variables"
            )
            self._blame(text, too_long, 0)
            return text.value
        return value

    def _blame(self, text: Text, error: LanguageError, offset: int) -> None:
        """Record an error at an offset of the text as written.

        Aliases repeat a text and its error; the place is looked for once.
        """
        key = (text.line, text.column, offset)
        if key not in self._places:
            self._places[key] = place_in(text, offset, self._reader.source)
        self._problem(error.what, error.do, *self._places[key])

    def _compile(self, text: Text, language: str, compiler: Callable[[str], None]) -> str:
        """The text with variables put in, checked as this language; equal ones only once."""
        value = self._put(text)
        if (language, value) not in self._compiled:
            self._compiled[language, value] = None
            try:
                compiler(value)
            except LanguageError as error:
                self._compiled[language, value] = error
        wrong = self._compiled[language, value]
        if wrong is not None:
            self._blame(text, wrong, self._interpolation.origin(text.value, wrong.offset))
        return value

    def _requirements(
        self, draft: CheckDraft, entries: list[RequirementDraft]
    ) -> tuple[Requirement, ...]:
        """Requirements, each check once; of two choices for one check neither can win."""
        requirements: dict[str, Requirement] = {}
        for entry in entries:
            name = entry.check.value
            known = requirements.get(name)
            if known is None:
                requirements[name] = Requirement(name, entry.while_pending)
                self._check_requirement(draft, entry)
            elif known.while_pending is not entry.while_pending:
                what = f"{quoted(name)} is required twice, with different while_pending"
                place = (entry.check.line, entry.check.column)
                self._problem(what, "keep one of the entries", *place)
        return tuple(requirements.values())

    def _check_git_env(self, draft: CheckDraft) -> None:
        """The check's own `keep`, not what it inherits: settings mean their foreground checks."""
        if draft.values.get("git_env") is not GitEnvironment.KEEP or not self._is_async(draft):
            return
        what = f"git_env: keep is for foreground checks; {draft.id.value} is async"
        do = 'give it "async: false", or remove git_env: git may take its index away meanwhile'
        self._problem(what, do, draft.id.line, draft.id.column)

    def _check_pass_files(self, draft: CheckDraft) -> None:
        """Only a shell whose words behind the script are known can be handed files."""
        shell = draft.values.get("shell", self._draft.settings.shell)
        if draft.values.get("pass_files") and shell not in ("sh", "bash"):
            what = f"pass_files needs sh or bash; {draft.id.value} has the shell {quoted(shell)}"
            do = "read the list that VIBEGUARD_FILES names, or use another shell"
            self._problem(what, do, draft.id.line, draft.id.column)

    def _check_requirement(self, draft: CheckDraft, entry: RequirementDraft) -> None:
        name = entry.check.value
        line, column = entry.check.line, entry.check.column
        required = self._checks.get(name)
        if name == draft.id.value:
            self._problem(f"the check requires itself: {name} -> {name}", "remove it", line, column)
        elif required is None:
            do = self._meant(name, self._checks) or "name a check of this config"
            self._problem(f"unknown check {quoted(name)} is required", do, line, column)
        elif entry.while_pending is not WhilePending.WAIT and not self._is_async(required):
            choice = entry.choice or entry.check
            what = f"while_pending: {entry.while_pending} is for async checks; {name} is not async"
            do = f'give {name} "async: true", or remove while_pending'
            self._problem(what, do, choice.line, choice.column)

    def _is_async(self, draft: CheckDraft) -> bool:
        mode = draft.values.get("mode", "auto")
        timeout_ns: int = draft.values.get("timeout_ns", DEFAULT_TIMEOUT_NS)
        return mode == "async" or (
            mode == "auto" and timeout_ns > self._draft.settings.async_after_ns
        )

    def _triggers(self, _: CheckDraft, on: dict[str, TriggerDraft]) -> Triggers:
        return Triggers(**{event: self._shown(entry) for event, entry in on.items()})

    def _shown(self, entry: TriggerDraft) -> tuple[Trigger, ...]:
        if entry.inline is not None:
            return (Trigger("inline", entry.inline.value),)
        shown = []
        for text in entry.prompts:
            prompt = self._prompts.get(text.value)
            if prompt is None:
                do = self._meant(text.value, self._prompts) or "add it to prompts"
                do += "; a text of your own is written without a list"
                self._problem(f"unknown prompt {quoted(text.value)}", do, text.line, text.column)
            else:
                shown.append(Trigger(prompt.id.value, prompt.content))
        return tuple(shown)

    def _meant(self, name: str, known: "dict[str, CheckDraft] | dict[str, PromptDraft]") -> str:
        self._suggestions += 1
        return did_you_mean(name, known) if self._suggestions <= _MOST_SUGGESTIONS else ""


def _place_of_repetition(check: CheckDraft, first: CheckDraft) -> tuple[int, int]:
    """Where the second of two equal ids stands: the id, or else what brought it in."""
    if (check.id.line, check.id.column) != (first.id.line, first.id.column):
        return check.id.line, check.id.column
    if check.node is not first.node:
        return check.node.line, check.node.column
    return check.use or (check.id.line, check.id.column)


def _compile_grok(pattern: str) -> None:
    from vibeguard.core.lang.grok import compile_grok  # noqa: PLC0415 - loads RE2

    compile_grok(pattern)


def _parse_expression(text: str) -> None:
    from vibeguard.core.lang.expression import parse_expression  # noqa: PLC0415 - only if used

    parse_expression(text)
