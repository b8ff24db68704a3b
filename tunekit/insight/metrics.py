"""A look inside a model as numbers: flat names that MLflow accepts and sorts by."""

from __future__ import annotations

import numpy as np

from tunekit.insight.look import Look


def statistics(look: Look) -> dict[str, float]:
    """Of each layer, and `health/dead` and `health/saturated` of the whole model; finite values only."""
    metrics: dict[str, float] = {}
    for activation in look.activations:
        for name in ("mean", "std", "var", "min", "max", "dead"):
            value = getattr(activation.summary, name)
            if value is not None:
                metrics[f"activation/{activation.layer}/{name}"] = value
    for recurrent in look.recurrents:
        if recurrent.saturated is not None:
            metrics[f"gates/{recurrent.layer}/saturated"] = recurrent.saturated
    for layer, norm in look.norms.items():
        metrics[f"weights/{layer}/norm"] = norm
    metrics |= _health(look)
    return {name: float(value) for name, value in metrics.items() if np.isfinite(value)}


def _health(look: Look) -> dict[str, float]:
    """Shares over all layers that can be dead or saturated: each unit counts once, and so does each gate of a unit."""
    dead = [
        (activation.summary.dead, activation.values.shape[-1])
        for activation in look.activations
        if activation.summary.dead is not None
    ]
    saturated = [
        (recurrent.saturated, max(1, len(recurrent.gate_values)) * recurrent.recurrent_kernel.shape[0])
        for recurrent in look.recurrents
        if recurrent.saturated is not None
    ]
    shares = {"health/dead": dead, "health/saturated": saturated}
    return {
        name: sum(share * count for share, count in pairs) / sum(count for _, count in pairs)
        for name, pairs in shares.items()
        if pairs
    }
