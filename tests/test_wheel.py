"""Wheel and source distribution hold everything, and the wheel works away from the checkout."""

from __future__ import annotations

import email
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.study.commands import environment

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of both; the wheel is built of the source distribution.

    With the hatchling that is installed; `make dist` asks pip for one, as whoever builds it elsewhere does.
    """
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
        text=True,
    )
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def sources(built: Path) -> set[str]:
    """What the source distribution holds, without the folder that all of it is in."""
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        return {member.name.partition("/")[2] for member in archive if member.isfile()}


def test_a_package_index_takes_both(built: Path) -> None:
    files = [str(path) for path in built.iterdir()]
    assert len(files) == 2
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *files], check=True)


def test_the_sources_are_all_that_is_in_the_repository(sources: set[str]) -> None:
    """So that whoever has only them can run the tests and build the pages."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no clone of the repository")
    kept = {name for name in listed.stdout.splitlines() if not name.startswith((".ci/", "mlruns/"))}
    assert {name for name in kept if (ROOT / name).exists()} <= sources
    assert not [name for name in sources if name.startswith(("mlruns/", "build/", "dist/", ".venv/"))]


def test_the_version_has_one_place(wheel: Path) -> None:
    import tunekit

    metadata = email.message_from_bytes(
        zipfile.ZipFile(wheel).read(f"tunekit-{tunekit.__version__}.dist-info/METADATA")
    )
    assert metadata["Version"] == tunekit.__version__
    assert (metadata["License-Expression"], metadata["License-File"]) == ("MIT", "LICENSE")
    done = subprocess.run(
        [sys.executable, "-m", "tunekit", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"tunekit, version {tunekit.__version__}\n"


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
    command += ["--workers", "1"]
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
