"""The files that the pages point at are there, and hold what is said to be in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.docs.pages import PAGES, ROOT

IN_THE_REPOSITORY = re.compile(r"(tunekit|tests|docs|benchmarks|search_spaces|\.github)/[\w./-]+")
NAME_IN_FILE = re.compile(r"`(?:\w+\.)?(\w+)`(?: or `(\w+)`)? in `(tunekit/[\w/]+\.py)`")


def inline_code(page: Path) -> Iterator[str]:
    for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")):
        yield from (part.content for part in token.children or () if part.type == "code_inline")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_of_the_repository_are_there(page: Path) -> None:
    named = {text for text in inline_code(page) if IN_THE_REPOSITORY.fullmatch(text)}
    assert not sorted(name for name in named if not (ROOT / name).exists())


def test_where_things_are_added_they_are_now() -> None:
    found = NAME_IN_FILE.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert len(found) >= 5
    for *names, path in found:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert all(re.search(rf"^ *(def )?{name}\b", text, re.MULTILINE) for name in names if name), path
