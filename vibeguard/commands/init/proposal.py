"""`init` without a template: what the project's own files say about how it is checked."""

from msgspec.structs import replace

from vibeguard.commands.init import InitOptions
from vibeguard.commands.init.project_files import Written, files_of, write_config
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.streams import write_err, write_exact, write_news
from vibeguard.core.proposing.base import Project
from vibeguard.core.proposing.composing import Composed, compose, config_text
from vibeguard.core.proposing.registry import proposals, reads
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import plural
from vibeguard.system.discovery.project import read_texts


def proposed_checks(folder: str) -> Composed:
    """The checks that the files of the folder propose; none where they say nothing."""
    files = files_of(folder)
    return compose(proposals(Project(files, read_texts(folder, filter(reads, files)))))


def write_proposed(
    composed: Composed, path: str, *, options: InitOptions, common: GlobalOptions
) -> int:
    """Write what the project's files propose, tried or not. Raises UsageError."""
    text = config_text(composed, {})
    if path == "-":
        write_exact(text)
        return 0
    write_config(path, text, force=options.force)
    names = tuple(check.id for check in composed.checks)
    if not common.json:
        said = ", ".join(sorted({check.source for check in composed.checks}))
        write_err(
            f"vibeguard: wrote {sanitise(path)}: {plural(len(names), 'check')}, from "
            f"{sanitise(said)}: {', '.join(names)}\n"
        )
    written = Written(path=path, template="project", checks=names)
    next_step = "`vibeguard init --try --force` runs each once"
    if options.try_:
        from vibeguard.commands.init.try_out import try_all  # noqa: PLC0415 - rare

        tried, ignored = try_all(path, names, gitignore=options.gitignore, tell=not common.json)
        remarks = {each.id: tuple(each.remarks()) for each in tried}
        write_config(path, config_text(composed, remarks), force=True)
        first = "install what is missing, then " * any(e.outcome == "missing" for e in tried)
        next_step = f"{first}`vibeguard run` runs them, `vibeguard report --open` shows it"
        written = replace(written, tried=tuple(tried), ignored=tuple(ignored))
    write_news(written, f"vibeguard: {next_step}\n", as_json=common.json)
    return 0
