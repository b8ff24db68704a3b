"""MLflow's page on a search in a real browser: trials below their search, charts, and pictures."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import Browser, find_browser
from tests.study.commands import DIRECT, start

PROGRAM = find_browser()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs Chromium or Chrome on the path")

ROWS = """
[...document.querySelectorAll(".ag-pinned-left-cols-container .ag-row a[href*='/runs/']")]
  .map((link) => [link.textContent.trim(), link.getBoundingClientRect().left])
"""
SEARCH_BOX = "document.querySelector('input[placeholder=\"Search metric charts\"]')"
CHARTS = """
Object.fromEntries([...document.querySelectorAll("[data-testid=experiment-view-compare-runs-card]")]
  .filter((card) => card.querySelector(".scatterlayer .trace path"))
  .map((card) => [card.querySelector("[role=heading], h2, h3, h4").textContent, {
    width: card.querySelector("svg.main-svg").getBoundingClientRect().width,
    height: card.querySelector("svg.main-svg").getBoundingClientRect().height,
    points: card.querySelector(".js-plotly-plot").data.map((line) => line.x.length),
  }]))
"""
TITLES = """
[...document.querySelectorAll("[data-testid=experiment-view-compare-runs-card]")]
  .map((card) => card.querySelector("[role=heading], h2, h3, h4").textContent)
"""
SLIDER = "document.querySelector('[role=slider]')"
SHOWN = """
[...document.images].filter((image) => image.naturalWidth && image.clientWidth)
  .map((image) => decodeURIComponent(image.src))
"""


@pytest.fixture(scope="module")
def address(finished: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where `tunekit ui` answers on a copy of the record; the artefacts are where they were."""
    home = tmp_path_factory.mktemp("page")
    (home / "mlruns").mkdir()
    shutil.copy(finished[0] / "mlruns/mlflow.db", home / "mlruns")
    process = start("ui", "--port", 0, cwd=home)
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert found, line
    yield found[0]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert PROGRAM is not None
    opened = Browser(PROGRAM, tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture
def experiment(address: str, finished: tuple[Path, dict[str, Any]]) -> str:
    return f"{address}/#/experiments/{finished[1]['mlflow']['experiment_id']}"


def assert_only_asked(browser: Browser, address: str) -> None:
    """Nothing beyond this machine was asked for."""
    local = (f"{address}/", f"blob:{address}", "data:")
    assert [request for request in browser.requests if not request.startswith(local)] == []


def find_charts(browser: Browser, text: str) -> None:
    browser.until(f"!!{SEARCH_BOX}")
    browser.run(f"{SEARCH_BOX}.focus()")
    browser.write(text)


def test_trials_nest_below_their_search(
    browser: Browser, address: str, experiment: str, finished: tuple[Path, dict[str, Any]]
) -> None:
    browser.open(f"{experiment}/runs?workflowType=machine_learning", 1400, 1000)
    # Other tests may have trained the winner again, which left runs of their own beside the search.
    run = finished[1]["mlflow"]["run_id"]
    row = f"document.querySelector(\".ag-pinned-left-cols-container .ag-row:has(a[href*='/runs/{run}'])\")"
    link = f"{row}?.querySelector(\"a[href*='/runs/']\")"
    name, left = browser.until(f"(a => a && [a.textContent.trim(), a.getBoundingClientRect().left])({link})")
    assert name == "tiny"
    browser.run(f"{row}.querySelector('button').click()")
    trials = finished[1]["trials"]
    nested = f"({ROWS}).filter((row) => row[1] > {left})"
    rows = browser.until(f"(rows => rows.length === {len(trials)} && rows)({nested})")
    assert sorted(row[0] for row in rows) == sorted(f"tiny {trial['id']}" for trial in trials)
    assert_only_asked(browser, address)


def test_a_trials_charts_are_drawn(
    browser: Browser, address: str, experiment: str, finished: tuple[Path, dict[str, Any]]
) -> None:
    best = finished[1]["best"]
    browser.open(f"{experiment}/runs/{best['run_id']}/model-metrics", 1400, 1000)
    find_charts(browser, "accuracy")
    charts = browser.until(f"(charts => charts.accuracy && charts.val_accuracy && charts)({CHARTS})")
    for name in ("accuracy", "val_accuracy"):
        chart = charts[name]
        assert chart["width"] > 150, name
        assert chart["height"] > 150, name
        assert set(chart["points"]) == {best["epochs"]}, name
    assert_only_asked(browser, address)


def test_the_slider_goes_through_the_filters(
    browser: Browser, address: str, experiment: str, finished: tuple[Path, dict[str, Any]]
) -> None:
    best = finished[1]["best"]
    browser.open(f"{experiment}/runs/{best['run_id']}/model-metrics", 1400, 1000)
    find_charts(browser, "filters_conv1")
    # What is searched for is there with the rest of its group.
    browser.until(f"({TITLES})[0] === 'filters_conv1'")
    browser.until(f"[{SLIDER}.ariaValueMin, {SLIDER}.ariaValueMax].join() === '0,{best['epochs']}'")
    for step in (0, 1, best["epochs"]):
        while int(browser.run(f"{SLIDER}.ariaValueNow")) < step:
            before = browser.run(f"{SLIDER}.ariaValueNow")
            browser.run(f"{SLIDER}.focus()")
            browser.press("ArrowRight", 39)
            browser.until(f"{SLIDER}.ariaValueNow !== '{before}'")
        browser.until(f"({SHOWN}).some((source) => source.includes('filters_conv1+step+{step}+'))")
    assert_only_asked(browser, address)


@pytest.mark.parametrize("picture", ["activations.png", "curves.png"])
def test_a_trials_picture_is_shown(
    browser: Browser, address: str, experiment: str, finished: tuple[Path, dict[str, Any]], picture: str
) -> None:
    browser.open(f"{experiment}/runs/{finished[1]['best']['run_id']}/artifacts/{picture}", 1400, 1000)
    width = f"document.querySelector('img[alt=\"{picture}\"]')?.naturalWidth"
    assert browser.until(width) > 300
    assert_only_asked(browser, address)


def test_the_page_is_told_to_report_nothing(address: str) -> None:
    with DIRECT.open(f"{address}/ajax-api/3.0/mlflow/ui-telemetry") as answer:
        assert json.load(answer)["disable_ui_telemetry"] is True
