"""A trial's state on disk: what is in it, that it is whole or not there, and that damage is found."""

from __future__ import annotations

import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from tunekit.errors import StoreError
from tunekit.results import Epoch
from tunekit.trial import checkpoint
from tunekit.trial.checkpoint import DamagedCheckpoint, Progress

PROGRESS = Progress(
    [Epoch(1, {"val_accuracy": 0.1 + 0.2, "loss": 1e-300}, 0.5), Epoch(2, {"val_accuracy": 0.2}, 1.0)], 0.2, 2
)


def variables(*shapes: tuple[int, ...], fill: float = 0.0, dtype: str = "float32") -> list[keras.Variable]:
    return [keras.Variable(np.full(shape, fill), dtype=dtype) for shape in shapes]


def values_of(found: list[keras.Variable]) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(variable) for variable in found]


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "trial" / checkpoint.LAST
    checkpoint.save(path, variables((2, 3), (4,), fill=7), PROGRESS)
    return path


def test_everything_comes_back_as_it_was(tmp_path: Path) -> None:
    stored = [
        keras.Variable(np.random.default_rng(0).normal(size=(3, 4)), dtype="float32"),
        keras.Variable(2**40 + 1, dtype="int64"),
        keras.Variable(np.array([1, 2**32 - 1]), dtype="uint32"),
        keras.Variable(np.zeros((0, 3)), dtype="float32"),
        keras.Variable(1.5, dtype="bfloat16"),
        keras.Variable(np.array([0.1, -0.0]), dtype="float16"),
    ]
    fresh = [keras.Variable(keras.ops.zeros_like(variable), dtype=variable.dtype) for variable in stored]
    checkpoint.save(tmp_path / "last.npz", stored, PROGRESS)

    progress = checkpoint.load(tmp_path / "last.npz", fresh)

    assert progress == PROGRESS
    assert progress.epoch == 2
    for one, two in zip(values_of(stored), values_of(fresh), strict=True):
        assert one.dtype == two.dtype
        assert one.tobytes() == two.tobytes()


def test_nothing_but_the_file_is_left(saved: Path) -> None:
    assert files(saved.parent) == ["last.npz"]
    checkpoint.save(saved, variables((2, 3), (4,), fill=8), PROGRESS)
    assert files(saved.parent) == ["last.npz"]


def test_there_is_no_pickle_in_it(saved: Path) -> None:
    with zipfile.ZipFile(saved) as file:
        for name in file.namelist():
            assert name.endswith(".npy")
            with file.open(name) as member:
                assert np.lib.format.read_magic(member) == (1, 0)
                assert not np.lib.format.read_array_header_1_0(member)[2].hasobject


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "last.npz", v00000=np.array([print], dtype=object), progress=np.zeros(1))

    assert checkpoint.intact(tmp_path / "last.npz")
    with pytest.raises(DamagedCheckpoint):
        checkpoint.load(tmp_path / "last.npz", variables((1,)))


@pytest.mark.parametrize(
    "shapes",
    [[(2, 3)], [(2, 3), (4,), (1,)], [(3, 2), (4,)], [(4,), (2, 3)], [(2, 3), (4, 1)], []],
    ids=str,
)
def test_another_models_checkpoint_is_refused(saved: Path, shapes: list[tuple[int, ...]]) -> None:
    others = variables(*shapes, fill=1)

    with pytest.raises(DamagedCheckpoint, match="it belongs to another model"):
        checkpoint.load(saved, others)

    assert all((array == 1).all() for array in values_of(others))


def test_a_missing_file(tmp_path: Path) -> None:
    assert not checkpoint.intact(tmp_path / "last.npz")
    with pytest.raises(DamagedCheckpoint):
        checkpoint.load(tmp_path / "last.npz", variables((1,)))


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.long), 17])
def test_a_file_cut_short_anywhere_is_found(saved: Path, step: int) -> None:
    whole = saved.read_bytes()
    fresh = variables((2, 3), (4,))
    for length in range(0, len(whole), step):
        saved.write_bytes(whole[:length])
        with pytest.raises(DamagedCheckpoint):
            checkpoint.load(saved, fresh)
    assert all((array == 0).all() for array in values_of(fresh))


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.long), 7])
def test_a_changed_byte_anywhere_is_found_or_does_no_harm(saved: Path, step: int) -> None:
    whole = saved.read_bytes()
    harmless = 0
    for place in range(0, len(whole), step):
        for bits in (0x01, 0x80, 0xFF):
            saved.write_bytes(whole[:place] + bytes([whole[place] ^ bits]) + whole[place + 1 :])
            fresh = variables((2, 3), (4,))
            try:
                progress = checkpoint.load(saved, fresh)
            except DamagedCheckpoint:
                continue
            # Dates and the like, which nothing is read from.
            harmless += 1
            assert progress == PROGRESS
            assert all((array == 7).all() for array in values_of(fresh))
    assert harmless < 3 * len(whole) / step / 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\0" * path.stat().st_size),
        lambda path: path.write_text("not a checkpoint"),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: np.savez(path, v00000=np.zeros((2, 3)), v00001=np.zeros(4)),
        lambda path: np.savez(path, v00000=np.zeros((2, 3)), v00001=np.zeros(4), progress=np.zeros(3)),
    ],
    ids=["emptied", "zeros", "text", "a folder", "no progress", "bad progress"],
)
def test_other_damage_is_found(saved: Path, damage: Callable[[Path], object]) -> None:
    damage(saved)

    with pytest.raises(DamagedCheckpoint):
        checkpoint.load(saved, variables((2, 3), (4,)))


def test_a_copy_is_the_same_to_the_byte(saved: Path, tmp_path: Path) -> None:
    checkpoint.adopt(saved, tmp_path / "child" / "best.npz")

    assert (tmp_path / "child" / "best.npz").read_bytes() == saved.read_bytes()
    assert files(tmp_path / "child") == ["best.npz"]


def test_leftovers_are_swept_away(saved: Path) -> None:
    (saved.parent / ".last.npz.123").write_bytes(b"half")
    (saved.parent / ".best.npz.123").write_bytes(b"half")

    checkpoint.sweep(saved.parent)
    checkpoint.sweep(saved.parent / "nowhere")

    assert files(saved.parent) == ["last.npz"]


def test_a_disk_that_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "trial").write_text("a file where the folder should be")

    with pytest.raises(StoreError, match=r"last.npz: the checkpoint could not be written: .*Free space"):
        checkpoint.save(tmp_path / "trial" / "last.npz", variables((1,)), PROGRESS)


KILLED = """
import os, sys
os.environ["KERAS_BACKEND"] = "numpy"
import keras, numpy
from pathlib import Path
from tunekit.trial.checkpoint import Progress, save
path = Path(sys.argv[1])
variables = [keras.Variable(numpy.zeros(100_000)) for _ in range(5)]
print("ready", flush=True)
number = 0
while True:
    number += 1
    for variable in variables:
        variable.assign(numpy.full(100_000, number))
    save(path, variables, Progress([], number, number))
"""


@pytest.mark.parametrize("kills", [1, pytest.param(60, marks=pytest.mark.long)])
def test_a_kill_at_any_instant_leaves_a_whole_file(tmp_path: Path, kills: int) -> None:
    path = tmp_path / "last.npz"
    random = np.random.default_rng()
    for _ in range(kills):
        with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            try:
                process.wait(0.1 + random.random() / 5)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        fresh = variables(*[(100_000,)] * 5)
        progress = checkpoint.load(path, fresh)
        assert all((array == progress.best_epoch).all() for array in values_of(fresh))


def test_metrics_are_no_part_of_a_trials_state() -> None:
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dropout(0.5)(keras.layers.Dense(2)(inputs)))
    model.compile("adam", "mse", metrics=["mae"])
    model.optimizer.build(model.trainable_variables)
    model.train_on_batch(np.zeros((2, 3)), np.zeros((2, 2)))

    inside = [variable.path for variable in checkpoint.model_variables(model)]
    everything = [variable.path for variable in checkpoint.all_variables(model)]

    assert len(inside) == 3  # kernel, bias, the dropout's random state
    assert any("seed" in path for path in inside)
    assert everything[:3] == inside
    assert len(everything) == 3 + 2 + 4
