"""The pictures of the README: a real search, its explanation, its report and MLflow's page on it.

    python docs/screenshots.py

writes docs/images. It needs Chromium or Chrome on the path, and some three minutes.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

from PIL import Image
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser import Browser, find_browser  # noqa: E402
from tests.study.commands import TUNEKIT, environment, run, start  # noqa: E402

IMAGES = ROOT / "docs/images"
WIDTH, HEIGHT = 1100, 760
SPACE = "cnn-digits"
LARGEST = 300_000
"""Bytes of a picture."""

COLUMNS = ["metrics.`best_val_accuracy`", "params.`optimizer`", "params.`learning_rate`"]
STATE = 'MLflowLocalStorage-1.1-ExperimentPage-["{experiment}"]-ReactComponentState'
# MLflow greets a new reader with its assistant and with its pages for language models.
FAMILIAR = {
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": "true",
    "mlflow.workflowType_v1": '"machine_learning"',
}
# Without a mouse the tools of each chart stay on top of its curve.
STYLE = ".modebar { display: none !important }"

SEARCH_BOX = "document.querySelector('input[placeholder=\"Search metric charts\"]')"
TITLES = """
[...document.querySelectorAll("[data-testid=experiment-view-compare-runs-card]")]
  .map((card) => card.querySelector("[role=heading], h2, h3, h4").textContent)
"""


def main() -> None:
    program = find_browser()
    if program is None:
        sys.exit("expected Chromium or Chrome on the path, to open the pages with")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch) / "work"
        work.mkdir()
        terminal(searched(work))
        run("explain", cwd=work)
        browser = Browser(program, Path(scratch) / "profile")
        try:
            pictures(browser, work)
        finally:
            browser.close()
    for path in sorted(IMAGES.iterdir()):
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1000} kB")


def searched(work: Path) -> str:
    """What the search printed."""
    command = [*TUNEKIT, "search", SPACE]
    return subprocess.run(
        command, cwd=work, env=environment(), stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def terminal(printed: str) -> None:
    """The first trials and the result, each line cut where it would leave the window."""
    lines = printed.splitlines()
    began = next(number for number, line in enumerate(lines) if line.startswith(f"{SPACE}:"))
    ended = next(number for number, line in enumerate(lines) if line.startswith("trial "))
    console = Console(record=True, width=112, file=StringIO())
    for line in [f"$ tunekit search {SPACE}", *lines[began : began + 7], "...", *lines[ended:]]:
        console.print(Text(line), no_wrap=True, overflow="ellipsis")
    drawn = console.export_svg(title="tunekit")
    # The font would come from another server; any that the reader has will do.
    (IMAGES / "terminal.svg").write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.S), "utf-8")


def pictures(browser: Browser, work: Path) -> None:
    report = json.loads(run("show", SPACE, "--json", cwd=work).stdout)
    search = work / "mlruns/searches" / SPACE
    browser.open(search / "report.html", WIDTH, HEIGHT, prefers_color_scheme="light")
    shoot(browser, "report")
    browser.run("document.getElementById('configurations').scrollIntoView()")
    shoot(browser, "report-configurations")
    explained = search / "explained" / report["best"]["id"]
    small(Image.open(explained / "features_conv2.png"), IMAGES / "explain.png")
    with page(work) as address:
        mlflow(browser, address, report)


def mlflow(browser: Browser, address: str, report: dict[str, Any]) -> None:
    where = report["mlflow"]
    state = {"selectedColumns": COLUMNS, "runsExpanded": {where["run_id"]: True}}
    kept = FAMILIAR | {STATE.format(experiment=where["experiment_id"]): json.dumps(state)}
    script = f"""
      for (const [key, value] of Object.entries({json.dumps(kept)})) localStorage.setItem(key, value);
      addEventListener("load", () => document.head.append(
        Object.assign(document.createElement("style"), {{textContent: {json.dumps(STYLE)}}})));
    """
    # An empty page has no storage to write to.
    script = f'if (location.protocol !== "about:") {{{script}}}'
    browser.call("Page.addScriptToEvaluateOnNewDocument", source=script)
    experiment = f"{address}/#/experiments/{where['experiment_id']}"

    browser.open(f"{experiment}/runs", WIDTH, HEIGHT)
    browser.until("document.querySelectorAll('.ag-pinned-left-cols-container .ag-row').length > 9")
    shoot(browser, "mlflow-runs")

    trial = f"{experiment}/runs/{report['best']['run_id']}"
    browser.open(f"{trial}/model-metrics", WIDTH, HEIGHT)
    find_charts(browser, "^(val_)?(accuracy|loss)$")
    browser.until(f"({TITLES}).includes('val_loss')")
    browser.until("document.querySelectorAll('.scatterlayer .trace path').length > 9")
    shoot(browser, "mlflow-trial")

    browser.open(f"{trial}/artifacts/activations.png", WIDTH, HEIGHT)
    browser.until("document.querySelector('img[alt=\"activations.png\"]')?.naturalWidth > 0")
    shoot(browser, "mlflow-images")


def find_charts(browser: Browser, pattern: str) -> None:
    browser.until(f"!!{SEARCH_BOX}")
    browser.run(f"{SEARCH_BOX}.focus()")
    browser.write(pattern)


@contextmanager
def page(work: Path) -> Iterator[str]:
    process = start("ui", "--port", 0, cwd=work)
    assert process.stdout is not None
    found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
    assert found
    try:
        yield found[0]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def shoot(browser: Browser, name: str) -> None:
    browser.run(PAUSE)
    path = browser.screenshot(IMAGES / f"{name}.png", whole=False)
    small(Image.open(path), path)


def small(picture: Image.Image, path: Path) -> None:
    """Few colours only where it must be: the lines of a chart suffer first."""
    picture.convert("RGB").save(path, optimize=True)
    if path.stat().st_size > LARGEST:
        picture.convert("RGB").quantize(256).save(path, optimize=True)


PAUSE = "new Promise((done) => setTimeout(done, 1500))"
"""What moves on the page has come to rest."""

if __name__ == "__main__":
    main()
