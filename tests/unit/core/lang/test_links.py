"""Links to places in files: which templates there are, and what gets into an address."""

import pytest

from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.lang.links import EDITORS, fill_link, link_template
from vibeguard.core.model.results import Result
from vibeguard.core.names import ResultKind
from vibeguard.core.pages.places import Places

PLACE = {"root": "/w", "file": "src/a b.py", "line": 3, "column": 8, "commit": "1f", "branch": "x"}


@pytest.mark.parametrize("editor", EDITORS)
def test_an_editor_goes_by_its_name(editor):
    assert fill_link(editor, **PLACE).startswith(f"{editor}://")
    assert "src/a%20b.py" in fill_link(editor, **PLACE)


def test_every_value_is_encoded():
    foreign = {**PLACE, "file": "a?b#c&d%\u202e"}
    assert (
        fill_link("https://x/{file}#L{line}", **foreign) == "https://x/a%3Fb%23c%26d%25%E2%80%AE#L3"
    )


@pytest.mark.parametrize(
    "written",
    [
        "javascript://%0aalert(1)",
        "JavaScript://x",
        "data://x",
        "vim",
        "",
        "mailto:x",
        "https://x/{home}",
    ],
)
def test_what_is_no_template_is_refused_with_advice_and_fills_to_nothing(written):
    with pytest.raises(LanguageError) as refused:
        link_template(written)
    assert refused.value.do
    assert fill_link(written, **PLACE) == ""


@pytest.mark.parametrize("file", ["/etc/passwd", "../x", "a/../../x", ""])
def test_a_file_outside_of_the_repository_gets_no_link(file):
    places = Places(editor="vscode", forge="https://x/{commit}/{file}", root="/w", commit="1f")
    result = Result(ResultKind.DIAGNOSTIC, file=file, line=1)
    assert (places.in_editor(result), places.on_forge(result)) == ("", "")
