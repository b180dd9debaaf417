"""Every config and every document that the pages show is valid, by a validator that is not ours."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import validators
from msgspec.structs import replace

from tests.docs.examples import ROOT, Block, blocks, pages
from vibeguard.core.config.load import load_config
from vibeguard.core.planning.plan import make_plan, resolve_settings

EXAMPLES = sorted(ROOT.glob("examples/*/vibeguard.yaml"))


def validator(name: str) -> Any:
    """An independent validator for a published schema."""
    schema = json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    kind = validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def shown(language: str) -> list[tuple[Path, Block]]:
    """The fences of a language on all pages."""
    return [(page, b) for page in pages() for b in blocks(page) if b.language == language]


def configs(*, valid: bool) -> list[Any]:
    """The configs on the pages, snippets of other programs apart."""
    return [
        pytest.param(block.text, id=f"{page.name}:{block.line}")
        for page, block in shown("yaml")
        if "snippet" not in block.words and ("invalid" in block.words) is not valid
    ]


def as_text(text: str) -> Any:
    """The document with every scalar as it is written."""
    return yaml.load(text, Loader=yaml.BaseLoader)


@pytest.mark.parametrize("text", configs(valid=True))
def test_a_config_on_a_page_fits_the_schema(text: str) -> None:
    """What a reader copies is accepted by an editor."""
    assert list(validator("config").iter_errors(as_text(text))) == []


@pytest.mark.parametrize("text", configs(valid=False))
def test_a_config_that_shows_mistakes_does_not_fit(text: str) -> None:
    """An example of a mistake is one."""
    assert list(validator("config").iter_errors(as_text(text))) != []


@pytest.mark.parametrize("path", [*EXAMPLES, ROOT / "vibeguard.yaml"], ids=lambda p: p.parent.name)
def test_a_config_of_a_real_project_fits_the_schema(path: Path) -> None:
    """The examples and this project itself, read as an editor reads them too."""
    text = path.read_text(encoding="utf-8")
    assert list(validator("config").iter_errors(as_text(text))) == []


@pytest.mark.parametrize("name", ["event", "report"])
def test_documents_on_the_pages_fit_their_schema(name: str) -> None:
    """A `json event` or `json report` fence holds one document a line, or one document."""
    check = validator(name)
    documented = [(page, block) for page, block in shown("json") if block.words == name]
    assert documented, f"no page shows one: ```json {name}"
    for page, block in documented:
        documents = block.text.splitlines() if name == "event" else [block.text]
        for document in documents:
            errors = list(check.iter_errors(json.loads(document)))
            assert errors == [], f"{page.name}:{block.line}"


def test_every_json_on_the_pages_says_which_document_it_is() -> None:
    """One that is neither would be checked by nobody."""
    kinds = {"event", "report", "snippet"}
    assert {block.words for _, block in shown("json")} <= kinds
    assert shown("jsonl") == []


def properties(schema: Any) -> set[str]:
    """Every property that a schema names, at any depth."""
    if isinstance(schema, list):
        return set().union(*map(properties, schema))
    if not isinstance(schema, dict):
        return set()
    return set(schema.get("properties", {})).union(*map(properties, schema.values()))


def test_every_field_of_the_config_is_documented() -> None:
    """docs/configuration.md names each property of the schema in code font."""
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_]+)`", page)) | set(re.findall(r"[{ ]([a-z_]+): ", page))
    assert properties(validator("config").schema) - named == set()


def test_every_variable_that_is_looked_at_is_documented() -> None:
    """docs/configuration.md names each variable of ours that the code names."""
    code = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("vibeguard/**/*.py"))
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert set(re.findall(r"VIBEGUARD_[A-Z_]+", code)) <= set(re.findall(r"`(\w+)`", page))


def defaults() -> list[Any]:
    """Section, field and default of each row of the page that shows one in code font."""
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = []
    for section in ("Checks", "Settings"):
        text = page.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
        for names, values in re.findall(r"^\| ([^|]+) \| (`[^|]+`) \|", text, re.MULTILINE):
            fields, given = re.findall(r"`([^`]+)`", names), re.findall(r"`([^`]+)`", values)
            rows += [(section, *row) for row in zip(fields, given, strict=True)]
    return rows


@pytest.mark.parametrize(("section", "field", "value"), defaults())
def test_a_default_on_the_page_is_what_a_config_without_it_means(
    section: str, field: str, value: str
) -> None:
    """Written out or left out, it is the same config and the same plan."""
    plain, written = "{id: a, run: x}", f"{{id: a, run: x, {field}: {value}}}"
    if section == "Settings":
        text = f"settings: {{{field}: {value}}}\nchecks: [{plain}]"
    else:
        text = f"checks: [{written}]"
    assert meaning(text) == meaning(f"checks: [{plain}]")


def meaning(text: str) -> tuple[Any, ...]:
    """A config as it is understood, with the plan that is made of it."""
    config = load_config(text.encode(), "vibeguard.yaml")
    settings = resolve_settings(config.settings, usable_cpus=1, jitter_seed=0)
    plan = make_plan(config.checks, settings, variables={}, expected_ns=None)
    return replace(config.settings, async_parallel=None), config.checks, plan
