"""The page as text: whole, safe, and complete without anything beside it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from tests.report.materials import (
    FACTS,
    HALVED,
    SPACE,
    evaluation,
    large_page,
    material,
    page_text,
    record,
    timed,
)
from tunekit.report.chart import png, svg
from tunekit.report.charts import MOST_DRAWN, charts
from tunekit.report.figures import compute, plain
from tunekit.report.material import Material, Picture
from tunekit.report.page import mistakes
from tunekit.report.segments import segments
from tunekit.results import Failure
from tunekit.space.parameters import Choice
from tunekit.space.sections import OBJECTIVES

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>&$x_1$"
EPOCHS = {
    "0": [timed(1, 1.0, 1, val_accuracy=0.5)],
    "1": [timed(1, 1.0, 1, val_accuracy=0.9)],
    "3": [timed(2, 1.0, 2, val_accuracy=0.93), timed(3, 1.0, 3, val_accuracy=0.95)],
}


class Page(HTMLParser):
    """What the tests ask of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def said(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def page_of(given: Material) -> Page:
    return Page(page_text(given))


@pytest.fixture(scope="module")
def page() -> Page:
    return page_of(material(*HALVED, epochs=EPOCHS, evaluation=evaluation()))


def test_it_needs_nothing_from_elsewhere(page: Page) -> None:
    sources = [
        value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")
    ]
    assert all(value and value.startswith(("#", "data:")) for value in sources)
    assert not re.search(r"url\((?!#)|@import|https?://(?!www\.w3\.org/)", page.text)
    assert len(page.all("script")) == 1


def test_names_on_the_page_are_its_own_and_links_lead_somewhere(page: Page) -> None:
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    links = {
        value[1:] for _, attributes in page.tags if (value := attributes.get("href")) and value[0] == "#"
    }
    assert links <= set(names)
    used = set(re.findall(r"url\(#([^)]+)\)", page.text))
    assert used <= set(names)


def test_headings_are_in_order_and_everything_that_is_seen_has_a_name(page: Page) -> None:
    assert page.all("html")[0]["lang"] == "en"
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    drawn = [attributes for attributes in page.all("svg") if attributes.get("role") == "img"]
    assert len(drawn) == len(page.all("svg")) >= 8
    assert all(attributes["aria-label"] for attributes in drawn)


def test_it_says_what_the_search_came_to(page: Page) -> None:
    for words in (
        "Trial 3 scored 0.9500 val_accuracy in epoch 3 of 3",
        "0.8000 accuracy",
        "digits, 1,438 training images (8 × 8 × 1), 20% of them for validation; sha256 abababababab",
        "1 (0.9000)",
        "No trial failed.",
        "keras 3.13.2",
    ):
        assert words in page.said, words


def test_colours_are_the_style_sheets(page: Page) -> None:
    assert not re.search(r"#0a[0-9a-f]{2}f5", page.text)
    assert "var(--series-0)" in page.text
    assert "#000000" not in re.sub(r"<style>.*?</style>", "", page.text, flags=re.DOTALL)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("running", "This search is still running."),
        ("interrupted", "This search is not finished (interrupted)."),
        ("killed", "the test set stays sealed until then"),
        ("stopped", "The time budget ended this search before its plan."),
    ],
)
def test_a_search_that_is_not_finished_says_so(status: str, words: str) -> None:
    said = page_of(material(*HALVED, record("5", at=(60, None)), status=status)).said
    assert words in said
    assert "sealed" in said


def test_what_a_time_budget_broke_off_wins_by_what_it_was() -> None:
    running = record("5", parent="3", epochs=(3, 9), at=(60, None))
    taken = record("5-epoch4", 0.97, parent="5", epochs=(4, 4), at=(70, 72), kind="snapshot")
    own = {"5": [timed(4, 1.0, 70, val_accuracy=0.97), timed(5, 1.0, 71, val_accuracy=0.96)]}
    facts = {**FACTS, "tested": ["3", "5-epoch4"]}
    given = material(
        *HALVED,
        running,
        taken,
        status="stopped",
        best=taken,
        epochs=own,
        facts=facts,
        evaluation=evaluation(),
    )
    said = page_of(given).said

    assert "Trial 5-epoch4 scored 0.9700 val_accuracy in epoch 4 of 4" in said
    assert "It is what trial 5 was then: the time budget broke that off after it." in said
    assert "On the test set, opened 2 times, for the trials 3, 5-epoch4, since" in said
    assert "All 7 trials, what a time budget broke off included" in said
    assert [piece.trial for piece in segments(given, [])] == ["5"], (
        "the best is drawn as the trial that it was"
    )


def test_a_search_without_any_completed_trial_has_a_page() -> None:
    failed = record("0", failure=Failure("nan", "the loss is nan"))
    for given in (material(status="running"), material(failed), material(record("0", at=(0, None)))):
        said = page_of(given).said
        assert "No trial has completed yet." in said
    assert "the loss is nan" in page_of(material(failed)).said


def test_whatever_users_name_is_only_text(tmp_path: Path) -> None:
    from dataclasses import replace

    parameters = (*SPACE.parameters, Choice("label", (HOSTILE, "plain")))
    records = [
        replace(one, trial=replace(one.trial, values={**one.trial.values, "label": HOSTILE}))
        for one in HALVED
    ]
    picture = tmp_path / "a.png"
    Image.new("RGB", (4, 4)).save(picture)
    page = page_of(
        material(
            *records,
            record("9", failure=Failure("exception", HOSTILE)),
            space=replace(SPACE, name=HOSTILE, parameters=parameters),
            search=HOSTILE,
            evaluation=evaluation((HOSTILE, "dog")),
            facts={**FACTS, "data_name": HOSTILE, "machine": HOSTILE},
            commands={"resume": HOSTILE, "show": HOSTILE, "ui": HOSTILE, "train": HOSTILE},
            pictures=(Picture(picture, HOSTILE, HOSTILE, HOSTILE),),
        )
    )
    assert len(page.all("script")) == 1
    assert not [attributes for _, attributes in page.tags if "onerror" in attributes]
    assert [image["alt"] for image in page.all("img")] == [HOSTILE]
    assert HOSTILE in page.said
    assert page.text.count("<script>") == 1


def test_a_search_without_rungs_speaks_of_none() -> None:
    page = page_of(material(record("0", 0.5, bracket=0), record("1", 0.6, bracket=0)))
    assert "The way through the rungs" not in page.said
    assert "Every curve" in page.said
    assert "rung's colour" not in page.said


@pytest.mark.parametrize(("name", "said"), [("val_loss", True), ("val_log_loss", False)])
def test_what_kerass_loss_contains_is_said(name: str, said: bool) -> None:
    given = material(record("0", 0.5))
    space = replace(given.space, objective=OBJECTIVES[name])
    assert ("contains the trial&#39;s own penalties" in page_text(replace(given, space=space))) is said


def test_mistakes_are_the_most_frequent_first() -> None:
    assert mistakes(evaluation(("a", "b", "c"))) == [
        ("a", "b", 2, 0.2),
        ("b", "c", 2, 0.2),
        ("c", "a", 2, 0.2),
    ]


def test_a_thousand_classes_are_folded_away_but_for_the_weakest() -> None:
    names = tuple(f"species {number}" for number in range(1000))
    found = evaluation(names)
    weak = replace(found.classes[700], f1=0.1)
    found = replace(found, classes=(*found.classes[:700], weak, *found.classes[701:]))
    page = page_of(replace(material(*HALVED, epochs=EPOCHS), evaluation=found))
    assert "The 20 classes with the lowest F1 of 1,000" in page.said
    assert "All 1,000 classes" in page.said
    assert page.text.index("species 700<") < page.text.index("species 0<") < page.text.index("<details>")
    assert len(page.text) < 1_500_000


def test_a_thousand_trials_stay_small_and_say_how_many_are_drawn() -> None:
    page = Page(large_page())
    assert len(page.text) < 2_000_000
    assert f"{MOST_DRAWN} of 750 configurations are drawn" in page.said
    assert len(page.all("tr")) > 1000


def test_figures_are_plain_for_programs() -> None:
    import json

    found = json.loads(json.dumps(plain(compute(material(*HALVED, epochs=EPOCHS)))))
    assert set(found) == {"configurations", "brackets", "importance", "cross", "seconds", "failures"}
    assert found["configurations"][0] == {"trial": "3", "chain": ["1", "3"], "score": 0.95}


def test_charts_become_pictures_too(tmp_path: Path) -> None:
    given = material(*HALVED, epochs=EPOCHS)
    made = charts(given, compute(given))
    assert {"rungs", "curves", "parallel", "slices", "time"} <= set(made)
    for name, chart in made.items():
        with Image.open(png(chart, tmp_path / f"{name}.png")) as image:
            assert image.width >= 400
            assert len(image.convert("RGB").getcolors(1 << 20) or []) > 5, f"{name} is empty"


def test_a_panel_is_the_same_text_each_time() -> None:
    given = material(*HALVED, epochs=EPOCHS)
    panel = charts(given, compute(given))["slices"].panels[0]
    assert svg(panel, "p1") == svg(panel, "p1")
