"""`init --agent`: what a coding agent has to know, where it reads it."""

from pathlib import Path

from vibeguard.commands.templates import agent_section, skill_head
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.marked_block import Block, Unclosed
from vibeguard.system.rundir.files import rewrite_file

DEFAULT_FILE = "AGENTS.md"
SKILL_FILE = "SKILL.md"
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
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        rewrite_file(path, text.encode())
    except OSError as error:
        raise _refused(path, error) from error
    return True


def _before(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:  # line ends stay as they are
            return file.read()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8", "name another file with -o") from error
    except OSError as error:
        raise _refused(str(path), error) from error


def _refused(path: str, error: OSError) -> UsageError:
    return UsageError(f"cannot write {path}: {error.strerror}", "name another file with -o")
