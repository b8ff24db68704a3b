"""The folder that holds everything tunekit writes, and the searches in it."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from tunekit.errors import SearchError, UserError

STATE = "state.db"
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}")


HOME_VARIABLE = "TUNEKIT_HOME"


def default_home() -> Path:
    return Path(os.environ.get(HOME_VARIABLE) or "mlruns")


def home_option(path: Path) -> str:
    """What a command needs to find this home from here; nothing where it is the default."""
    return "" if path.absolute() == default_home().absolute() else f" --home {path}"


@dataclass(frozen=True)
class SearchFolder:
    """The paths of one search."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def state(self) -> Path:
        return self.path / STATE

    @property
    def space(self) -> Path:
        return self.path / "space.yaml"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def pictures(self) -> Path:
        return self.path / "pictures"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def framework_log(self) -> Path:
        return self.logs / "frameworks.log"

    @property
    def best_config(self) -> Path:
        return self.path / "best.yaml"

    @property
    def report(self) -> Path:
        """The page that sums the search up."""
        return self.path / "report.html"

    @property
    def champion(self) -> Path:
        """Where the winner's model and its confusion matrix are."""
        return self.path / "champion"

    def check_not_lost(self) -> None:
        """Refuse a search that has begun and whose state is gone."""
        if self.checkpoints.exists() and not self.state.exists():
            raise SearchError(
                f"{self.state}: the state of this search is missing, but its checkpoints are there. "
                f"Restore it from a backup, or delete {self.path} to begin anew."
            )


@dataclass(frozen=True)
class Home:
    """By default ./mlruns; nothing is written outside it."""

    path: Path

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def searches(self) -> Path:
        return self.path / "searches"

    def keep_caches(self) -> None:
        """Frameworks write settings and caches into the user's folder when they load; those go here instead.

        A keras.json that the user has made is left in force, but for the backend: the workers compute with another
        one than it names unless KERAS_BACKEND says so, and here it may not even be installed.
        """
        from tunekit.trial.backend import backend

        os.environ.setdefault("KERAS_BACKEND", backend())
        cache = (self.path / "cache").absolute()
        os.environ.setdefault("MPLCONFIGDIR", str(cache / "matplotlib"))
        if not (Path.home() / ".keras" / "keras.json").exists():
            os.environ.setdefault("KERAS_HOME", str(cache / "keras"))

    def folder(self, name: str) -> SearchFolder:
        """Where a search of this name is or would be."""
        if not NAME.fullmatch(name):
            raise UserError(
                f"--name {name!r}: expected letters, digits, '-', '_' and '.', at most 64 of them and no leading dot."
            )
        return SearchFolder(self.searches / name)

    def existing(self) -> list[SearchFolder]:
        """All searches, the newest last."""
        states = self.searches.glob(f"*/{STATE}")
        return [SearchFolder(path.parent) for path in sorted(states, key=lambda path: path.stat().st_mtime)]

    def find(self, name: str | None) -> SearchFolder:
        """The search of this name, or the newest."""
        known = self.existing()
        if name is None:
            if not known:
                raise SearchError(
                    f"{self.path}: there is no search yet. Start one with `tunekit search SPACE`."
                )
            return known[-1]
        folder = self.folder(name)
        folder.check_not_lost()
        if folder.state.exists():
            return folder
        names = [search.name for search in known]
        near = difflib.get_close_matches(name, names, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        listed = f" Known searches: {', '.join(names)}." if names else ""
        raise SearchError(f"{self.path}: expected the name of a search, got {name!r}.{hint}{listed}")
