"""What the steps that tell of their gradients need to know of an optimizer, whatever Keras computes with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras


@contextmanager
def replaced(optimizer: Any, method: str, other: Callable[..., Any]) -> Iterator[None]:
    """With another method of this name for a while; the optimizer may have one of its own that its class has not."""
    # Not as attributes: Keras would look into them for variables.
    own = vars(optimizer)
    before = own.get(method)
    own[method] = other
    try:
        yield
    finally:
        del own[method]
        if before is not None:
            own[method] = before


def scales_loss(optimizer: Any) -> bool:
    """Whether the loss is made larger, lest gradients vanish in 16 bits."""
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    return scaled or getattr(optimizer, "loss_scale_factor", None) is not None
