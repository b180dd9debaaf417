"""The meaning of a config: what can only be told by looking at several places of it at once.

Ids and references, cycles, variables, patterns and assertions as they are once variables are in,
and what a dependent may do while a requirement is pending.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from vibeguard.core.config.clashes import clashes
from vibeguard.core.config.drafts import CheckDraft, ConfigDraft, RequirementDraft, TriggerDraft
from vibeguard.core.config.filling import Filling
from vibeguard.core.config.mistakes import Findings
from vibeguard.core.config.nodes import Text
from vibeguard.core.config.scalars import without_nul
from vibeguard.core.lang.bashisms import bashisms
from vibeguard.core.lang.cycles import arrows, find_cycles
from vibeguard.core.lang.errors import LanguageError, quoted
from vibeguard.core.lang.interpolate import VariableCycle, resolve_variables
from vibeguard.core.model import keys
from vibeguard.core.model.config import DEFAULT_TIMEOUT_NS, CheckConfig, Config
from vibeguard.core.model.config_parts import Prompt, Requirement, Trigger, Triggers
from vibeguard.core.model.keys import keys_of
from vibeguard.core.model.settings import CheckDefaults
from vibeguard.core.names import WhilePending
from vibeguard.core.wording.suggest import did_you_mean

_MOST_SCRIPTS = 300_000  # characters that are looked through for what sh does not know


class Meaning:
    """Turns a draft into a config, and finds what is wrong with what the draft has.

    A name that something refused may define is no unknown name.
    """

    def __init__(
        self,
        draft: ConfigDraft,
        findings: Findings,
        sh_lacks: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._draft = draft
        self._sh_lacks = sh_lacks
        self._findings = findings
        self._checks: dict[str, CheckDraft] = {}  # of equal ids the first, in the file's order
        self._prompts: dict[str, tuple[Text, Prompt]] = {}
        for check in draft.checks:
            self._checks.setdefault(check.id.value, check)
        for id_, prompt in draft.prompts:
            self._prompts.setdefault(id_.value, (id_, prompt))
        settings = draft.settings
        self._inherited = {
            field: getattr(settings, field) for field in CheckDefaults.__struct_fields__
        }
        self._texts = Filling({}, findings)
        self._completions = self._completed_fields()
        self._scripts = 0

    def config(self) -> Config:
        """The config; worth nothing if there are findings afterwards."""
        self._unique_ids()
        self._cycles()
        variables = self._variables()
        self._texts = Filling(variables, self._findings)
        return Config(
            checks=tuple(map(self._check, self._draft.checks)),
            vars=variables,
            settings=self._draft.settings,
            prompts=tuple(prompt for _, prompt in self._draft.prompts),
        )

    def _completed_fields(self) -> "dict[str, Callable[[CheckDraft, Any], object]]":
        """What becomes of the fields that a check gives as nodes, by their kind."""
        by_kind: dict[type[keys.Kind], Callable[[CheckDraft, Any], object]] = {
            keys.Command: self._command,
            keys.Template: lambda _, text: self._texts.put(text),
            keys.Patterns: lambda _, texts: tuple(map(self._texts.pattern, texts)),
            keys.Assertion: lambda _, text: self._texts.assertion(text),
            keys.Requirements: self._requirements,
            keys.Prompts: self._triggers,
        }
        of_checks = keys_of(CheckConfig).values()
        kinds = {of.field: type(of.key.kind) for of in of_checks}
        return {field: by_kind[kind] for field, kind in kinds.items() if kind in by_kind}

    def _problem(self, what: str, do: str, line: int, column: int) -> None:
        self._findings.add(what, do, line, column)

    def _unique_ids(self) -> None:
        """Checks and prompts. What an alias or merge key repeats is blamed where it is used."""
        for check in self._draft.checks:
            first = self._checks[check.id.value]
            if check is not first and check.id.value:
                place = _place_of_repetition(check, first)
                what = f"duplicate id {quoted(check.id.value)}, first in line {first.id.line}"
                self._problem(what, "give one of the two checks another id", *place)
        for id_, prompt in self._draft.prompts:
            taken, named = self._prompts[id_.value]
            if prompt is not named and id_.value:
                what = f"duplicate prompt {quoted(id_.value)}, first in line {taken.line}"
                self._problem(what, "give it another id", id_.line, id_.column)

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
        for name, text in texts.items():
            self._findings.refuse(Text(name, text.line, text.column))
        return {}

    def _check(self, draft: CheckDraft) -> CheckConfig:
        values = {**self._inherited, **draft.values}
        for field, value in draft.values.items():
            complete = self._completions.get(field)
            if complete is not None:
                values[field] = complete(draft, value)
        command: Text = draft.values["run"]
        if command.value.strip() and not values["run"].strip():
            what = '"run" is empty once variables are in'
            self._problem(what, "set the variables", command.line, command.column)
        check = CheckConfig(**values)
        for place, what, do in clashes(draft, check, self._draft.settings, self._is_async(draft)):
            self._problem(what, do, place.line, place.column)
        return check

    def _command(self, draft: CheckDraft, text: Text) -> str:
        """The command; what sh would pass over although it does not know it is a mistake.

        With `where` it is the sh of some worker, and nobody knows which.
        """
        script = self._texts.put(text)
        try:
            without_nul("what the system is given", script)
        except LanguageError as nul:
            self._texts.blame(text, nul)
        self._scripts += len(script)
        shell = draft.values.get("shell", self._draft.settings.shell)
        if shell == "sh" and self._scripts < _MOST_SCRIPTS:
            elsewhere = draft.values.get("where") is not None
            whose = "sh of a worker may" if elsewhere else "sh of this machine does"
            for found in bashisms(script):
                if elsewhere or self._sh_lacks(found.name):
                    what = f"the {whose} not know {found.name} and would go on"
                    error = LanguageError(what, "add shell: bash", offset=found.offset)
                    self._texts.blame(text, error)
                    break
        return script

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

    def _check_requirement(self, draft: CheckDraft, entry: RequirementDraft) -> None:
        """Tell what is wrong: itself, an unknown check, or one that is never pending."""
        name = entry.check.value
        line, column = entry.check.line, entry.check.column
        required = self._checks.get(name)
        if name == draft.id.value:
            self._problem(f"the check requires itself: {name} -> {name}", "remove it", line, column)
        elif required is None:
            if not self._findings.may_define(name):
                what, do = (
                    f"unknown check {quoted(name)} is required",
                    "name a check of this config",
                )
                meant = partial(did_you_mean, name, self._checks)
                self._findings.add(what, do, line, column, meant)
        elif (
            entry.while_pending is not WhilePending.WAIT
            and required.is_sound
            and not self._is_async(required)
        ):
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
            found = self._prompts.get(text.value)
            if found is None:
                self._unknown_prompt(text)
            else:
                _, prompt = found
                shown.append(Trigger(prompt.id, prompt.content))
                self._texts.spend(prompt.content, text)
        return tuple(shown)

    def _unknown_prompt(self, text: Text) -> None:
        if self._findings.may_define(text.value):
            return
        own = "; a text of your own is written without a list"

        def meant() -> str:
            found = did_you_mean(text.value, self._prompts)
            return found and found + own

        what = f"unknown prompt {quoted(text.value)}"
        self._findings.add(what, "add it to prompts" + own, text.line, text.column, meant)


def _place_of_repetition(check: CheckDraft, first: CheckDraft) -> tuple[int, int]:
    """Where the second of two equal ids stands: the id, or else what brought it in."""
    if (check.id.line, check.id.column) != (first.id.line, first.id.column):
        return check.id.line, check.id.column
    if check.node is not first.node:
        return check.node.line, check.node.column
    return check.use or (check.id.line, check.id.column)
