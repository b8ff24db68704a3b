"""Begins a space file for somebody's own data, and a model function beside it where that is wanted."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from tunekit.errors import UserError
from tunekit.space.reader import parse_space
from tunekit.study.files import write_text
from tunekit.study.init.choices import FACTOR, OWN, check_model, check_objective, max_epochs, suited_model
from tunekit.study.init.kinds import Data
from tunekit.study.init.model_file import FUNCTION, model_text, module_of
from tunekit.study.init.text import Plan, described, space_text


@dataclass(frozen=True)
class Wishes:
    """What the user has said; None leaves the choice to what the data is like."""

    data: Data
    model: str | None = None
    objective: str = "val_accuracy"
    time_budget: float | None = None
    max_epochs: int | None = None
    factor: int = FACTOR


@dataclass(frozen=True)
class Begun:
    """What was written, and what to do with it."""

    file: Path
    seen: str
    model_file: Path | None
    model_file_kept: bool
    commands: tuple[str, ...]
    """To check, plan and search."""


def check_free(file: Path, force: bool) -> None:
    """Refuse to write over a file, or a name that says nothing of a space file."""
    if file.exists() and not force:
        raise UserError(f"{file}: there is such a file already. Choose another name, or add --force.")
    if file.suffix not in (".yaml", ".yml"):
        raise UserError(f"{file}: expected a name that ends in .yaml, which says that it is a space file.")


def begin(file: Path, wishes: Wishes, force: bool = False) -> Begun:
    """Look at the data, choose what was left open, and write."""
    check_free(file, force)
    seen = wishes.data.glance()
    model = wishes.model or suited_model(seen)
    check_model(model, seen)
    check_objective(wishes.objective, seen)
    model_file = file.with_name(f"{module_of(file)}.py") if model == OWN else None
    commands = _commands(file, wishes.time_budget, beside=model_file is not None)
    plan = Plan(
        data=wishes.data,
        seen=seen,
        model=model,
        named_model=f"{module_of(file)}:{FUNCTION}" if model == OWN else model,
        objective=wishes.objective,
        max_epochs=wishes.max_epochs or max_epochs(seen, wishes.time_budget),
        factor=wishes.factor,
    )
    text = space_text(file, plan, commands)
    # Whatever is wrong with what the user named is said before anything is written.
    parse_space(text, str(file), file.absolute().parent)
    kept = model_file is not None and model_file.exists()
    if model_file is not None and not kept:
        write_text(model_file, model_text(file, seen))
    write_text(file, text)
    return Begun(file, f"{wishes.data}: {described(seen)}", model_file, kept, commands)


def _commands(file: Path, budget: float | None, beside: bool) -> tuple[str, ...]:
    """A model function is found from the folder that holds it."""
    elsewhere = beside and file.absolute().parent != Path.cwd()
    way = f"cd {shlex.quote(str(file.parent))} && " if elsewhere else ""
    name = shlex.quote(file.name if elsewhere else str(file))
    limit = f" --time-budget {_exact(budget)}" if budget else ""
    return tuple(
        f"{way}tunekit {words}" for words in (f"check {name}", f"plan {name}", f"search {name}{limit}")
    )


def _exact(seconds: float) -> str:
    return f"{seconds / 60:g}m" if seconds >= 60 else f"{seconds:g}s"
