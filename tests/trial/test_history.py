"""The weights of the convolutions at some epochs: which are kept, that they come back, and that damage does no harm."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from tunekit.trial import history
from tunekit.trial.jobs import FEATURES

LAYERS = keras.layers


def convnet(filters: int = 2) -> keras.Model:
    return keras.Sequential(
        [
            LAYERS.Input((6, 6, 1)),
            LAYERS.Conv2D(filters, 3, name="one"),
            LAYERS.BatchNormalization(name="norm_one"),
            LAYERS.Dropout(0.5, seed=1),
            LAYERS.Conv2D(3, 2, name="two"),
            LAYERS.Activation("relu"),
            LAYERS.BatchNormalization(name="norm_two"),
            LAYERS.Flatten(),
            LAYERS.Dense(4, name="dense"),
            LAYERS.BatchNormalization(name="norm_dense"),
        ]
    )


def filled(model: keras.Model, value: float) -> keras.Model:
    for weight in model.weights:
        weight.assign(np.full(weight.shape, value))
    return model


def test_the_layers_up_to_the_last_convolution_and_its_normalisation_are_kept(tmp_path: Path) -> None:
    history.keep(tmp_path, filled(convnet(), 7), 1)

    kept = history.load(tmp_path)[1]

    layers = [path.split("/")[-2] for path in kept]
    assert sorted(set(layers)) == ["norm_one", "norm_two", "one", "two"]
    # Kernel and bias of each convolution; gamma, beta, mean and variance of each normalisation.
    assert len(layers) == 2 + 4 + 2 + 4
    assert all((array == 7).all() for array in kept.values())


def test_powers_of_two_and_the_last_epoch_stay(tmp_path: Path) -> None:
    model = convnet()
    for epoch in range(12):
        history.keep(tmp_path, filled(model, epoch), epoch)

    kept = history.load(tmp_path)

    assert list(kept) == [0, 1, 2, 4, 8, 11]
    for epoch, snapshot in kept.items():
        assert all((array == epoch).all() for array in snapshot.values())


def test_what_a_resumed_trial_trains_again_is_dropped(tmp_path: Path) -> None:
    model = convnet()
    for epoch in range(1, 9):
        history.keep(tmp_path, filled(model, epoch), epoch)

    history.keep(tmp_path, filled(model, 30), 3)

    kept = history.load(tmp_path)
    assert list(kept) == [1, 2, 3]
    assert all((array == 30).all() for array in kept[3].values())


def test_a_promoted_trial_begins_with_its_parents(tmp_path: Path) -> None:
    model = convnet()
    for epoch in range(1, 4):
        history.keep(tmp_path / "parent", filled(model, epoch), epoch)

    history.adopt(tmp_path / "parent", tmp_path / "snapshot", until=2)
    assert list(history.load(tmp_path / "snapshot")) == [1, 2]
    history.adopt(tmp_path / "parent", tmp_path / "child", until=3)
    assert list(history.load(tmp_path / "child")) == [1, 2, 3]
    history.keep(tmp_path / "child", filled(model, 4), 4)

    assert list(history.load(tmp_path / "child")) == [1, 2, 4]
    assert list(history.load(tmp_path / "parent")) == [1, 2, 3]
    assert [path.name for path in (tmp_path / "child").iterdir()] == [FEATURES]


def test_a_parent_without_a_history_leaves_the_childs(tmp_path: Path) -> None:
    history.keep(tmp_path / "child", convnet(), 1)

    history.adopt(tmp_path / "parent", tmp_path / "child", until=100)

    assert list(history.load(tmp_path / "child")) == [1]


def test_weights_come_back_into_a_model(tmp_path: Path) -> None:
    keras.utils.clear_session()
    history.keep(tmp_path, filled(convnet(), 3), 1)
    # As a trial's model is built: paths hold numbers that are counted within a session.
    keras.utils.clear_session()
    fresh = filled(convnet(), 5)

    history.apply(fresh, history.load(tmp_path)[1])

    assert (keras.ops.convert_to_numpy(fresh.get_layer("two").kernel) == 3).all()
    assert (keras.ops.convert_to_numpy(fresh.get_layer("norm_two").moving_mean) == 3).all()
    assert (keras.ops.convert_to_numpy(fresh.get_layer("dense").kernel) == 5).all()


def test_another_models_weights_are_refused(tmp_path: Path) -> None:
    history.keep(tmp_path, convnet(), 1)
    snapshot = history.load(tmp_path)[1]
    other = filled(convnet(filters=5), 5)

    with pytest.raises(ValueError, match="another model"):
        history.apply(other, snapshot)
    assert (keras.ops.convert_to_numpy(other.get_layer("one").kernel) == 5).all()
    kernels = [other.get_layer(name).kernel for name in ("one", "two")]
    assert not any(history.of_variables(tmp_path, other, kernels, [1]).values())


def test_some_variables_at_some_epochs(tmp_path: Path) -> None:
    model = convnet()
    for epoch in range(4):
        history.keep(tmp_path, filled(model, epoch), epoch)
    kernel, dense = model.get_layer("two").kernel, model.get_layer("dense").kernel

    found = history.of_variables(tmp_path, model, [kernel, dense], [1, 2, 9])

    assert {epoch: list(arrays) for epoch, arrays in found.items()} == {1: [id(kernel)], 2: [id(kernel)]}
    assert all((arrays[id(kernel)] == epoch).all() for epoch, arrays in found.items())


def test_a_model_without_convolutions_has_none(tmp_path: Path) -> None:
    model = keras.Sequential([LAYERS.Input((6, 6, 1)), LAYERS.Flatten(), LAYERS.Dense(2)])

    history.keep(tmp_path, model, 1)

    assert list(tmp_path.iterdir()) == []
    assert history.load(tmp_path) == {}


def test_of_a_large_model_the_first_layers_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The first convolution has 3*3*1*2 + 2 numbers.
    monkeypatch.setattr(history, "MOST", 20)
    history.keep(tmp_path, convnet(), 1)
    assert {path.split("/")[-2] for path in history.load(tmp_path)[1]} == {"one"}

    monkeypatch.setattr(history, "MOST", 19)
    history.keep(tmp_path / "none", convnet(), 1)
    assert history.load(tmp_path / "none") == {}


def test_nested_models_and_shared_layers(tmp_path: Path) -> None:
    shared = LAYERS.Conv2D(2, 3, padding="same", name="conv")
    inner = keras.Sequential([LAYERS.Input((6, 6, 2)), LAYERS.Conv2D(2, 3, name="conv")], name="inner")
    entry = keras.Input((6, 6, 2))
    model = keras.Model(entry, inner(shared(shared(entry))))

    history.keep(tmp_path, filled(model, 2), 1)
    snapshot = history.load(tmp_path)[1]
    assert len(snapshot) == 4
    history.apply(filled(model, 0), snapshot)

    assert all((keras.ops.convert_to_numpy(weight) == 2).all() for weight in model.weights)


def test_half_precision_is_kept_as_floats(tmp_path: Path) -> None:
    model = keras.Sequential([LAYERS.Input((6, 6, 1)), LAYERS.Conv2D(2, 3, dtype="bfloat16")])

    history.keep(tmp_path, filled(model, 1.5), 1)

    assert {array.dtype for array in history.load(tmp_path)[1].values()} == {np.dtype("float32")}


def test_there_is_no_pickle_in_it(tmp_path: Path) -> None:
    history.keep(tmp_path, convnet(), 1)
    with zipfile.ZipFile(tmp_path / FEATURES) as file:
        assert all(name.endswith(".npy") for name in file.namelist())

    np.savez(tmp_path / FEATURES, **{"1/conv": np.array([print], dtype=object)})
    assert history.load(tmp_path) == {}


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-50]),
        lambda path: path.write_bytes(path.read_bytes()[:100] + b"xxxx" + path.read_bytes()[104:]),
        lambda path: path.unlink(),
        lambda path: np.savez(path, something=np.zeros(3)),
    ],
    ids=["emptied", "cut short", "changed", "missing", "something else"],
)
def test_a_damaged_history_begins_anew(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    model = convnet()
    for epoch in (1, 2):
        history.keep(tmp_path, model, epoch)
    damage(tmp_path / FEATURES)

    assert history.load(tmp_path) == {}
    history.adopt(tmp_path, tmp_path / "child", until=100)
    history.keep(tmp_path, model, 3)

    assert list(history.load(tmp_path)) == [3]
    assert not (tmp_path / "child").exists()


def test_a_disk_that_takes_nothing_costs_no_trial(tmp_path: Path) -> None:
    (tmp_path / "trial").write_text("a file where the folder should be")

    history.keep(tmp_path / "trial", convnet(), 1)

    assert history.load(tmp_path / "trial") == {}
