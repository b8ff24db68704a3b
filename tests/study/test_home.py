"""Commands that are told to the user find the same home again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunekit.study.home import home_option


def test_only_the_default_home_goes_unnamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert home_option(Path("mlruns")) == ""
    assert home_option(tmp_path / "mlruns") == ""
    assert home_option(Path("other/mlruns")) == " --home other/mlruns"
    assert home_option(Path("/data/mlruns")) == " --home /data/mlruns"
