"""`init --agent`: what a coding agent has to know, where it reads it."""

from pathlib import Path

from vibeguard.commands.streams import unwritable_is_told
from vibeguard.commands.templates import agent_section, skill_head
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.marked_block import Block, Unclosed
from vibeguard.system.rundir.files import open_of_users, rewrite_file

DEFAULT_FILE = "AGENTS.md"
SKILL_FILE = "SKILL.md"
_ELSEWHERE = "name another file with -o"
BLOCK = Block("<!-- vibeguard: begin -->", "<!-- vibeguard: end -->")


def write_agent_file(path: str) -> bool:
    """Put the section of ours into the file as it is today; False where it already was.

    A new SKILL.md gets the head that agents ask of a skill. Raises UsageError.
    """
    place = Path(path)
    before = _before(place)
    head = skill_head() if not before and place.name == SKILL_FILE else ""
    try:
        text = BLOCK.put_into(before or head, agent_section())
    except Unclosed as error:
        raise UsageError(f"{path}: {error}", "take the rest of that section out by hand") from error
    if text == before:
        return False
    with unwritable_is_told(path, _ELSEWHERE):
        place.parent.mkdir(parents=True, exist_ok=True)
        rewrite_file(path, text.encode())
    return True


def _before(path: Path) -> str:
    with unwritable_is_told(str(path), _ELSEWHERE):
        try:
            descriptor = open_of_users(str(path))
            with open(descriptor, encoding="utf-8", newline="") as file:  # line ends as they are
                return file.read()
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError as error:
            raise UsageError(f"{path} is not UTF-8", _ELSEWHERE) from error
