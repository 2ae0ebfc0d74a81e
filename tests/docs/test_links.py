"""Links between the pages lead somewhere, and every page can be reached from the list of pages."""

import re

import pytest

from tests.docs.pages import PAGES, ROOT, anchors, links


@pytest.mark.parametrize("page", PAGES)
def test_files_and_headings_that_a_page_links_are_there(page: str):
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.is_file(), f"{page}: {link}"
        if anchor:
            assert anchor in anchors(str(target.resolve().relative_to(ROOT))), f"{page}: {link}"


def test_there_are_links_of_each_kind():
    found = [link for page in PAGES for link in links(page)]
    assert any("#" in link for link in found)
    assert any(link.endswith(".png") for link in found)
    assert any(link.endswith(".svg") for link in found)


def test_anchors_are_those_of_github(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.docs.pages.ROOT", tmp_path)
    (tmp_path / "page.md").write_text("# `a_b`, c-d & (e)\n```\n# a comment\n```\n## Twice\n## Twice\n")
    assert anchors("page.md") == {"a_b-c-d--e", "twice", "twice-1"}


def test_every_page_is_listed_by_kind():
    listed = {link for link in links("docs/README.md") if re.fullmatch(r"[\w-]+\.md", link)}
    assert listed == {page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")} - {"README.md"}


def test_every_picture_is_used():
    used = {(ROOT / page).parent.joinpath(link).resolve() for page in PAGES for link in links(page)}
    assert {path.resolve() for path in (ROOT / "docs" / "pictures").iterdir()} <= used
