"""The winner of a search as a file."""

from __future__ import annotations

import shutil
from pathlib import Path

from tunekit.errors import SearchError, StoreError
from tunekit.study.home import Home, SearchFolder
from tunekit.trial.jobs import MODEL


def export_config(home: Home, name: str | None, output: Path | None = None) -> str:
    """The best configuration's text, also written to `output` where it is given."""
    folder = home.find(name)
    text = _present(folder.best_config, folder).read_text(encoding="utf-8")
    if output is not None:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise StoreError(f"{output}: could not be written: {error.strerror}.") from error
    return text


def export_model(home: Home, name: str | None, output: Path) -> None:
    """The winner's model as a .keras file."""
    source = model_file(home, name)
    if output.suffix != ".keras":
        raise SearchError(f"{output}: expected a name that ends in .keras, which Keras loads by it.")
    try:
        shutil.copyfile(source, output)
    except OSError as error:
        raise StoreError(f"{output}: could not be written: {error.strerror}.") from error


def model_file(home: Home, name: str | None) -> Path:
    """Where the winner's model is."""
    folder = home.find(name)
    return _present(folder.champion / MODEL, folder)


def _present(path: Path, folder: SearchFolder) -> Path:
    if not path.is_file():
        raise SearchError(
            f"{folder.name}: there is no winner yet. Finish the search with `tunekit resume {folder.name}`."
        )
    return path
