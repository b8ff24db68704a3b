"""Which model and ranges suit the data: where a first search may begin, and not where it must end."""

from __future__ import annotations

from dataclasses import dataclass

from tunekit.data.glance import Glance
from tunekit.errors import UserError
from tunekit.space.problems import suggestion
from tunekit.space.sections import OBJECTIVES
from tunekit.space.vocabulary import MODELS

OWN = "own"
FACTOR = 3
"""Of Hyperband, where nobody says another."""
SMALLEST_FOR_LENET5 = 8
"""Pixels each way: two poolings leave 2x2 of them."""
LARGE = 64
"""Pixels each way from which LeNet5's dense layer needs most of the memory."""
TOP = 5
"""Classes that `val_top5` looks at: of no more than these every answer would be right."""
FEW = 5000
"""Examples below which a tenth is too few to rank trials by."""


@dataclass(frozen=True)
class Line:
    """One parameter as it is written, and what a beginner should know of it."""

    name: str
    value: str
    about: str = ""


def side(seen: Glance) -> int | None:
    """The shorter side of the images; 0 where the examples are none."""
    if seen.shape is None:
        return None
    return min(seen.shape[:2]) if len(seen.shape) == 3 else 0


def suited_model(seen: Glance) -> str:
    shorter = side(seen)
    return OWN if shorter is not None and shorter < SMALLEST_FOR_LENET5 else "lenet5"


def check_model(model: str, seen: Glance) -> None:
    """Refuse a model that is none, or that can make nothing of the data."""
    if model not in (*MODELS, OWN) and ":" not in model:
        known = f"{', '.join((*MODELS, OWN))} or package.module:function"
        raise UserError(f"--model {model}: expected {known}. {suggestion(model, (*MODELS, OWN))}")
    shorter = side(seen)
    if model == "lenet5" and shorter is not None and shorter < SMALLEST_FOR_LENET5:
        needed = f"images of at least {SMALLEST_FOR_LENET5}x{SMALLEST_FOR_LENET5} pixels"
        got = "x".join(map(str, seen.shape or ()))
        raise UserError(f"--model lenet5: expected {needed}, got {got}. Take another: --model {OWN}.")
    if model == "recurrent" and shorter == 0:
        raise UserError("--model recurrent: expected images to read row by row, got none. Take --model own.")


def suited_objectives(seen: Glance) -> tuple[str, ...]:
    """What can tell trials on such data apart."""
    few = seen.classes is not None and seen.classes <= TOP
    return tuple(name for name in OBJECTIVES if not (few and name == "val_top5"))


def check_objective(objective: str, seen: Glance) -> None:
    """Refuse one by which all trials are alike."""
    suited = suited_objectives(seen)
    if objective not in suited:
        raise UserError(
            f"--objective {objective}: expected data of more than {TOP} classes, got {seen.classes}: the right class "
            f"would always be among the first {TOP}. Take another: {', '.join(suited)}."
        )


def validation(seen: Glance) -> str:
    return "0.2" if _few(seen) else "0.1"


def max_epochs(seen: Glance, budget: float | None) -> int:
    """Powers of Hyperband's usual factor, which its brackets fill."""
    if budget is None:
        return 9 if _few(seen) else 27
    return next(
        epochs for most, epochs in ((900.0, 9), (4 * 3600.0, 27), (float("inf"), 81)) if budget < most
    )


def lines(model: str, seen: Glance) -> list[Line]:
    """The parameters to search first."""
    if model == "lenet5":
        return [*_training(seen), *_lenet5(seen)]
    if model == "recurrent":
        return [*_recurrent(seen), *_training(seen), Line("clip_norm", "[0.0, 1.0]", "0 does not clip")]
    if model == OWN:
        return [
            Line("width", "[32, 64, 128, 256]", "yours: the model function reads values['width']"),
            Line("layers", "[1, 2, 3]", "yours as well"),
            Line("dropout", "{min: 0.0, max: 0.5, step: 0.1}", "and this"),
            *_training(seen),
        ]
    return _training(seen)


def _few(seen: Glance) -> bool:
    return seen.count is not None and seen.count < FEW


def _training(seen: Glance) -> list[Line]:
    rate = (
        "{min: 1.0e-3, max: 1.0e-1, scale: log}" if _few(seen) else "{min: 1.0e-4, max: 1.0e-1, scale: log}"
    )
    return [
        Line("optimizer", "[adam, nadam, momentum, nesterov]"),
        Line("learning_rate", rate, "matters most; on a log scale each power of ten is as likely"),
        Line("momentum", "{min: 0.5, max: 0.99, when: {optimizer: [momentum, nesterov]}}"),
        Line("batch_size", "[16, 32]" if _few(seen) else "[32, 64, 128]", "examples per step"),
    ]


def _lenet5(seen: Glance) -> list[Line]:
    shorter = side(seen) or LARGE // 2
    small, large = shorter < 16, shorter > LARGE
    hidden = "[32, 64, 128]" if small else "[64, 128]" if large else "[128, 256, 512]"
    found = [
        Line(
            "filters",
            "[8, 16]" if small or large else "[16, 32]",
            "of the first convolution; twice as many follow",
        ),
        Line("kernel_size", "3" if small else "[3, 5]", "pixels; one value is fixed"),
        Line("hidden_units", hidden, "of the dense layer"),
        Line("dropout", "{min: 0.0, max: 0.5, step: 0.1}"),
        Line("batch_norm", "[true, false]"),
    ]
    if large:
        found[2] = Line(
            "hidden_units", hidden, "of the dense layer; few, as images this large need much memory"
        )
    return found


def _recurrent(seen: Glance) -> list[Line]:
    return [
        Line("cell", "[gru, lstm]", "or rnn"),
        Line("layers", "[1, 2]"),
        Line("hidden_units", "[32, 64]" if _few(seen) else "[32, 64, 128]", "of each layer"),
        Line("dropout", "{min: 0.0, max: 0.5, step: 0.1}"),
    ]
