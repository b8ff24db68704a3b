"""The cache: made once, verified, made anew when damaged, safe with two processes at once."""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunekit.data.images import digest
from tunekit.data.prepared import Prepared, open_arrays, prepare
from tunekit.errors import DataError, StoreError
from tunekit.space.space import DataSpec

Write = Callable[..., DataSpec]
FILES = ["x.npy", "y.npy", "info.json"]


def state(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    path.write_bytes(b"\x93NUMPY garbage \xff" * 9)


DAMAGES: list[Callable[[Path], None]] = [truncate, flip, empty, garbage, Path.unlink]


def test_record_is_small_and_picklable(npz: Write, cache: Path) -> None:
    prepared = prepare(npz(), cache)
    content = pickle.dumps(prepared)
    assert len(content) < 2000
    assert pickle.loads(content) == prepared
    assert prepared.folder.parent == cache
    assert sorted(path.name for path in prepared.folder.iterdir()) == sorted(FILES)


def test_record_describes_the_arrays(npz: Write, cache: Path) -> None:
    prepared = prepare(npz(), cache)
    x, y = open_arrays(prepared)
    assert (x.dtype, y.dtype) == (np.uint8, np.int64)
    assert x.shape == (prepared.count, *prepared.shape)
    assert digest(x, y) == prepared.sha256
    assert np.allclose(prepared.mean, (x / 255).mean(axis=(0, 1, 2)))
    assert np.allclose(prepared.std, (x / 255).std(axis=(0, 1, 2)))


def test_arrays_are_mapped_and_read_only(npz: Write, cache: Path) -> None:
    x, y = open_arrays(prepare(npz(), cache))
    assert not x.flags.owndata
    for array in (x, y):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_second_time_takes_what_is_there(npz: Write, cache: Path) -> None:
    spec = npz()
    one = prepare(spec, cache)
    before = state(one.folder)
    assert prepare(spec, cache) == one
    assert state(one.folder) == before
    assert [path.name for path in cache.iterdir()] == [one.folder.name]


def test_relative_cache_gives_an_absolute_folder(
    npz: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert prepare(npz(), Path("cache")).folder.parent == tmp_path / "cache"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_cache_is_made_anew(
    npz: Write, cache: Path, name: str, damage: Callable[[Path], None]
) -> None:
    spec = npz()
    one = prepare(spec, cache)
    kept, _ = open_arrays(one)
    content = kept.copy()
    if damage is not truncate:  # a mapped file must not shrink
        damage(one.folder / name)
    else:
        del kept
        damage(one.folder / name)
    assert prepare(spec, cache) == one
    x, y = open_arrays(one)
    assert np.array_equal(x, content)
    assert digest(x, y) == one.sha256
    assert [path.name for path in cache.iterdir()] == [one.folder.name]


@pytest.mark.parametrize("name", FILES[:2])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_arrays_are_never_handed_out(
    npz: Write, cache: Path, name: str, damage: Callable[[Path], None]
) -> None:
    prepared = prepare(npz(), cache)
    open_arrays(prepared)
    damage(prepared.folder / name)
    with pytest.raises(DataError) as caught:
        open_arrays(prepared)
    for word in (str(prepared.folder), "npz:set.npz", "missing or damaged", "Start the command again"):
        assert word in str(caught.value)


def test_arrays_of_another_set_are_not_handed_out(npz: Write, cache: Path) -> None:
    prepared = prepare(npz(), cache)
    with pytest.raises(DataError):
        open_arrays(replace(prepared, sha256="0" * 64))
    with pytest.raises(DataError):
        open_arrays(replace(prepared, folder=cache / "none"))


def test_a_file_in_place_of_the_folder_is_replaced(npz: Write, cache: Path) -> None:
    spec = npz()
    one = prepare(spec, cache)
    one.folder.rename(cache / "away")
    one.folder.write_text("in the way")
    assert prepare(spec, cache) == one


def test_left_overs_of_a_killed_process_are_removed(npz: Write, cache: Path) -> None:
    spec = npz()
    folder = prepare(spec, cache).folder
    old, young = cache / f".{folder.name}.1", cache / f".{folder.name}.2"
    for left in (old, young):
        left.mkdir()
        (left / "x.npy").write_bytes(b"half")
    os.utime(old, (time.time() - 10**6,) * 2)
    empty(folder / "info.json")
    prepare(spec, cache)
    assert not old.exists()
    assert young.exists()


CODE = """
import sys, time
from pathlib import Path
from tunekit.data.prepared import open_arrays, prepare
from tunekit.space.space import DataSpec
spec, cache = DataSpec("npz", sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for round_ in range(30):
    prepared = prepare(spec, cache)
    if sys.argv[3] == "keep":
        assert len(open_arrays(prepared)[0]) == 60
    elif round_ % 3 == 0:
        try:
            (prepared.folder / "info.json").write_text("{}")
        except FileNotFoundError:
            pass
print(prepared.sha256)
"""


def start(*arguments: Any) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", CODE, *map(str, arguments)]
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment)


@pytest.mark.parametrize("damage", ["keep", "damage"])
def test_two_processes_at_once(npz: Write, cache: Path, damage: str) -> None:
    """Both start together and go on; with damage, each also keeps breaking what the other made."""
    spec = npz()
    processes = [start(spec.location, cache, damage), start(spec.location, cache, damage)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ends = [(*process.communicate(timeout=60), process.returncode) for process in processes]
    assert [code for _, _, code in ends] == [0, 0], ends
    prepared = prepare(spec, cache)
    assert {out.strip() for out, _, _ in ends} == {prepared.sha256}
    assert [path.name for path in cache.iterdir()] == [prepared.folder.name]


def test_cache_that_cannot_be_made(npz: Write, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        prepare(npz(), tmp_path / "file" / "cache")
    for word in (str(tmp_path / "file" / "cache"), "Not a directory", "choose another folder"):
        assert word in str(caught.value)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this user may write anywhere")
def test_read_only_cache(npz: Write, cache: Path) -> None:
    cache.mkdir()
    cache.chmod(0o500)
    with pytest.raises(StoreError, match="Permission denied"):
        prepare(npz(), cache)


def test_read_only_cache_that_is_whole_is_used(npz: Write, cache: Path) -> None:
    spec = npz()
    one: Prepared = prepare(spec, cache)
    cache.chmod(0o500)
    try:
        assert prepare(spec, cache) == one
    finally:
        cache.chmod(0o700)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "Free 1 MiB there, or"),
        (errno.EROFS, "Make the folder writable, or"),
        (errno.EIO, "choose another folder"),
    ],
)
def test_full_or_failing_disk(
    npz: Write, cache: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    def fail(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError) as caught:
        prepare(npz(), cache)
    for word in (str(cache), os.strerror(number), remedy):
        assert word in str(caught.value)
    assert list(cache.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_file_size_limit(npz: Write, cache: Path) -> None:
    """A real failing write, as on a full disk: the process may write no more than 2 KiB to a file."""
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from tunekit.data.prepared import prepare\n"
        "from tunekit.errors import StoreError\n"
        "from tunekit.space.space import DataSpec\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))\n"
        "try: prepare(DataSpec('npz', sys.argv[1]), Path(sys.argv[2]))\n"
        "except StoreError as error: print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", code, npz().location, str(cache)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert "cannot store the decoded training images" in done.stdout, done.stderr
    assert list(cache.iterdir()) == []


def test_no_framework_is_imported(npz: Write, cache: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "import tunekit.data.prepared, tunekit.data.sealed\n"
        "from tunekit.space.space import DataSpec\n"
        "tunekit.data.prepared.prepare(DataSpec('npz', sys.argv[1]), Path(sys.argv[2]))\n"
        "print({'tensorflow', 'tensorflow_datasets', 'sklearn', 'keras'} & set(sys.modules))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, npz().location, str(cache)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "set()"


def test_weights_of_classes_that_are_not_there(npz: Write, cache: Path) -> None:
    spec = replace(npz(), class_weights=(("0", 2.0), ("02", 1.0)))
    with pytest.raises(DataError, match="class_weights: expected classes of the data, got '02'") as caught:
        prepare(spec, cache)
    assert "Known: 0, 1, 2." in str(caught.value)
    assert prepare(replace(spec, class_weights=(("2", 0.5),)), cache).count == 60
