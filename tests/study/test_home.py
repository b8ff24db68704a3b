"""Commands that are told to the user find the same home again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tunekit.study.home import Home, home_option


def test_only_the_default_home_goes_unnamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert home_option(Path("mlruns")) == ""
    assert home_option(tmp_path / "mlruns") == ""
    assert home_option(Path("other/mlruns")) == " --home other/mlruns"
    assert home_option(Path("/data/mlruns")) == " --home /data/mlruns"


def test_the_home_of_the_environment_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNEKIT_HOME", "elsewhere")
    assert home_option(tmp_path / "elsewhere") == ""
    assert home_option(Path("mlruns")) == " --home mlruns"


def test_this_process_computes_with_what_the_workers_compute_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a keras.json says, which may name a backend that is not installed."""
    for name in ("KERAS_BACKEND", "KERAS_HOME", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, "to be put back")
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text('{"backend": "torch"}')
    Home(tmp_path / "mlruns").keep_caches()
    assert os.environ["KERAS_BACKEND"] == "tensorflow"
    assert "KERAS_HOME" not in os.environ
