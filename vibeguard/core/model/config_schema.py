"""The JSON Schema of `vibeguard.yaml`, for editors and validators.

Written by hand: the file holds texts (`90s`, `1GiB`, `on`) where `model.config` holds what they
mean. Editors read YAML's plain scalars as numbers, booleans or null, so that these pass wherever
the loader takes their text. Draft 7, since that is what editors know.
"""

from typing import Any

Schema = dict[str, Any]

_SCALAR = ["string", "number", "boolean", "null"]
_DURATION = r"^[+-]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$"
_SIZE = r"^[0-9]{1,18}(\.[0-9]{1,9})? ?([KMGTkmgt]?[iI]?[bB])?$"
_ID = "^[A-Za-z_][A-Za-z0-9_-]*$"
_TAG = "^[a-z][a-z0-9-]*$"
_ID_OR_MAPPING = ["string", "boolean", "object"]
_OWN_KEYS: Schema = {"^x-": {}}


def config_schema() -> Schema:
    """The whole schema, without `$id`."""
    return {
        "title": "vibeguard.yaml",
        "description": "Checks of a repository, run as a dependency graph.",
        **_mapping(
            {
                "version": {"description": "The format's version.", "enum": ["1", 1, None]},
                "vars": _vars(),
                "settings": _settings(),
                "prompts": _list(_prompt(), "Named texts for people and agents."),
                "checks": {
                    **_list(_check(), "The checks, in any order."),
                    "type": "array",
                    "minItems": 1,
                },
            },
            required=["checks"],
        ),
    }


def _mapping(properties: Schema, *, required: list[str] | None = None) -> Schema:
    schema: Schema = {
        "type": "object",
        "properties": properties,
        "patternProperties": _OWN_KEYS,
        "additionalProperties": False,
    }
    return {**schema, "required": required} if required else schema


def _nullable(schema: Schema) -> Schema:
    """The loader takes null as absent. No `anyOf`: editors would no longer say what is wrong."""
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {**schema, "type": [*types, "null"]}


def _text(description: str) -> Schema:
    return {"description": description, "type": _SCALAR}


def _required_text(description: str) -> Schema:
    return {"description": description, "type": ["string", "number", "boolean"], "minLength": 1}


def _name(description: str, pattern: str) -> Schema:
    # `on` and `yes` are names too; some YAML readers make booleans of them.
    return {"description": description, "type": ["string", "boolean"], "pattern": pattern}


def _duration(description: str) -> Schema:
    # A bare number has no unit; only 0 means the same in all of them.
    return {
        "description": f"{description} As 500ms, 1m30s, 1h.",
        "type": ["string", "integer", "null"],
        "pattern": _DURATION,
        "minimum": 0,
        "maximum": 0,
    }


def _size(description: str) -> Schema:
    return {
        "description": f"{description} As 64MiB, 1GiB or a number of bytes.",
        "type": ["string", "integer", "null"],
        "pattern": _SIZE,
        "minimum": 1,
    }


def _count(description: str, *, least: int) -> Schema:
    return {
        "description": description,
        "type": ["string", "integer", "null"],
        "pattern": "^[+]?[0-9]{1,18}$",
        "minimum": least,
    }


def _words(description: str, *words: str | bool) -> Schema:
    return {"description": description, "enum": [*words, None]}


def _truth(description: str) -> Schema:
    words = ["true", "false", "yes", "no", "on", "off", "y", "n"]
    return _words(description, True, False, *words)


def _list(item: Schema, description: str) -> Schema:
    items = _nullable(item)
    return {"description": description, "type": ["array", "null"], "items": items}


def _vars() -> Schema:
    return _nullable(
        {
            "description": "Values for {{.name}} in run, file, grok, assert, suggestion and fix.",
            "type": "object",
            "additionalProperties": {"type": _SCALAR},
        }
    )


def _prompt() -> Schema:
    return _mapping(
        {
            "id": _name("The name that `on` uses.", _ID),
            "description": _text("What it is for."),
            "content": _text("The text itself."),
            "tags": _list(_name("A tag.", _TAG), "Tags."),
        },
        required=["id"],
    )


def _settings() -> Schema:
    return _nullable(
        {
            "description": "Settings of a run; a flag on the command line wins.",
            **_mapping(
                {
                    "parallel": _count("Foreground slots.", least=1),
                    "async_parallel": _count("Background slots, counted apart.", least=1),
                    "async_after": _duration("A timeout above this makes a check async."),
                    "grace": _duration("From SIGTERM to SIGKILL."),
                    "fail_fast": _truth("Whether the first failure cancels the rest."),
                    "run_timeout": _duration("The longest that a whole run may take."),
                    "leaks": _leaks(),
                    "leak_grace": _duration("How long a check's leftovers may take to end."),
                    "output_limit": _size("More output than this ends a check."),
                    "grok_limit": _size("The most output that grok reads."),
                    "keep_runs": _count("How many runs prune keeps.", least=1),
                    "keep_bytes": _size("How many bytes of runs prune keeps."),
                    "keep_age": _duration("How old a run may be before prune takes it."),
                }
            ),
        }
    )


def _leaks() -> Schema:
    text = "What happens to processes that a check leaves behind."
    return _words(text, "fail", "warn", "ignore")


def _requirement() -> Schema:
    """An id, or a mapping with one: each rule applies to one of the two."""
    choice = _words("What to do while it is pending.", "wait", "skip", "proceed")
    full = _mapping(
        {"check": _name("The check's id.", _ID), "while_pending": choice}, required=["check"]
    )
    return {
        **full,
        **_name("An id, or {check: ID, while_pending: ...}.", _ID),
        "type": _ID_OR_MAPPING,
    }


def _trigger(event: str) -> Schema:
    return _one_or_list(f"Shown on {event}: a list names prompts, a text is shown as it is.")


def _one_or_list(description: str) -> Schema:
    return {"description": description, "type": [*_SCALAR, "array"], "items": {"type": _SCALAR}}


def _check() -> Schema:
    return _mapping(
        {**_what_it_runs(), **_how_it_is_judged(), **_how_it_runs()}, required=["id", "run"]
    )


def _what_it_runs() -> Schema:
    environment = {
        "description": "Environment variables of the command.",
        "type": "object",
        "additionalProperties": {"type": _SCALAR},
    }
    return {
        "id": _name("The check's name.", _ID),
        "run": _required_text("The command, for sh -c."),
        "requires": _list(_requirement(), "Checks that must pass first."),
        "tags": _list(_name("A tag.", _TAG), "Tags to select it by."),
        "env": _nullable(environment),
        "cwd": _text("The folder to run in, below the config's."),
    }


def _how_it_is_judged() -> Schema:
    events = _mapping({event: _trigger(event) for event in ("success", "failure", "timeout")})
    return {
        "severity": _words("Whether it fails the run.", "error", "warning"),
        "grok": _one_or_list("Patterns such as 'coverage: %{NUMBER:cov}%' to extract values with."),
        "file": _text("Read this file instead of the output."),
        "assert": _text("An expression over extracted values that must hold."),
        "suggestion": _text("Shown when the check does not pass."),
        "fix": _text("A command that repairs it."),
        "on": _nullable({"description": "Prompts by event.", **events}),
        "leaks": _leaks(),
        "output_limit": _size("More output than this ends the check."),
    }


def _how_it_runs() -> Schema:
    modes = ["auto", "true", "false", "yes", "no", "on", "off", "y", "n"]
    return {
        "timeout": _duration("The longest that an attempt may take. Default 30s."),
        "async": _words("Whether it runs in the background.", True, False, *modes),
        "slow_after": _duration("Say so when it takes longer."),
        "idle_timeout": _duration("No output for this long is a hang."),
        "retries": _count("How often a failed attempt is repeated.", least=0),
        "group": _text("Checks of one group never run at the same time."),
        "weight": _count("How many slots it takes.", least=1),
    }
