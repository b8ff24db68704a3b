"""What a worker process is started with."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tunekit.errors import UserError
from tunekit.trial.backend import backend, check_backend, environment, versions


def test_threads_of_every_library() -> None:
    found = environment(3, deterministic=False)

    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"):
        assert found[name] == "3"
    assert "TF_DETERMINISTIC_OPS" not in found


def test_a_users_own_flags_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=x")

    assert environment(1, True)["XLA_FLAGS"] == "--xla_dump_to=x --xla_cpu_multi_thread_eigen=false"
    assert environment(2, True)["XLA_FLAGS"] == "--xla_dump_to=x"
    monkeypatch.delenv("XLA_FLAGS")
    assert environment(1, True)["XLA_FLAGS"] == "--xla_cpu_multi_thread_eigen=false"


def test_determinism() -> None:
    found = environment(1, deterministic=True)

    assert found["TF_DETERMINISTIC_OPS"] == "1"
    assert found["PYTHONHASHSEED"] == "0"


@pytest.mark.parametrize("name", ["jax", "tensorflow"])
def test_the_backend_is_the_environments(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("KERAS_BACKEND", name)

    assert backend() == name
    assert environment(1, True)["KERAS_BACKEND"] == name
    assert set(versions()) >= {"tunekit", "keras", "numpy"}


@pytest.mark.long
def test_tensorflow_takes_the_settings() -> None:
    script = """
from tunekit.trial.backend import configure
configure(2, True)
import tensorflow as tf
assert tf.config.threading.get_intra_op_parallelism_threads() == 2
assert tf.config.threading.get_inter_op_parallelism_threads() == 1
"""
    settings = os.environ | environment(2, True) | {"KERAS_BACKEND": "tensorflow"}

    done = subprocess.run(
        [sys.executable, "-c", script], env=settings, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tensroflow", "expected tensorflow or jax, got 'tensroflow'. Did you mean tensorflow?"),
        ("Nonsense", "Unset it"),
        ("", "Unset it"),
        ("openvino", "which is not. Install it"),
    ],
)
def test_a_backend_that_cannot_be_had_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    if name == "openvino" and find_spec(name):
        pytest.skip("it is installed here")
    monkeypatch.setenv("KERAS_BACKEND", name)
    with pytest.raises(UserError, match=re.escape(message)):
        check_backend()


def test_the_backend_of_these_tests_is_not_refused() -> None:
    check_backend()
