"""What is to be said of a space's objective before anything is spent."""

from __future__ import annotations

from tunekit.errors import DataError
from tunekit.report.wording import listed
from tunekit.space.parameters import Fixed
from tunekit.space.space import Objective, Space

PENALTIES = ("l2", "l2_dense", "label_smoothing")
"""Parameters that raise Keras' loss of a model that answers the same."""


def check_classes(objective: Objective, count: int) -> None:
    """DataError where every answer would count as right."""
    if objective.metric == "top5" and count <= 5:
        raise DataError(
            f"objective: expected data of more than 5 classes for val_top5, got {count}: the right class would always "
            "be among the first 5. Write val_accuracy, val_f1, val_auc or val_loss."
        )


def doubt(space: Space) -> str | None:
    """What may rank the trials otherwise than their user thinks."""
    found = [each.name for each in space.parameters if each.name in PENALTIES and not isinstance(each, Fixed)]
    if space.objective.metric != "loss" or not found:
        return None
    return (
        f"The objective val_loss contains each trial's own penalties and smoothed labels, and {listed(found, 3)} "
        f"{'varies' if len(found) == 1 else 'vary'}: where they are strong, a trial looks worse than it is. "
        "val_log_loss ranks by the loss without them."
    )
