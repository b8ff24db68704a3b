"""Arrays from a function of the user's own: called once, its test arrays sealed, its faults told with their place."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tunekit.data.prepared import open_arrays, prepare
from tunekit.data.python import _identities
from tunekit.data.sealed import open_test
from tunekit.errors import DataError
from tunekit.space.space import DataSpec

Write = Callable[[str], DataSpec]
HEAD = """
from pathlib import Path
import numpy as np

calls = Path(__file__).with_suffix(".calls")
x = np.arange(60 * 12, dtype=np.uint8).reshape(60, 2, 6)
y = np.arange(60) % 3


def load():
    calls.write_text(calls.read_text() + "x" if calls.exists() else "x")
"""
NUMBERS = itertools.count()


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a module with a function that ends with these lines; each module has a name of its own."""

    def at(lines: str, head: str = HEAD) -> DataSpec:
        name = f"own_data_{next(NUMBERS)}"
        body = "".join(f"    {line}\n" for line in lines.splitlines())
        (tmp_path / f"{name}.py").write_text(head + body)
        monkeypatch.syspath_prepend(tmp_path)
        return DataSpec("python", f"{name}:load")

    return at


def calls(tmp_path: Path, spec: DataSpec) -> int:
    return len((tmp_path / f"{spec.location.partition(':')[0]}.calls").read_text())


def fails(spec: DataSpec, cache: Path, *words: str) -> str:
    with pytest.raises(DataError) as caught:
        prepare(spec, cache)
    for word in (spec.location, *words):
        assert word in str(caught.value)
    assert not list(cache.glob("*"))
    return str(caught.value)


def test_a_whole_set_is_divided_for_good_by_one_call(write: Write, cache: Path, tmp_path: Path) -> None:
    spec = write("return x, y")
    prepared = prepare(spec, cache)
    x, y = open_arrays(prepared)
    assert (prepared.name, prepared.shape) == (f"python:{spec.location}", (2, 6, 1))
    assert (len(y), prepared.class_names) == (48, ("0", "1", "2"))
    test = open_test(spec, prepared)
    assert np.bincount(test.y).tolist() == [4, 4, 4]
    together = {image.tobytes() for image in [*x, *test.x]}
    assert len(together) == 60
    assert prepare(spec, cache) == prepared
    assert calls(tmp_path, spec) == 1


@pytest.mark.parametrize(
    "returned",
    [
        "x[:48], y[:48], x[48:], y[48:]",
        "dict(y_test=y[48:], x_test=x[48:], x_train=x[:48], y_train=y[:48])",
        "x[:48].tolist(), y[:48].tolist(), x[48:] / 255, y[48:, None]",
    ],
)
def test_parts(write: Write, cache: Path, returned: str) -> None:
    spec = write(f"return {returned}")
    prepared = prepare(spec, cache)
    x, y = open_arrays(prepared)
    test = open_test(spec, prepared)
    whole = np.arange(60 * 12, dtype=np.uint8).reshape(60, 2, 6, 1)
    assert np.array_equal(np.concatenate([x, test.x]), whole)
    assert np.array_equal(np.concatenate([y, test.y]), np.arange(60) % 3)


def test_vectors_and_labels_of_text(write: Write, cache: Path) -> None:
    spec = write('return x[:, 0] / 7, np.array(["cat", "ant", "bee"], object)[y]')
    prepared = prepare(spec, cache)
    assert (prepared.shape, prepared.dtype) == ((6,), "float32")
    assert prepared.class_names == ("ant", "bee", "cat")
    x, y = open_arrays(prepared)
    test = open_test(spec, prepared)
    everything = zip([*x, *test.x], [*y, *test.y], strict=True)
    first = np.arange(60 * 12, dtype=np.uint8).reshape(60, 2, 6)[:, 0]
    expected = {np.float32(row / 7).tobytes(): (n % 3 - 1) % 3 for n, row in enumerate(first)}
    assert {row.tobytes(): label for row, label in everything} == expected


def test_batches_are_put_together_as_arrays_are_returned(write: Write, cache: Path, tmp_path: Path) -> None:
    arrays, batches = (
        write("return x, y"),
        write("for n in range(0, 60, 7):\n    yield x[n : n + 7], y[n : n + 7]"),
    )
    one, other = prepare(arrays, cache), prepare(batches, cache)
    assert other.sha256 == one.sha256
    assert open_test(batches, other).sha256 == open_test(arrays, one).sha256
    assert calls(tmp_path, batches) == 1


def test_batches_of_vectors_with_labels_of_text(write: Write, cache: Path) -> None:
    spec = write("for n in range(60):\n    yield x[n : n + 1, 0] / 7, [('cat', 'ant', 'horse')[y[n]]]")
    prepared = prepare(spec, cache)
    assert (prepared.shape, prepared.class_names) == ((6,), ("ant", "cat", "horse"))
    assert len(open_test(spec, prepared).y) == 12


def test_mapped_arrays(write: Write, cache: Path) -> None:
    lines = "np.save(calls.with_suffix('.npy'), x / 255)\nreturn np.load(calls.with_suffix('.npy'), 'r'), y"
    spec = write(lines)
    assert prepare(spec, cache).sha256 == prepare(write("return x / 255, y"), cache).sha256


def test_test_arrays_are_put_aside_unread(write: Write, cache: Path) -> None:
    spec = write('return x, y, np.full(7, np.nan), np.array(["nonsense"])')
    prepared = prepare(spec, cache)
    with pytest.raises(DataError, match=r"x_test: expected images of shape .* got shape \(7,\)"):
        open_test(spec, prepared)


def test_damaged_test_arrays_are_made_anew(write: Write, cache: Path, tmp_path: Path) -> None:
    spec = write("return x, y")
    prepared = prepare(spec, cache)
    test = open_test(spec, prepared)
    (prepared.folder / "aside-x.npy").write_bytes(b"garbage")
    with pytest.raises(DataError, match="missing or damaged"):
        open_test(spec, prepared)
    assert prepare(spec, cache) == prepared
    assert open_test(spec, prepared).sha256 == test.sha256
    assert calls(tmp_path, spec) == 2


def test_another_process_notices_that_the_function_returns_something_else(
    write: Write, cache: Path, tmp_path: Path
) -> None:
    spec = write(
        "extra = Path(__file__).with_suffix('.extra').exists()\nreturn x[:48] + extra, y[:48], x[48:], y[48:]"
    )
    one = prepare(spec, cache)
    (tmp_path / f"{spec.location.partition(':')[0]}.extra").write_text("")
    _identities.clear()
    other = prepare(spec, cache)
    assert other.sha256 != one.sha256


def test_a_module_that_is_loaded_again_is_asked_again(write: Write, cache: Path, tmp_path: Path) -> None:
    """As in a notebook, whose process goes on after the function was edited."""
    spec = write("return x, y")
    one = prepare(spec, cache)
    module = sys.modules[spec.location.partition(":")[0]]
    path = tmp_path / f"{module.__name__}.py"
    path.write_text(path.read_text().replace("return x, y", "return 255 - x, y"))
    importlib.invalidate_caches()
    importlib.reload(module)
    assert prepare(spec, cache).sha256 != one.sha256


def test_what_it_prints_does_not_go_to_standard_output(
    write: Write, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(write("print('loading')\nreturn x, y"), cache)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "loading" in printed.err


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("return x", ["expected (x, y), or", "got ndarray", "Return arrays"]),
        ("return x, y, x", ["got tuple of 3"]),
        ("return {'x': x, 'label': y}", ["got x, label"]),
        ("return x, [None] * 60", ["y: expected", "Python objects"]),
        ("return [[1], [2, 3]], y", ["x: expected an array", "sequence"]),
        ("return x, y[:59]", ["y: expected as many labels as images, 60, got 59 labels"]),
        ("return x, y * 0", ["y: expected at least two classes"]),
        ("return x * 9.5, y", ["x: expected float64 images in 0..1"]),
        ("yield x, y\n1 / 0", [".py:13: expected", "got ZeroDivisionError"]),
        ("yield x, y\nopen('/nowhere')", [".py:13: expected", "got FileNotFoundError"]),
        ("yield x", ["batch 1: expected a batch (x, y), got ndarray. Yield two arrays"]),
        ("yield x, y\nyield x[:, :1], y", ["batch 2: expected examples like those before, uint8 of (2, 6)"]),
        ("yield x, y\nyield x / 2, y", ["batch 2", "got float64 of (2, 6)"]),
        ("yield x, y[:7]", ["batch 1: expected as many labels as examples, 60, got labels of shape (7,)"]),
        ("yield y, y", ["batch 1: expected an array of examples, got int64 of shape (60,)"]),
        ("return iter([])", ["expected batches of (x, y), got none"]),
        ("1 / 0", [".py:12: expected", "got ZeroDivisionError: division by zero. Mend the function."]),
        ("np.load('/nowhere.npy')", [".py:12: expected", "got FileNotFoundError"]),
        ("raise SystemExit(3)", [".py:12: expected", "got SystemExit: 3"]),
    ],
)
def test_faults(write: Write, cache: Path, lines: str, words: list[str]) -> None:
    text = fails(write(lines), cache, *words)
    assert "Traceback" not in text
    assert "\n" not in text


def test_a_module_that_cannot_be_imported(write: Write, cache: Path) -> None:
    fails(
        write("return x, y", "def load(:\n"), cache, ".py:1: expected", "got SyntaxError", "Mend the module"
    )
    fails(
        write("return x, y", "import nowhere_to_be_found\ndef load():\n"),
        cache,
        ".py:1",
        "nowhere_to_be_found",
    )
    fails(DataSpec("python", "nowhere.at_all:load"), cache, "there is no module nowhere.at_all")
    spec = write("return x, y")
    fails(DataSpec("python", spec.location.replace(":load", ":lode")), cache, "has no function lode")
