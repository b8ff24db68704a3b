"""The page in a real browser: quiet, on its own, sortable, and within the width of a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import Browser, find_browser
from tests.report.materials import HALVED, evaluation, large_page, material, page_text, record
from tunekit.results import Failure

PROGRAM = find_browser()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs Chromium or Chrome on the path")

OVERFLOWING = """
[...document.querySelectorAll("body *")].filter((element) => {
  const box = element.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && !element.closest(".scroll") && !element.closest("pre");
}).map((element) => element.outerHTML.slice(0, 120))
"""
FIRST_COLUMN = """
[...[...document.querySelectorAll("table")].find((table) => table.caption?.textContent.startsWith("All "))
  .tBodies[0].rows].map((row) => row.cells[0].textContent)
"""
HEADING = """
[...[...document.querySelectorAll("table")].find((table) => table.caption?.textContent.startsWith("All "))
  .tHead.rows[0].cells].find((cell) => cell.textContent === "NAME")
"""


def written(text: str, path: Path) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert PROGRAM is not None
    opened = Browser(PROGRAM, tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    long = "a message without any place to break " + "x" * 300
    names = tuple(f"class number {number}" for number in range(12))
    records = (*HALVED, record("5", failure=Failure("exception", long), at=(5, 9)))
    commands = {
        name: f"tunekit {name} small --home /a/{'long/' * 30}path"
        for name in ("train", "show", "resume", "ui")
    }
    given = material(*records, evaluation=evaluation(names), commands=commands)
    return written(page_text(given), tmp_path_factory.mktemp("page") / "report.html")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1100])
def test_it_is_quiet_asks_for_nothing_and_fits(browser: Browser, page: Path, width: int, scheme: str) -> None:
    browser.open(page, width, prefers_color_scheme=scheme)
    assert browser.complaints == []
    assert [address for address in browser.requests if not address.startswith("data:")] == [page.as_uri()]
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run(OVERFLOWING) == []


def test_the_dark_page_has_dark_charts(browser: Browser, page: Path) -> None:
    seen = "(({backgroundColor, fill}) => [backgroundColor, fill])(getComputedStyle(document.querySelector('NAME')))"
    colours = f"[{', '.join(seen.replace('NAME', name) for name in ('body', 'svg text'))}]"
    browser.open(page, prefers_color_scheme="light")
    (paper, _), (_, ink) = browser.run(colours)
    assert (paper, ink) == ("rgb(255, 255, 255)", "rgb(27, 31, 36)")
    browser.open(page, prefers_color_scheme="dark")
    (paper, _), (_, ink) = browser.run(colours)
    assert (paper, ink) == ("rgb(18, 22, 27)", "rgb(230, 237, 243)")


def test_a_click_on_a_heading_sorts_and_a_second_turns_it_round(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.run(FIRST_COLUMN) == ["0", "1", "2", "3", "4", "5"]
    heading = HEADING.replace("NAME", "val_accuracy")
    browser.run(f"{heading}.querySelector('button').click()")
    assert browser.run(FIRST_COLUMN) == ["0", "2", "4", "1", "3", "5"], "without a score last"
    assert browser.run(f"{heading}.ariaSort") == "ascending"
    browser.run(f"{heading}.querySelector('button').click()")
    assert browser.run(FIRST_COLUMN) == ["3", "1", "4", "2", "0", "5"]
    assert browser.run(f"{heading}.ariaSort") == "descending"
    browser.run(f"{HEADING.replace('NAME', 'optimizer')}.querySelector('button').click()")
    assert browser.run(FIRST_COLUMN)[-2:] == ["3", "1"], "equal values keep their order"
    assert browser.run(f"{heading}.ariaSort") == "none"


def test_the_keyboard_sorts_as_well(browser: Browser, page: Path) -> None:
    browser.open(page)
    heading = HEADING.replace("NAME", "trial")
    browser.run(f"{heading}.querySelector('button').focus()")
    browser.press("Enter", 13)
    assert browser.run(f"{heading}.ariaSort") == "ascending"
    browser.press("Tab", 9)
    assert browser.run("document.activeElement.textContent") == "continues"
    browser.press(" ", 32)
    assert browser.run(f"{HEADING.replace('NAME', 'continues')}.ariaSort") == "ascending"


def test_without_scripts_everything_is_there(browser: Browser, page: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page)
        assert browser.run("document.querySelectorAll('th button').length") == 0
        assert browser.run(FIRST_COLUMN) == ["0", "1", "2", "3", "4", "5"]
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_it_prints_on_white_within_the_sheet(browser: Browser, page: Path, tmp_path: Path) -> None:
    browser.open(page, prefers_color_scheme="dark")
    printed = browser.pdf(tmp_path / "report.pdf").read_bytes()
    assert printed.startswith(b"%PDF")
    browser.call("Emulation.setEmulatedMedia", media="print")
    try:
        browser.call(
            "Emulation.setDeviceMetricsOverride", width=690, height=900, deviceScaleFactor=1, mobile=False
        )
        assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert browser.run("getComputedStyle(document.querySelector('nav')).display") == "none"
        assert browser.run("document.documentElement.scrollWidth") <= 690
    finally:
        browser.call("Emulation.setEmulatedMedia", media="")


def test_a_thousand_trials_open_and_sort_quickly(browser: Browser, tmp_path: Path) -> None:
    browser.open(written(large_page(), tmp_path / "large.html"), 375)
    assert browser.complaints == []
    assert browser.run("document.documentElement.scrollWidth") <= 375
    heading = HEADING.replace("NAME", "learning_rate")
    milliseconds = browser.run(
        f"(() => {{ const began = performance.now(); {heading}.querySelector('button').click();"
        " document.body.offsetHeight; return performance.now() - began; })()"
    )
    assert milliseconds < 3000
