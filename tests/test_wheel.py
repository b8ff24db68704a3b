"""The wheel holds everything, and works away from the checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.study.commands import environment

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
        text=True,
    )
    return next(folder.glob("*.whl"))


def test_it_holds_the_shipped_spaces_and_the_types(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = {f"tunekit/search_spaces/{path.name}" for path in (ROOT / "search_spaces").glob("*.yaml")}
    assert shipped <= names
    assert "tunekit/py.typed" in names
    assert {f"tunekit/report/template/report.{kind}" for kind in ("html", "css", "js")} <= names
    assert not [name for name in names if name.startswith(("tests/", "docs/", "mlruns/"))]


def test_installed_elsewhere_it_searches(wheel: Path, tmp_path: Path) -> None:
    """Its dependencies are this environment's; the package itself is only the wheel."""
    site, work = tmp_path / "site", tmp_path / "work"
    work.mkdir()
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(pip, check=True)
    command = [sys.executable, "-m", "tunekit", "search", "cnn-digits", "--max-epochs", "2", "--limit", "300"]
    script = "import tunekit; print(tunekit.__file__)"
    env = environment(PYTHONPATH=str(site))
    where = subprocess.run(
        [sys.executable, "-c", script], cwd=work, env=env, capture_output=True, text=True, check=True
    )
    assert where.stdout.startswith(str(site))
    done = subprocess.run(
        command, cwd=work, env=env, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stderr
    assert "test accuracy" in done.stdout
    assert (work / "mlruns/searches/cnn-digits/report.html").exists()


@pytest.mark.long
def test_installed_into_an_empty_environment_it_searches(wheel: Path, tmp_path: Path) -> None:
    """Everything it needs is declared."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    subprocess.run([tmp_path / "env/bin/pip", "install", "--quiet", str(wheel)], check=True)
    done = subprocess.run(
        [tmp_path / "env/bin/tunekit", "search", "cnn-digits", "--max-epochs", "2", "--limit", "300"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "test accuracy" in done.stdout
