"""The pages of the site are those of docs/, each in its menu."""

import tomllib

from scripts.reference.site_pages import ROOT, lay, page_for_a_site


def test_a_site_has_neither_words_for_tests_nor_links_out_of_it():
    page = "See [examples](../examples) and [design](../design.md).\n```sh run\nls\n```\n"
    assert page_for_a_site(page) == ("See examples and [design](../design.md).\n```sh\nls\n```\n")


def test_every_page_is_laid_and_stands_in_the_menu(tmp_path):
    lay(ROOT / "docs", tmp_path / "pages")
    laid = {path.relative_to(tmp_path / "pages") for path in (tmp_path / "pages").rglob("*.md")}
    here = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    assert laid == here
    project = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
    first, *groups = project["nav"]
    named = {first, *(name for group in groups for pages in group.values() for name in pages)}
    assert named == {str(path) for path in here if len(path.parts) == 1} | {"adr/README.md"}
