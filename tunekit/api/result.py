"""What a search found, read from its folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunekit.api.display import display
from tunekit.api.tables import curve_rows, trial_rows
from tunekit.errors import ModelError
from tunekit.results import Evaluation, TrialRecord
from tunekit.search.lock import is_running
from tunekit.search.state import State
from tunekit.space.space import Space
from tunekit.study import reporting, single
from tunekit.study.export import model_file
from tunekit.study.home import Home
from tunekit.study.look import Listing, load_report
from tunekit.study.overview import Report
from tunekit.study.session import Settings

if TYPE_CHECKING:
    import pandas as pd


class SearchResult:
    """A search that is finished, or as far as it is: each member reads what is there now."""

    def __init__(self, home: str | os.PathLike[str], name: str) -> None:
        self._home = Home(Path(home))
        self._name = name
        self._read()

    @property
    def name(self) -> str:
        """Of the search."""
        return self._name

    @property
    def home(self) -> Path:
        """The folder that holds this search and all others of its record."""
        return self._home.path

    @property
    def status(self) -> str:
        """running, finished, stopped by its time budget, interrupted, killed or failed."""
        running = is_running(self._home.folder(self._name).path)
        return Listing(self._name, self._read(), None, running).status

    @property
    def space(self) -> Space:
        """What was searched."""
        return self._read().space

    @property
    def best(self) -> TrialRecord | None:
        """The winner, or the best trial so far: `best.score`, `best.trial.values`, `best.trial.epochs`."""
        return self._read().best

    @property
    def test(self) -> Evaluation | None:
        """What the winner scored on the test set, which was read once: `test.accuracy`, `test.loss`."""
        return self._read().evaluation

    @property
    def config(self) -> Path | None:
        """best.yaml, from which `tunekit train` trains the winner again; None while there is no winner."""
        config = self._read().config
        return None if config is None else Path(config)

    def trials(self) -> pd.DataFrame:
        """A row for each trial: its place in the search, how it went, and its hyperparameters.

        A hyperparameter with the name of another column has an underscore behind it.
        """
        import pandas as pd

        columns, rows = trial_rows(self._read())
        return pd.DataFrame(rows, columns=columns)

    def curves(self) -> pd.DataFrame:
        """A row for each epoch of each trial: the whole curve, what a promoted trial took over included."""
        import pandas as pd

        state = State.open(self._home.find(self._name).state, write=False)
        try:
            columns, rows = curve_rows(state)
        finally:
            state.close()
        return pd.DataFrame(rows, columns=columns)

    def model(self) -> Any:
        """The winner as a Keras model with its weights, not compiled."""
        path = model_file(self._home, self._name)
        self._home.keep_caches()
        import keras

        try:
            return keras.saving.load_model(path, compile=False)
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"{path}: the model could not be loaded: {str(error).splitlines()[0]} Import the module with its "
                "layers first, where it has some of your own, and decorate them with "
                "keras.saving.register_keras_serializable."
            ) from error

    def evaluate(self, progress: bool = False) -> single.Evaluated:
        """Repeat the test score with the winner's weights, as `tunekit evaluate` does.

        It returns `evaluation`, and beside it `recorded`, what was scored when the search ended.
        """
        with display(progress) as reporter:
            return single.evaluate(self._name, Settings(home=self._home), reporter)

    def report(self, output: str | os.PathLike[str] | None = None) -> Path:
        """Write the report again, as `tunekit report` does, and return its path: report.html of the search's folder."""
        with display(False) as reporter:
            path = None if output is None else Path(output)
            return reporting.report(self._home, self._name, path, reporter.warn).path

    def __repr__(self) -> str:
        report, best = self._read(), self.best
        found = ""
        if best is not None and best.score is not None:
            found = f", best {report.space.objective.name} {best.score:.4f} in trial {best.trial.id}"
        if report.evaluation is not None:
            found += f", test accuracy {report.evaluation.accuracy:.4f}"
        return f"<tunekit search {self._name}: {self.status}{found}>"

    def _read(self) -> Report:
        return load_report(self._home, self._name)
