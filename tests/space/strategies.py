"""Random spaces that are right, for tests that must hold for every space."""

from __future__ import annotations

import string
from dataclasses import replace

from hypothesis import strategies as st

from tunekit.results import Scalar, Values
from tunekit.space.conditions import possible_values
from tunekit.space.fitting import fitted
from tunekit.space.parameters import Choice, Conditions, Fixed, Parameter, Range
from tunekit.space.sections import OBJECTIVES, TUNERS
from tunekit.space.space import DataSpec, SearchSettings, Space, Verified
from tunekit.space.start import distinct

SAFE = st.characters(exclude_categories=("C", "Z"))
TEXTS = st.text(SAFE | st.just(" "), max_size=20) | st.sampled_from(
    ["no", "1e-3", "true", "~", "0x1", "- a", "a: b", "#"]
)
FULL_TEXTS = TEXTS.filter(bool)
WORDS = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=8)
NAMES = st.builds(str.__add__, st.sampled_from(string.ascii_letters + "_"), WORDS)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(-(2**63) + 1, 2**63 - 1)
VALUES: tuple[st.SearchStrategy[Scalar], ...] = (st.booleans(), WHOLE, FLOATS, TEXTS)


def choices(name: str) -> st.SearchStrategy[Parameter]:
    lists = [st.lists(values, min_size=2, max_size=5, unique=True) for values in VALUES]
    return st.one_of(lists).map(lambda values: Choice(name, tuple(values)))


@st.composite
def ranges(draw: st.DrawFn, name: str) -> Parameter:
    scale = draw(st.sampled_from(("linear", "log")))
    least = 1 if scale == "log" else -1000
    if draw(st.booleans()):
        whole = draw(st.lists(st.integers(least, 1000), min_size=2, max_size=2, unique=True).map(sorted))
        steps = st.integers(2, 9) if scale == "log" else st.integers(1, whole[1] - whole[0])
        return Range(name, *whole, draw(st.none() | steps), scale)
    bounds = st.floats(1e-9 if scale == "log" else -1e9, 1e9)
    low, high = draw(st.lists(bounds, min_size=2, max_size=2, unique=True).map(sorted))
    steps = st.floats(1.1, 9) if scale == "log" else st.sampled_from([(high - low) / 8, (high - low) / 3])
    step = draw(st.none() | steps)
    return Range(name, low, high, step if step and step > 0 else None, scale)


def parameters(name: str) -> st.SearchStrategy[Parameter]:
    fixed = st.one_of(*VALUES).map(lambda value: Fixed(name, value))
    return fixed | choices(name) | ranges(name)


@st.composite
def conditions(draw: st.DrawFn, above: list[Parameter]) -> Conditions:
    """Conditions on one parameter above, with those that it inherits."""
    parents = [parent for parent in above if possible_values(parent)]
    if not parents or draw(st.booleans()):
        return {}
    parent = draw(st.sampled_from(parents))
    possible = (possible_values(parent) or ())[:20]
    wanted = draw(st.lists(st.sampled_from(possible), min_size=1, max_size=3, unique=True))
    return {parent.name: tuple(wanted), **parent.when}


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    read: list[Parameter] = []
    for name in draw(st.lists(NAMES.map("own_".__add__), min_size=1, max_size=6, unique=True)):
        read.append(replace(draw(parameters(name)), when=draw(conditions(read))))
    tuner = draw(st.sampled_from([tuner for tuner in TUNERS if tuner != "grid"]))
    small = st.integers(2, 999)
    search = SearchSettings(
        tuner,  # type: ignore[arg-type]
        *draw(st.tuples(small, small, small, st.integers(0, 2**32 - 1))),
        *draw(st.tuples(st.none() | small, st.none() | small, small, small, st.integers(1, 9))),
    )
    made = Space(
        name=draw(WORDS),
        model=draw(st.just("mine.models:build")),
        data=draw(data()),
        parameters=tuple(read),
        objective=draw(st.sampled_from(list(OBJECTIVES.values()))),
        search=search,
        verified=draw(verified()) if all(isinstance(parameter, Fixed) for parameter in read) else None,
    )
    # The largest value of a range need not be one that its steps reach.
    extremes = (made.smallest(), made.largest())
    reached = [values for values in extremes if values and not outside(made, values)]
    starts = [values for values in reached if draw(st.booleans())]
    return replace(made, start=distinct(starts))


def outside(space: Space, values: Values) -> list[str]:
    return [
        each.name
        for each in space.parameters
        if each.name in values and fitted(each, values[each.name]) is None
    ]


def data() -> st.SearchStrategy[DataSpec]:
    places = st.sampled_from(
        [
            DataSpec("digits"),
            DataSpec("tfds", "mnist"),
            DataSpec("tfds", "emnist/letters:3.1.0"),
            DataSpec("npz", "/a b/#c: d.npz"),
            DataSpec("images", "/a, b/[c]"),
            DataSpec("images", "/a", size=(64, 48), channels=3),
            DataSpec("csv", "/a", label="a: b"),
            DataSpec("parquet", "/a", label="7", shape=(2, 3, 1), test="/b #c"),
            DataSpec("python", "mine.data:load"),
        ]
    )
    shares = st.floats(0, 1, exclude_min=True, exclude_max=True)
    names = FULL_TEXTS.filter("<<".__ne__)
    positive = st.floats(1e-6, 1e6)
    mappings = st.dictionaries(names, positive, min_size=1, max_size=3).map(
        lambda found: tuple(found.items())
    )
    weights = st.none() | st.just("balanced") | mappings
    return st.builds(
        lambda place, share, weight: replace(place, validation=share, class_weights=weight),
        places,
        shares,
        weights,
    )


def verified() -> st.SearchStrategy[Verified | None]:
    small = st.integers(1, 999)
    return st.none() | st.builds(
        Verified,
        search=FULL_TEXTS,
        trial=FULL_TEXTS,
        score=FLOATS,
        epochs=small,
        best_epoch=small,
        seed=small,
        threads=small,
        data_sha256=FULL_TEXTS,
        versions=st.dictionaries(FULL_TEXTS.filter("<<".__ne__), FULL_TEXTS, max_size=3),
        test=st.dictionaries(WORDS, FLOATS, max_size=3),
        machine=TEXTS,
        model_sha256=st.just("") | FULL_TEXTS,
    )
