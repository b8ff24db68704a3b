"""What goes wrong in a job comes back as a named failure."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from tunekit.errors import ModelError, StoreError
from tunekit.trial.execute import TRACEBACK_LENGTH, execute, name_failure
from tunekit.trial.jobs import Done, Failed, ProbeJob, Split

from .helpers import TINY, train_job

OWN = """
import errno
from tunekit.errors import ModelError

def raises(values, data):
    raise {"MemoryError": MemoryError, "Jax": RuntimeError, "SystemExit": SystemExit}.get(
        values["kind"], ValueError
    )(values["text"])

def full_disk(values, data):
    raise OSError(errno.ENOSPC, "No space left on device", "/somewhere/file")

def full_disk_unnamed(values, data):
    raise OSError(errno.ENOSPC, "No space left on device")

def no_file(values, data):
    open("/nowhere/at/all")

def refuses(values, data):
    raise ModelError("units must be even")
"""


@pytest.fixture(autouse=True)
def _own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_failing.py").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)


def fail(part: Split, folder: Path, function: str, **values: str) -> Failed:
    job = train_job(part, folder, 1, model=f"own_failing:{function}", values=values)
    ended = execute(job, lambda event: None)
    assert isinstance(ended, Failed)
    # It has a process to leave.
    assert pickle.loads(pickle.dumps(ended)).failure == ended.failure
    assert ended.memory > 0
    return ended


def test_a_job_that_goes_well(part: Split) -> None:
    ended = execute(ProbeJob("probe", "lenet5", (TINY,), part), lambda event: None)

    assert isinstance(ended, Done)
    assert len(ended.result) == 1
    assert ended.memory > 2**20


@pytest.mark.filterwarnings("ignore:(overflow|invalid value):RuntimeWarning")
def test_a_loss_that_is_no_number(part: Split, tmp_path: Path) -> None:
    values = TINY | {"optimizer": "momentum", "learning_rate": 1e4}

    ended = execute(train_job(part, tmp_path, 3, values=values), lambda event: None)

    assert isinstance(ended, Failed)
    assert ended.failure.cause == "nan"
    assert ended.failure.message.startswith("not finite after epoch ")
    assert "nan" in ended.failure.message
    assert ended.error is None


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("MemoryError", "Unable to allocate 9 TiB"),
        ("Jax", "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 12 bytes."),
        ("Jax", "OOM when allocating tensor with shape[9,9]"),
        ("Jax", "failed call to cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY"),
        ("Jax", "std::bad_alloc"),
    ],
)
def test_out_of_memory(part: Split, tmp_path: Path, kind: str, text: str) -> None:
    failure = fail(part, tmp_path, "raises", kind=kind, text=text).failure

    assert failure.cause == "oom"
    assert text in failure.message


def test_tensorflows_own_error_for_out_of_memory() -> None:
    tensorflow = pytest.importorskip("tensorflow")

    failure = name_failure(tensorflow.errors.ResourceExhaustedError(None, None, "failed to allocate"))

    assert failure.cause == "oom"


@pytest.mark.parametrize("kind", ["ValueError", "SystemExit"])
def test_a_model_that_raises(part: Split, tmp_path: Path, kind: str) -> None:
    ended = fail(part, tmp_path, "raises", kind=kind, text="seven is too much")

    assert ended.failure.cause == "exception"
    assert ended.failure.message == f"{kind}: seven is too much"
    assert "in raises" in ended.failure.traceback
    assert "own_failing.py" in ended.failure.traceback
    assert ended.error is None


def test_an_endless_text_is_shortened(part: Split, tmp_path: Path) -> None:
    failure = fail(part, tmp_path, "raises", kind="ValueError", text="long " * 100_000 + "end").failure

    assert len(failure.message) <= 500
    assert len(failure.traceback) <= TRACEBACK_LENGTH
    assert failure.traceback.strip().endswith("end")


def test_an_error_of_tunekits_own_passes_through(part: Split, tmp_path: Path) -> None:
    ended = fail(part, tmp_path, "refuses")

    assert isinstance(ended.error, ModelError)
    assert str(ended.error) == "units must be even"


def test_a_model_that_is_not_there(part: Split) -> None:
    ended = execute(ProbeJob("probe", "own_nowhere:model", ({},), part), lambda event: None)

    assert isinstance(ended, Failed)
    assert isinstance(ended.error, ModelError)


def test_a_full_disk_is_no_fault_of_the_trial(part: Split, tmp_path: Path) -> None:
    ended = fail(part, tmp_path, "full_disk")

    assert isinstance(ended.error, StoreError)
    assert "/somewhere/file: No space left on device" in str(ended.error)


def test_a_disk_that_fills_up_while_an_open_file_is_written_is_named(part: Split, tmp_path: Path) -> None:
    ended = fail(part, tmp_path / "trial", "full_disk_unnamed")

    assert isinstance(ended.error, StoreError)
    assert str(ended.error).startswith(f"{tmp_path / 'trial'}: No space left on device. Free space there")


def test_a_checkpoint_that_cannot_be_written_is_no_fault_of_the_trial(part: Split, tmp_path: Path) -> None:
    (tmp_path / "trial").write_text("in the way")

    ended = execute(train_job(part, tmp_path / "trial", 1), lambda event: None)

    assert isinstance(ended, Failed)
    assert isinstance(ended.error, StoreError)


def test_a_file_that_a_model_misses_is_its_own_fault(part: Split, tmp_path: Path) -> None:
    ended = fail(part, tmp_path, "no_file")

    assert ended.error is None
    assert ended.failure.cause == "exception"
    assert "/nowhere/at/all" in ended.failure.message
