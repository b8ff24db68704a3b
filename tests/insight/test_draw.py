"""The pictures: written, of sensible size, not blank, and drawn for odd models too."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from tunekit.insight.canvas import BROKEN, Box, Scale, fitted, photographs, short_name
from tunekit.insight.convolutions import Filters
from tunekit.insight.curves import draw_curves, draw_reading
from tunekit.insight.draw import drawings
from tunekit.insight.look import Activation, Look, Summary, look
from tunekit.insight.reading import Reading
from tunekit.insight.stages import draw_stages
from tunekit.results import Epoch

LAYERS = keras.layers
NAMES = ("left", "right", "top")


def draw(seen: Look, epochs: Sequence[Epoch], borders: Sequence[int], title: str, folder: Path) -> list[Path]:
    """All pictures there are, as a trial's are drawn."""
    with np.errstate(all="ignore"):
        drawn = [drawing.draw() for drawing in drawings(seen, epochs, borders, title, folder)]
    return [path for path in drawn if isinstance(path, Path)]


def curve(epochs: int, **other: float) -> list[Epoch]:
    return [
        Epoch(
            n,
            {
                "loss": 2 / n,
                "accuracy": 1 - 1 / n,
                "val_loss": 2.2 / n,
                "val_accuracy": 0.9 - 0.9 / n,
                **other,
            },
            1.0,
        )
        for n in range(1, epochs + 1)
    ]


def images(channels: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 8, 8, channels), dtype=np.uint8)


def see(layers: list[keras.Layer], channels: int = 3) -> Look:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([LAYERS.Input((8, 8, channels)), *layers])
    return look(model, images(channels), np.arange(6) % 3, NAMES)


def convnet() -> Look:
    return see(
        [
            LAYERS.Conv2D(4, 3, activation="relu"),
            LAYERS.Conv2D(9, 2, name="a b"),
            LAYERS.Flatten(),
            LAYERS.Dense(3),
        ]
    )


def recurrent() -> Look:
    return see(
        [LAYERS.Reshape((8, 8)), LAYERS.GRU(5, return_sequences=True), LAYERS.LSTM(4), LAYERS.Dense(3)], 1
    )


def check(paths: list[Path]) -> None:
    """Every picture is a whole PNG of the common width, small on disk, with something on it."""
    for path in paths:
        with Image.open(path) as image:
            image.load()
            assert image.format == "PNG"
            assert image.width == 700
            assert 60 <= image.height <= 2000
            assert np.asarray(image).std() > 3, path.name
        assert path.stat().st_size < 900_000


def test_pictures_of_a_convolutional_model(tmp_path: Path) -> None:
    paths = draw(convnet(), curve(9), [1, 3], "trial 7", tmp_path / "new" / "folder")
    assert [path.name for path in paths] == [
        "curves.png",
        "filters.png",
        "filters_a_b.png",
        "activations.png",
    ]
    check(paths)


def test_pictures_of_a_recurrent_model(tmp_path: Path) -> None:
    paths = draw(recurrent(), curve(1), [], "trial 7", tmp_path)
    names = ["curves.png", "activations.png", "kernels.png", "hidden.png", "gates.png"]
    assert [path.name for path in paths] == names
    check(paths)


def test_accuracy_by_step_is_drawn_where_it_is_known(tmp_path: Path) -> None:
    for count in (1, 28, 64):
        steps = np.arange(1, count + 1)
        reading = Reading("gru", steps, steps / count, classes=10, images=256)
        check([draw_reading(reading, "trial 7", tmp_path / f"{count}.png")])
    nothing = Reading("gru", np.arange(1, 5), np.zeros(4), classes=10, images=3)
    check([draw_reading(nothing, "trial 7", tmp_path / "nothing.png")])


def test_gates_that_have_no_bounds_are_drawn(tmp_path: Path) -> None:
    # Scaled: gates without bounds make of large inputs a chaos, in which the last bit changes every state.
    scale, rows = LAYERS.Rescaling(1 / 255), LAYERS.Reshape((8, 8))
    seen = see([scale, rows, LAYERS.GRU(5, recurrent_activation="relu"), LAYERS.Dense(3)], 1)
    check(draw(seen, curve(1), [], "t", tmp_path))
    assert (tmp_path / "gates.png").exists()


def test_the_grid_has_a_small_picture_for_each_layer_and_epoch(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    last = [
        Filters(name, random.normal(size=shape))
        for name, shape in (("a.b", (5, 5, 3, 32)), ("deep", (3, 3, 32, 64)), ("one", (1, 1, 2, 1)))
    ]
    first = [Filters(each.layer, each.kernel / 10) for each in last]
    last[2] = Filters("one", np.full((1, 1, 2, 1), np.nan))

    paths = draw_stages({1: first, 27: last}, tmp_path / "images")

    assert [path.name for path in paths] == [
        f"filters_{name}.{epoch}.png" for name in ("a.b", "deep", "one") for epoch in (1, 27)
    ]
    # MLflow reduces what is larger.
    assert all(Image.open(path).size == (256, 256) for path in paths)
    # On one common scale the first epoch's weights, a tenth of the last's, are pale.
    early, late = (np.asarray(Image.open(path).convert("L"), float)[40:200, 40:200] for path in paths[2:4])
    assert early.std() < late.std() / 2


def test_without_convolutions_the_grid_is_empty(tmp_path: Path) -> None:
    assert draw_stages({1: (), 3: ()}, tmp_path / "images") == []
    assert not (tmp_path / "images").exists()


def test_pictures_come_out_the_same_in_threads(tmp_path: Path) -> None:
    seen = convnet()
    with ThreadPoolExecutor(4) as pool:
        folders = [tmp_path / str(n) for n in range(4)]
        written = list(pool.map(lambda folder: draw(seen, curve(9), [3], "t", folder), folders))
    for paths in zip(*written, strict=True):
        assert len({path.read_bytes() for path in paths}) == 1


def test_borders_are_drawn_between_rungs_only(tmp_path: Path) -> None:
    def pixels(name: str, borders: list[int]) -> np.ndarray:
        return np.asarray(Image.open(draw_curves(curve(9), borders, "t", tmp_path / name)))[:230]

    assert np.array_equal(pixels("a.png", []), pixels("b.png", [9, 27]))
    changed = (pixels("c.png", [3]) != pixels("d.png", [3, 6])).any(axis=(0, 2))
    # One line in each of the two panels, from top to bottom.
    assert 2 <= changed.sum() <= 10
    left, right = np.flatnonzero(changed)[[0, -1]]
    assert left < 350 < right


@pytest.mark.parametrize(
    "epochs",
    [
        [],
        curve(1),
        curve(200),
        [Epoch(1, {}, 1.0)],
        [Epoch(1, {"loss": 1.0}, 1.0)],
        [Epoch(4, {"loss": 1.0, "mae": 0.3, "val_loss": 2.0, "val_mae": 0.2}, 1.0)],
        curve(4, loss=float("nan"), val_loss=float("inf")),
        [*curve(3), Epoch(4, {"loss": 1e30, "accuracy": 0.1}, 1.0)],
    ],
    ids=["none", "one", "many", "no metrics", "loss alone", "another metric", "not finite", "burst"],
)
def test_any_curve(tmp_path: Path, epochs: list[Epoch]) -> None:
    check([draw_curves(epochs, [1, 3], "trial $1 _ 2", tmp_path / "curves.png")])


def test_a_model_with_nothing_to_look_at_has_its_curve(tmp_path: Path) -> None:
    seen = see([LAYERS.Flatten(), LAYERS.Rescaling(0.1)])
    assert [path.name for path in draw(seen, curve(3), [], "t", tmp_path)] == ["curves.png"]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e38])
@pytest.mark.parametrize("make", ["convolutional", "recurrent"])
def test_a_diverged_model_is_drawn_as_such(tmp_path: Path, value: float, make: str) -> None:
    layers = {
        "convolutional": [LAYERS.Conv2D(4, 3, activation="relu"), LAYERS.Conv2D(2, 2), LAYERS.Flatten()],
        "recurrent": [LAYERS.Reshape((8, 24)), LAYERS.SimpleRNN(4, activation="relu")],
    }[make]
    model = keras.Sequential([LAYERS.Input((8, 8, 3)), *layers, LAYERS.Dense(3)])
    model.set_weights([np.full_like(weight, value) for weight in model.get_weights()])
    paths = draw(look(model, images(3), np.arange(6) % 3, NAMES), curve(2), [], "t", tmp_path)
    check(paths)
    picture = np.asarray(Image.open(tmp_path / "activations.png"))
    assert (picture == BROKEN).all(axis=-1).any()


def test_odd_shapes_are_drawn(tmp_path: Path) -> None:
    """One filter, one unit, many channels, no class name, long names, more layers than there is room for."""
    layers = [LAYERS.Conv2D(1, 1, name="x" * 200), LAYERS.Conv2D(70, (1, 7), padding="same")]
    layers += [LAYERS.Conv2D(2, 3, padding="same") for _ in range(9)]
    layers += [
        LAYERS.Reshape((8, 16)),
        LAYERS.Conv1D(3, 2),
        LAYERS.Dense(2),
        LAYERS.Flatten(),
        LAYERS.Dense(1),
    ]
    model = keras.Sequential([LAYERS.Input((8, 8, 2)), *layers])
    seen = look(model, images(2), np.array([0, 1, 2, 3, 400, -1]), ("a",))
    check(draw(seen, curve(2), [], "t" * 300, tmp_path))


def test_recurrent_layers_too_wide_for_the_page(tmp_path: Path) -> None:
    seen = see(
        [
            LAYERS.Reshape((96, 2)),
            LAYERS.LSTM(200, return_sequences=True),
            *[LAYERS.GRU(150, return_sequences=True) for _ in range(4)],
        ]
    )
    check(draw(seen, [], [], "t", tmp_path))


def test_no_images_draw_what_needs_none(tmp_path: Path) -> None:
    kernel = np.zeros((3, 3, 3, 2), np.float32)
    seen = Look(images(3)[:0], np.zeros(0, int), NAMES, filters=(Filters("conv", kernel),))
    assert [path.name for path in draw(seen, curve(1), [], "t", tmp_path)] == ["curves.png", "filters.png"]


@pytest.mark.parametrize("value", [0.0, -3e37, 1e-30])
@pytest.mark.parametrize("dead", [1.0, None])
def test_a_layer_that_always_answers_the_same_is_drawn(
    tmp_path: Path, value: float, dead: float | None
) -> None:
    summary = Summary(value, 0.0, 0.0, value, value, dead, 0.0)
    layer = Activation("stuck", "dense", np.full((6, 5), value, np.float32), summary)
    seen = Look(images(3), np.arange(6) % 3, NAMES, activations=(layer,))
    check(draw(seen, curve(1), [], "t", tmp_path))


def test_scales_are_common_and_centred() -> None:
    scale = Scale.signed(np.array([-1.0, 0.5]), np.array([2.0]))
    assert scale.low == -scale.high
    red, green, blue = scale.paint(np.array(0.0))
    assert min(red, green, blue) > 240
    assert Scale.of(np.array([0.0, 1.0])).low == 0
    np.testing.assert_array_equal(scale.paint(np.array([np.nan, np.inf])), [BROKEN, BROKEN])


def test_output_of_many_classes_shows_those_that_are_said_most(tmp_path: Path) -> None:
    names = tuple(f"species number {number}" for number in range(1000))
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [LAYERS.Input((8, 8, 3)), LAYERS.Flatten(), LAYERS.Dense(1000, activation="softmax")]
    )
    seen = look(model, images(3), np.arange(6) * 199, names)
    check(draw(seen, curve(2), (), "trial 1", tmp_path))


def test_vectors_are_drawn_as_rows_of_grey() -> None:
    found = photographs(np.array([[0.0, -2.0, 2.0], [5.0, 5.0, 5.0]]))
    assert found.shape == (2, 1, 3, 3)
    assert found[..., 0].tolist() == [[[127, 0, 255]], [[0, 0, 0]]]


def test_names_that_only_their_ends_tell_apart_stay_apart() -> None:
    assert short_name("species number 123", 12) == "specie…r 123"
    assert short_name("ant", 12) == "ant"
    assert len(short_name("x" * 99, 12)) == 12


def test_images_keep_their_proportions() -> None:
    assert Box(1, 1, 4, 2).fit(10, 10) == Box(2, 1, 2, 2)
    assert Box(0, 0, 3, 3).fit(100, 50) == Box(0.75, 0, 1.5, 3)
    assert Box(0, 0, 6, 6).fit(1, 600) == Box(0, 2.5, 6, 1)
    tall = fitted(np.zeros((2, 8, 4, 3), np.uint8), 10)
    assert tall.shape == (2, 10, 10, 3)
    assert (tall[0, :, :, 0] == 0).sum(axis=1).tolist() == [5] * 10
    square = np.arange(48, dtype=np.uint8).reshape(1, 4, 4, 3)
    assert np.array_equal(fitted(square, 4), square)
