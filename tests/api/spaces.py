"""A space so small that a whole search of it takes seconds."""

from __future__ import annotations

from typing import Any

SMALL: dict[str, Any] = {
    "name": "small",
    "model": "lenet5",
    "data": {"digits": True, "validation": 0.2},
    "search": {"tuner": "hyperband", "max_epochs": 3, "factor": 3, "seed": 1, "limit": 200},
    "parameters": {
        "optimizer": ["adam", "momentum"],
        "learning_rate": {"min": 1e-3, "max": 1e-1, "scale": "log"},
        "momentum": {"min": 0.5, "max": 0.95, "when": {"optimizer": ["momentum"]}},
        "filters": 2,
        "kernel_size": 3,
        "hidden_units": [8, 16],
        "batch_size": 32,
    },
}
