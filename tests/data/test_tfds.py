"""TFDS: tiny sets written here and read through TFDS_DATA_DIR, and MNIST where it is prepared."""

from __future__ import annotations

import gc
import io
import os
import shutil
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.whole import whole
from tunekit.data import blocks, tfds_reader
from tunekit.data.images import Part, digest
from tunekit.data.placing import write
from tunekit.data.prepared import Prepared, open_arrays, prepare
from tunekit.data.sealed import open_test
from tunekit.data.tfds import Frames, Task, Tfds, receive
from tunekit.errors import DataError
from tunekit.space.space import DataSpec

Pair = tuple[np.ndarray, np.ndarray]
DIVERSE = [np.zeros((6 + number % 2, 6, 1), np.uint8) for number in range(8)]


PREPARED = Prepared(Path(), "", 3, (6, 6, 3), ("ant", "bee", "cow"), "", (), ())


def in_this_process(task: Task) -> Frames:
    """What the reader writes, without starting another process: TensorFlow is here already."""
    stream = io.BytesIO()
    tfds_reader.answer(task, stream)
    stream.seek(0)
    done = yield from receive(stream)
    assert done


def read(part: Part) -> Pair:
    """Examples and labels: those are known with these."""
    x = whole(part.x)
    return x, part.y


def store(folder: Path, name: str, shape: tuple[int | None, ...], **parts: Any) -> None:
    """Write a TFDS set as its users do."""
    import tensorflow_datasets as tfds

    features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=shape, dtype=np.uint8),
            "label": tfds.features.ClassLabel(names=["ant", "bee", "cow"]),
        }
    )
    rows = {
        part: [
            (number, {"image": image, "label": label})
            for number, (image, label) in enumerate(zip(*pair, strict=True))
        ]
        for part, pair in parts.items()
    }
    tfds.dataset_builders.store_as_tfds_dataset(
        name=name, version="1.0.0", data_dir=folder, features=features, split_datasets=rows
    )


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory, make_images: Callable[..., Pair]) -> Path:
    folder = tmp_path_factory.mktemp("tfds")
    train, test = make_images(channels=1), make_images(12, channels=1, seed=1)
    square = (6, 6, 1)
    store(folder, "tiny_both", square, train=train, test=test)
    store(folder, "tiny_validation", square, train=train, validation=test)
    store(folder, "tiny_whole", square, train=train)
    store(folder, "tiny_undeclared", (None, None, 1), train=train, test=test)
    store(folder, "tiny_diverse", (None, None, 1), train=(DIVERSE, np.arange(8) % 3), test=test)
    store(folder, "tiny_one_class", square, train=(train[0], np.zeros(60, int)), test=test)
    store(folder, "tiny_no_train", square, test=test)
    return folder


@pytest.fixture
def sets(stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that a test may damage, set as TFDS_DATA_DIR."""
    shutil.copytree(stored, tmp_path / "sets")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "sets"))
    return tmp_path / "sets"


def as_set(x: np.ndarray, y: np.ndarray) -> set[tuple[bytes, int]]:
    return {(image.tobytes(), int(label)) for image, label in zip(x, y, strict=True)}


def fails(location: str, *words: str, test: bool = False) -> None:
    source = Tfds(location, in_this_process)
    with pytest.raises(DataError) as caught:
        read(source.test(PREPARED) if test else source.train())
    for word in ("tfds", "expected", "got", *words):
        assert word in str(caught.value)


def test_training_never_opens_test_files(sets: Path, cache: Path, make_images: Callable[..., Pair]) -> None:
    """The whole way, decoding process included: the test files are deleted, and only open_test minds."""
    (test_file,) = (sets / "tiny_both").glob("**/*-test.*")
    test_file.unlink()
    spec = DataSpec("tfds", "tiny_both")
    prepared = prepare(spec, cache)
    assert as_set(*open_arrays(prepared)) == as_set(*make_images(channels=1))
    assert (prepared.name, prepared.count, prepared.shape) == ("tfds:tiny_both", 60, (6, 6, 1))
    assert prepared.class_names == ("ant", "bee", "cow")
    assert prepare(spec, cache) == prepared
    with pytest.raises(DataError) as caught:
        open_test(spec, prepared)
    for word in ("tfds:tiny_both: test", "missing or damaged", str(sets), "prepare the data set again"):
        assert word in str(caught.value)


@pytest.mark.parametrize("name", ["tiny_both", "tiny_validation", "tiny_undeclared", "tiny_both:1.0.0"])
def test_parts(sets: Path, make_images: Callable[..., Pair], name: str) -> None:
    source = Tfds(name, in_this_process)
    train, test = read(source.train()), read(source.test(PREPARED))
    assert as_set(*train) == as_set(*make_images(channels=1))
    assert as_set(*test) == as_set(*make_images(12, channels=1, seed=1))
    assert np.array_equal(train[0], read(source.train())[0])  # always in the same order


def test_a_set_without_a_test_part_is_divided_for_good(sets: Path, make_images: Callable[..., Pair]) -> None:
    source = Tfds("tiny_whole", in_this_process)
    train, test = read(source.train()), read(source.test(PREPARED))
    assert np.bincount(train[1]).tolist() == [16] * 3
    assert np.bincount(test[1]).tolist() == [4] * 3
    assert as_set(*train) | as_set(*test) == as_set(*make_images(channels=1))
    assert np.array_equal(test[0], read(source.test(PREPARED))[0])


def test_outcomes_are_those_of_ever(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They must never change: a search could not be resumed, its test part would no longer be unseen."""
    places = np.arange(60 * 36)
    x, y = (places * places * 7 % 251).astype(np.uint8).reshape(60, 6, 6, 1), np.arange(60) % 3
    store(tmp_path, "tiny_whole", (6, 6, 1), train=(x, y))
    store(tmp_path, "tiny_undeclared", (None, None, 1), train=(x, y), test=(x[:12], y[:12]))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(blocks, "CHUNK", 7)
    found = []
    for name in ("tiny_whole", "tiny_undeclared"):
        source = Tfds(name, in_this_process)
        for part in (source.train(), source.test(PREPARED)):
            found.append(digest(*read(part))[:16])
    assert found == ["d2537e12faa0f52d", "f034b7753db8a2a3", "d4efbec1e0c0916e", "1f6059f99e9f8c6e"]


def test_a_fraction_of_the_images_is_in_memory(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what Python and NumPy take, on both ends of the pipe."""
    x = np.random.default_rng(0).integers(0, 256, (512, 52, 52, 3), np.uint8)
    store(tmp_path, "tiny_large", (52, 52, 3), train=(x, np.arange(512) % 3))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(blocks, "CHUNK_BYTES", 2**16)

    def through_a_pipe(task: Task) -> Frames:
        ends = os.pipe()
        with os.fdopen(ends[0], "rb") as stream, os.fdopen(ends[1], "wb") as out:
            writer = threading.Thread(target=tfds_reader.answer, args=(task, out))
            writer.start()
            yield from receive(stream)
            writer.join()

    source = Tfds("tiny_large", through_a_pipe)
    write(source.train(), source.name, cache / "first")  # imports what there is to be imported
    tracemalloc.start()
    try:
        prepared = write(source.train(), source.name, cache / "second")
        highest = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert prepared.count == 410
    assert highest < x.nbytes / 4


def test_a_part_that_nobody_reads_on_leaves_no_process(sets: Path) -> None:
    import psutil

    part = Tfds("tiny_both").train()
    (child,) = psutil.Process().children()
    del part
    gc.collect()
    assert not child.is_running()


def test_identity_follows_training_files_only(sets: Path) -> None:
    source = Tfds("tiny_both")
    before = source.identity()
    (test_file,) = (sets / "tiny_both").glob("**/*-test.*")
    test_file.unlink()
    assert source.identity() == before
    (train_file,) = (sets / "tiny_both").glob("**/*-train.*")
    os.utime(train_file, (1, 1))
    assert source.identity() != before


def test_images_of_differing_sizes(sets: Path) -> None:
    fails("tiny_diverse", "images of one size", "(6, 6, 1)", "(7, 6, 1)", "Resize", ".npz")


def test_one_class_and_no_training_part(sets: Path) -> None:
    fails("tiny_one_class", "at least two classes")
    fails("tiny_no_train", "a part named train", "the parts test")


@pytest.mark.parametrize("name", ["tiny_both", "tiny_undeclared", "tiny_whole"])
def test_damaged_training_files(sets: Path, name: str) -> None:
    (file,) = (sets / name).glob("**/*-train.*")
    content = file.read_bytes()
    for damaged in (
        content[:-9],
        content[: len(content) // 2] + b"?" + content[len(content) // 2 + 1 :],
        b"",
    ):
        file.write_bytes(damaged)
        fails(name, str(sets / name), "prepare the data set again")
    file.unlink()
    fails(name, str(sets / name), "prepare the data set again")


def test_damaged_description(sets: Path) -> None:
    (file,) = (sets / "tiny_both").glob("**/dataset_info.json")
    file.write_text('{"name": ')
    fails("tiny_both", str(sets / "tiny_both"), "again")


@pytest.mark.skipif(shutil.which("false") is None, reason="needs a program that fails")
def test_a_program_bug_is_not_taken_for_a_users_mistake(sets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(RuntimeError, match="ended with 1"):
        Tfds("tiny_both").train()


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("mnst", ["'mnst'", "Did you mean mnist"]),
        ("qqqqqqq", ["catalogue"]),
        ("mnist:9.9.9", ["9.9.9", "3.0.1"]),
        ("cifar10_corrupted/nope", ["nope"]),
        ("../mnist", ["name/config:1.2.3"]),
        ("", ["name/config:1.2.3"]),
        ("mnist\n", ["name/config:1.2.3"]),
        ("imagenet2012", ["by hand", "https://www.tensorflow.org/datasets/catalog/imagenet2012"]),
        ("coco", ["coco"]),
    ],
)
def test_names_that_cannot_be_read(sets: Path, location: str, words: list[str], no_network: None) -> None:
    fails(location, *words)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that nobody answers for, so that nothing is ever downloaded."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_a_set_that_is_not_there_without_a_network(sets: Path, cache: Path, no_network: None) -> None:
    with pytest.raises(DataError) as caught:
        prepare(DataSpec("tfds", "kmnist"), cache)
    text = str(caught.value)
    for word in (
        "tfds:kmnist",
        str(sets),
        "cannot be reached",
        "python -c \"import tensorflow_datasets as tfds; tfds.load('kmnist')\"",
        "copy its folder ~/tensorflow_datasets/kmnist",
        "TFDS_DATA_DIR",
    ):
        assert word in text
    assert "\n" not in text
    assert not (sets / "kmnist").exists()
    assert not cache.exists()


def test_a_download_that_fails(sets: Path, no_network: None) -> None:
    """The server answered, the download then fails: one error with the same remedy."""
    with pytest.raises(DataError, match="download failed") as caught:
        Tfds("kmnist", in_this_process)._download()
    assert "tfds.load('kmnist')" in str(caught.value)


def test_this_process_stays_free_of_tensorflow(sets: Path) -> None:
    """Finding a prepared set and its identity must be quick and take no GPU."""
    code = (
        "import sys; from tunekit.data.tfds import Tfds\n"
        "source = Tfds('tiny_both'); source.identity(); source._features(source._prepared_builder())\n"
        "print({'tensorflow', 'keras'} & set(sys.modules))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert (done.stdout.strip(), done.stderr) == ("set()", "")


MNIST = Path(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser() / "mnist"


needs_mnist = pytest.mark.skipif(not MNIST.exists(), reason="MNIST is not prepared on this machine")


@needs_mnist
def test_format_of_mnist() -> None:
    test = Tfds("mnist", in_this_process).test(PREPARED)
    x, y = read(test)
    assert (x.shape, test.class_names) == ((10000, 28, 28, 1), tuple("0123456789"))
    assert np.bincount(y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@needs_mnist
@pytest.mark.long
def test_mnist_is_prepared_whole(cache: Path) -> None:
    prepared = prepare(DataSpec("tfds", "mnist"), cache)
    assert (prepared.count, prepared.shape) == (60000, (28, 28, 1))
    assert prepared.mean[0] == pytest.approx(0.1307, abs=1e-4)
    assert prepared.std[0] == pytest.approx(0.3081, abs=1e-4)
    _, y = open_arrays(prepared)
    assert np.bincount(y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
