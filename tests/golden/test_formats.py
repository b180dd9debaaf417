"""Every format's bytes for every sample run, as they were last agreed on.

`python -m tests.golden.test_formats` writes the files anew; the diff is then for people to judge.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.helpers.replays import replay
from tests.helpers.samples import SAMPLES

FOLDER = Path(__file__).parent / "formats"

WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "text": ("text", {}),
    "text-narrow": ("text", {"columns": 20}),
    "text-verbose": ("text", {"verbose": True, "colour": True, "columns": 80}),
    "agent": ("agent", {}),
    "agent-small": ("agent", {"budget": 250}),
    "jsonl": ("jsonl", {}),
    "json": ("json", {}),
    "junit": ("junit", {}),
    "github": ("github", {"ci": True}),
    "markdown": ("markdown", {}),
    "html": ("html", {}),
    "trace": ("trace", {}),
}
CASES = [(sample, way) for sample in SAMPLES for way in WAYS]


def shown(sample: str, way: str) -> str:
    name, options = WAYS[way]
    return replay(name, SAMPLES[sample]().events, **options)


@pytest.mark.parametrize(("sample", "way"), CASES)
def test_a_format_shows_a_run_as_it_was_agreed(sample, way):
    expected = (FOLDER / f"{sample}.{way}.txt").read_text(encoding="utf-8")
    assert shown(sample, way) == expected


def test_there_is_no_golden_file_without_a_case():
    assert {path.name for path in FOLDER.iterdir()} == {f"{s}.{w}.txt" for s, w in CASES}


if __name__ == "__main__":
    for each in CASES:
        path = FOLDER / f"{'.'.join(each)}.txt"
        path.write_text(shown(*each), encoding="utf-8", newline="\n")
