"""The site: every link leads somewhere, nothing is asked of another server, and it reads in a browser from a folder."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import Browser, find_browser
from tests.docs.pages import ROOT
from tests.study.commands import environment

pytest.importorskip("sphinx", reason="the group `docs` is not installed")
STRICT = ("--fail-on-warning", "--keep-going", "--nitpicky", "--quiet")
LOADED = re.compile(r'<(?:link|script|img|iframe|source)\b[^>]*?\b(?:href|src)="((?:https?:)?//[^"]+)"')
IMPORTED = re.compile(r"url\(\s*['\"]?((?:https?:)?//[^)]+)\)|@import\s+['\"]((?:https?:)?//[^'\"]+)")


def build(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *STRICT, "-c", ROOT / "docs", source, target],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    done = build(ROOT / "docs", target)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = find_browser()
    if program is None:
        pytest.skip("there is no Chromium or Chrome on the path")
    opened = Browser(program, tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


def pages_of(site: Path) -> list[Path]:
    return sorted(path for path in site.glob("*.html") if path.stem not in ("genindex", "search"))


def test_every_page_is_made_and_the_commands_are_in_theirs(site: Path) -> None:
    assert {page.stem for page in pages_of(site)} == {path.stem for path in (ROOT / "docs").glob("*.md")}
    text = (site / "commands.html").read_text()
    assert 'id="tunekit-search"' in text
    assert '<span class="pre">--time-budget</span>' in text


def test_it_loads_nothing_from_another_server(site: Path) -> None:
    found = {
        (path.name, *match)
        for pattern, ending in ((LOADED, "html"), (IMPORTED, "css"))
        for path in site.glob(f"**/*.{ending}")
        for match in [found.groups() for found in pattern.finditer(path.read_text())]
    }
    assert not found


BROKEN = ("spaces.md#no-such-heading", "no-such-page.md", "no-such-file.png", "#nowhere")


def test_every_broken_link_is_an_error(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "spaces.md").write_text("---\norphan: true\n---\n# Spaces\n")
    links = "\n".join(f"[a link]({link})" for link in BROKEN)
    (source / "index.md").write_text(f"# Index\n\n{links}\n")
    done = build(source, tmp_path / "site")
    assert done.returncode != 0
    assert [link for link in BROKEN if link.rpartition("#")[2] not in done.stderr] == []


def test_it_reads_on_a_phone_and_in_the_dark_and_asks_nobody(site: Path, browser: Browser) -> None:
    for page in pages_of(site):
        browser.open(page, width=390, prefers_color_scheme="dark")
        foreign = [
            address for address in browser.requests if not address.startswith(("file:", "data:", "about:"))
        ]
        assert not foreign, page.name
        assert not browser.complaints, page.name
        assert browser.run("document.documentElement.scrollWidth <= innerWidth"), (
            f"{page.name} is wider than a phone"
        )
        colour = browser.run("getComputedStyle(document.body).backgroundColor")
        assert max(map(int, re.findall(r"\d+", colour)[:3])) < 64, page.name
        assert browser.run("[...document.images].every((image) => image.naturalWidth > 0)"), page.name


def test_its_search_works_without_a_server(site: Path, browser: Browser) -> None:
    browser.open(f"{(site / 'search.html').as_uri()}?q=disk-max")
    browser.until("document.querySelectorAll('#search-results ul.search li').length > 0")
    assert "Resuming" in browser.run("document.querySelector('#search-results').innerText")
