"""SARIF 2.1, as linters and security scanners write it."""

from urllib.parse import unquote

from msgspec import Struct, field

from vibeguard.core.model.results import Result
from vibeguard.core.names import Level
from vibeguard.core.results.base import UnreadableReport
from vibeguard.core.results.building import diagnostic
from vibeguard.core.results.document_reports import DocumentReader

_LEVELS = {"error": Level.ERROR, "warning": Level.WARNING, "note": Level.INFO, "none": Level.INFO}


class _Message(Struct):
    text: str | None = None
    markdown: str | None = None


class _Artifact(Struct):
    uri: str | None = None
    base: str | None = field(name="uriBaseId", default=None)
    index: int = -1


class _Region(Struct):
    line: int | None = field(name="startLine", default=None)
    column: int | None = field(name="startColumn", default=None)


class _Physical(Struct):
    artifact: _Artifact = field(name="artifactLocation", default_factory=_Artifact)
    region: _Region | None = None


class _Location(Struct):
    physical: _Physical | None = field(name="physicalLocation", default=None)


class _Configuration(Struct):
    level: str | None = None


class _Rule(Struct):
    id: str | None = None
    configuration: _Configuration | None = field(name="defaultConfiguration", default=None)


class _ComponentReference(Struct):
    index: int = -1


class _RuleReference(Struct):
    id: str | None = None
    index: int = -1
    component: _ComponentReference | None = field(name="toolComponent", default=None)


class _Suppression(Struct):
    status: str | None = None


class _Result(Struct):
    message: _Message = field(default_factory=_Message)
    rule_id: str | None = field(name="ruleId", default=None)
    rule_index: int = field(name="ruleIndex", default=-1)
    rule: _RuleReference | None = None
    level: str | None = None
    kind: str | None = None
    baseline: str | None = field(name="baselineState", default=None)
    locations: list[_Location] | None = None
    suppressions: list[_Suppression] | None = None


class _Component(Struct):
    name: str = ""
    rules: list[_Rule] | None = None


class _Tool(Struct):
    driver: _Component = field(default_factory=_Component)
    extensions: list[_Component] | None = None


class _ArtifactEntry(Struct):
    location: _Artifact | None = None


class _Notification(Struct):
    """What the tool says of its own run; an error is that it may not be whole."""

    message: _Message = field(default_factory=_Message)
    level: str | None = None


class _Invocation(Struct):
    successful: bool | None = field(name="executionSuccessful", default=None)
    of_run: list[_Notification] | None = field(name="toolExecutionNotifications", default=None)
    of_setup: list[_Notification] | None = field(
        name="toolConfigurationNotifications", default=None
    )


class _Run(Struct):
    tool: _Tool = field(default_factory=_Tool)
    results: list[_Result] | None = None
    invocations: list[_Invocation] | None = None
    artifacts: list[_ArtifactEntry] | None = None
    bases: dict[str, _Artifact] | None = field(name="originalUriBaseIds", default=None)


class _Log(Struct):
    runs: list[_Run]
    version: str = ""


class SarifReader(DocumentReader[_Log]):
    """Every result of every run that is neither suppressed nor gone nor a pass."""

    kind = _Log

    def read(self, document: _Log) -> None:
        """Report the results of a document."""
        for run in document.runs:
            parts = [run.tool.driver, *(run.tool.extensions or [])]
            rules = {rule.id: rule for part in reversed(parts) for rule in part.rules or []}
            for result in run.results or []:
                reported = result.kind in (None, "fail") and result.baseline != "absent"
                if reported and not _is_suppressed(result):
                    self.sink(_diagnostic(run, result, rules))
        for run in document.runs:
            tool = run.tool.driver.name[:100] or "the tool"
            for invocation in run.invocations or []:
                _refuse_unless_whole(tool, invocation)
            if run.results is None:  # a scan that found nothing has an empty list
                raise UnreadableReport(f"{tool} did not scan anything: it has no list of results")


def _refuse_unless_whole(tool: str, invocation: _Invocation) -> None:
    """Refuse a run that broke off, or that its tool has an error to tell of."""
    if invocation.successful is False:
        raise UnreadableReport(f"{tool} did not run to its end: executionSuccessful: false")
    for each in [*(invocation.of_run or []), *(invocation.of_setup or [])]:
        if each.level == "error":
            said = each.message.text or each.message.markdown or "an error of its own"
            raise UnreadableReport(f"{tool} did not get through: {said}"[:300])


def _is_suppressed(result: _Result) -> bool:
    """Whether someone said so, and nobody has yet to agree or did not."""
    stated = {each.status for each in result.suppressions or []}
    return bool(stated) and stated <= {None, "accepted"}


def _diagnostic(run: _Run, result: _Result, rules: dict[str | None, _Rule]) -> Result:
    rule = _rule_of(run, result, rules)
    level = result.level or (rule.configuration.level if rule and rule.configuration else None)
    physical = next((loc.physical for loc in result.locations or [] if loc.physical), None)
    region = physical.region if physical and physical.region else _Region()
    severity = _LEVELS.get(level or "warning", Level.WARNING)
    file = _file(run, physical.artifact) if physical else ""
    rule_id = result.rule_id or (rule.id if rule else None)
    message = result.message.text or result.message.markdown or ""
    return diagnostic(severity, file, region.line, region.column, rule_id, message)


def _rule_of(run: _Run, result: _Result, rules: dict[str | None, _Rule]) -> _Rule | None:
    part = run.tool.driver
    if result.rule and result.rule.component:
        extensions = run.tool.extensions or []
        at = result.rule.component.index
        part = extensions[at] if 0 <= at < len(extensions) else part
    listed = part.rules or []
    index = result.rule.index if result.rule else result.rule_index
    if 0 <= index < len(listed):
        return listed[index]
    identifier = result.rule_id or (result.rule.id if result.rule else None)
    # `CA1000/1` is a part of the rule CA1000.
    return rules.get(identifier) or rules.get((identifier or "").rpartition("/")[0])


def _file(run: _Run, artifact: _Artifact) -> str:
    entries = run.artifacts or []
    if artifact.uri is None and 0 <= artifact.index < len(entries):
        artifact = entries[artifact.index].location or artifact
    uri = artifact.uri or ""
    base = (run.bases or {}).get(artifact.base or "")
    if base is not None and base.uri and ":" not in uri and not uri.startswith("/"):
        uri = f"{base.uri.rstrip('/')}/{uri}"
    return uri if uri.startswith("file:") else unquote(uri)
