"""Whatever the bytes are: a config or a `ConfigError`, soon."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.configs import FILE, problems
from tests.helpers.examples import examples
from vibeguard.core.config import document
from vibeguard.core.config.load import load_config
from vibeguard.core.problems import ConfigError

REAL = """\
version: "1"
vars: &v {go: "./...", n: 80}
settings: {parallel: 4, grace: 5s, fail_fast: no}
prompts:
  - {id: fix, description: "how to", content: "do it", tags: [a]}
checks:
  - &base
    id: unit
    run: |
      go test {{.go}} && \\
        echo "done"
    requires: [fmt, {check: slow, while_pending: skip}]
    timeout: 1m30s
    tags: [slow, unit]
    grok: ['coverage: %{NUMBER:cov}%']
    assert: "cov >= {{.n}}"
    on: {failure: [fix], timeout: "inline"}
    env: {A: "b"}
  - {id: fmt, run: gofmt -l .}
  - {<<: *base, id: slow, requires: [], timeout: 12m}
"""

FRAGMENTS = [
    "checks:", "- id: a", "run: x", "  ", "\n", "\n  ", "\t", ": ", "- ", "? ", "[", "]", "{", "}", ",", "&a ", "*a",
    "<<: ", "!!str ", "!x ", "|", ">", "|-\n", "'", '"', "#", " #", "%", "@", "`", "---\n", "...\n", "\\", "\r\n", "\ufeff",
    "requires: ", "timeout: ", "1m", "30", "tags: ", "grok: ", "%{INT:a}", "(", "assert: ", "a > 1", "on: ", "failure: ",
    "env: ", "vars: ", "{{.x}}", "x: ", "settings: ", "~", "null", "\x00", "\x85", "\u2028", "é", "𝄞", "%TAG ! x\n", "%YAML 1.1\n",
]  # fmt: skip


def load_or_refuse(data: bytes) -> None:
    """Anything but a config or a `ConfigError` is a failure; so is a problem without a place in it."""
    try:
        load_config(data, FILE)
    except ConfigError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.what
            assert problem.do
            assert problem.file == FILE
            assert "\n" not in problem.excerpt


def test_the_real_config_is_fine() -> None:
    """Or its mutations would prove little."""
    assert problems(REAL) == []


@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    """Also those that are not text."""
    load_or_refuse(data)


@given(st.text(max_size=300))
def test_random_text(text: str) -> None:
    """Any text that can be encoded."""
    load_or_refuse(text.encode("utf-8", "replace"))


@settings(max_examples=examples(4))
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=40))
def test_random_pieces_of_yaml(pieces: list[str]) -> None:
    """Nearly right is where parsers fail."""
    load_or_refuse("".join(pieces).encode())


def placed(node: document.Node | None) -> object:
    """The tree with its places; but no place for what is empty, which nobody points at."""
    if isinstance(node, document.Mapping):
        return [(placed(node.keys[key]), placed(value)) for key, value in node.values.items()]
    if isinstance(node, document.Sequence):
        return [placed(item) for item in node.items]
    return (node.value, node.value and (node.line, node.column), node.style) if node else None


def built_by(parser: Callable[[str], document.EventParser], text: str) -> document.Document | None:
    """What comes of a text with this parser; None if it is refused."""
    try:
        return document._Builder(document.Source(text, FILE)).build(parser(text))
    except (ConfigError, document.yaml.YAMLError):
        return None


@settings(max_examples=examples(4))
@given(
    st.lists(
        st.sampled_from([*FRAGMENTS, "\t", "?b", ":[", ":,", "|\t\n", "%FOO x\n---\n"]), max_size=25
    )
)
def test_both_parsers_build_the_same_tree(pieces: list[str]) -> None:
    """What both take (ADR 0011) they read alike, with every place."""
    source_text = "".join(pieces).replace("\x00", "").removeprefix("\ufeff")
    ours = built_by(document.open_parser, source_text)
    theirs = built_by(document.yaml.SafeLoader, source_text)
    if ours is None or theirs is None:
        return
    assert placed(ours.root) == placed(theirs.root)
    assert len(ours.findings) == len(theirs.findings)


@pytest.mark.parametrize("seed", range(300))
def test_mutations_of_a_real_config(seed: int) -> None:
    """A few characters or lines deleted, doubled, swapped or replaced."""
    chance = random.Random(seed)
    lines = REAL.splitlines(keepends=True)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        line = lines[at]
        match chance.randrange(6):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, chance.choice(lines))
            case 2:
                lines[at] = chance.choice(FRAGMENTS) + line
            case 3:
                cut = chance.randrange(len(line))
                lines[at] = line[:cut] + chance.choice(FRAGMENTS) + line[cut:]
            case 4:
                cut = chance.randrange(len(line))
                lines[at] = line[:cut] + line[cut + 1 :]
            case _:
                lines[at] = " " * chance.randrange(9) + line.lstrip()
    load_or_refuse("".join(lines).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 2_000_000,
        b"{" * 2_000_000,
        b"- " * 1_000_000,
        b"a: " * 500_000,
        b"? " * 500_000,
        b"! " * 500_000,
        b"&a " * 500_000,
        b"[a, " * 500_000,
        b"'" + b"a" * 2_000_000,
        b'"' + b"\\" * 2_000_001,
        b"# " + b"x" * 2_000_000,
        b"\n" * 2_000_000,
        b"--- " * 300_000,
        b"---\n" * 300_000,
        b"%YAML 1.1\n" * 100_000,
        b"a" * 2_000_000,
        b"a:\n" * 300_000,
        b"\xff" * 1_000_000,
        b"\x00" * 1_000_000,
        b"vars: {" + b",".join(b"v%d: '{{.v%d}}'" % (i, i + 1) for i in range(3000)) + b"}\n",
        b"checks: [" + b",".join(b"{id: a, run: x}" for _ in range(5000)) + b"]\n",
        b"checks: [" + b"{}," * 20_000 + b"]\n",
        b"".join(
            b"x-%d: &long_anchor_name_%d 1\nx_%d: *long_anchor_mane_%d\n" % (i, i, i, i)
            for i in range(4000)
        ),
        b"checks:\n - id: a\n   run: x\n   grok: '" + b"(" * 50_000 + b"'\n",
        b"checks:\n - id: a\n   run: x\n   assert: '" + b"(" * 50_000 + b"'\n",
        b"checks:\n - id: a\n   run: x\n   assert: '" + b"-" * 50_000 + b"1'\n",
        b"checks:\n - id: a\n   run: x\n   timeout: '" + b"1s" * 50_000 + b"'\n",
        b"checks:\n - id: a\n   run: x\n   timeout: '1." + b"9" * 50_000 + b"s'\n",
    ],
)
def test_hostile_configs_end_soon(data: bytes) -> None:
    """Large, deep or repetitive; the runner's own limit would show a hang."""
    load_or_refuse(data)
