"""A model's graph of layers, and their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import keras
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
T = TypeVar("T")

ACTIVATIONS = (
    keras.layers.Activation,
    keras.layers.ELU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ReLU,
    keras.layers.Softmax,
)
NORMALIZATIONS = (
    keras.layers.BatchNormalization,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
)


@dataclass(frozen=True)
class Use:
    """One use of a layer in a model; a shared layer has several."""

    layer: Any
    inputs: tuple[Any, ...]
    """Symbolic tensors that enter the layer."""
    outputs: tuple[Any, ...]
    arguments: Any
    """Keras' record of the call: `fill_in` makes arguments of it, from values by the tensor's id."""


def evenly(layers: Sequence[T], most: int) -> list[T]:
    """At most so many of them, picked evenly from first to last."""
    if len(layers) <= most:
        return list(layers)
    return [layers[round(place)] for place in np.linspace(0, len(layers) - 1, most)]


def uses(model: Any) -> list[Use]:
    """The uses of layers that lead to the model's outputs, each after those it depends on."""
    outputs = getattr(model, "outputs", None)
    if not outputs or not getattr(model, "inputs", None):
        return []
    return path(model.inputs, outputs)


def path(begin: Sequence[Any], end: Sequence[Any]) -> list[Use]:
    """The uses of layers on the way from some symbolic tensors to others, in the same order."""
    sources = {id(tensor) for tensor in begin}
    found: list[Use] = []
    opened: set[int] = set()
    closed: set[int] = set()
    # A stack instead of recursion: a deep model has more layers than Python allows frames.
    stack = [_node(tensor) for tensor in reversed(end) if id(tensor) not in sources]
    while stack:
        node = stack[-1]
        if node is None or id(node) in closed:
            stack.pop()
        elif id(node) in opened:
            stack.pop()
            closed.add(id(node))
            found.append(
                Use(node.operation, tuple(node.input_tensors), tuple(node.output_tensors), node.arguments)
            )
        else:
            opened.add(id(node))
            stack.extend(_node(tensor) for tensor in node.input_tensors if id(tensor) not in sources)
    return found


def _node(tensor: Any) -> Any:
    """The call of a layer that made a symbolic tensor; nothing for a bare tensor."""
    history = getattr(tensor, "_keras_history", None)
    if history is None or history.operation is None:
        return None
    return history.operation._inbound_nodes[history.node_index]


def activated(use: Use, graph: Sequence[Use]) -> Use:
    """The use whose output is this layer's activation: itself, or the activation layer behind it.

    A layer written as Conv2D, BatchNormalization, Activation is one unit to a reader, and what leaves
    its activation is what the next layer sees.
    """
    if bends(use.layer):
        return use
    current = use
    while True:
        reader = _only_reader(current, graph)
        if reader is None:
            return use
        current = reader
        if isinstance(current.layer, ACTIVATIONS) or rectifies(current.layer):
            return current
        if not isinstance(current.layer, NORMALIZATIONS):
            return use


def normalised(use: Use, graph: Sequence[Use]) -> bool:
    """Whether what leaves the layer goes into a normalisation and nowhere else."""
    reader = _only_reader(use, graph)
    return reader is not None and isinstance(reader.layer, NORMALIZATIONS)


def _only_reader(use: Use, graph: Sequence[Use]) -> Use | None:
    tensor = use.outputs[0]
    readers = [other for other in graph if any(entry is tensor for entry in other.inputs)]
    return readers[0] if len(readers) == 1 else None


def bends(layer: Any) -> bool:
    """Whether the layer has an activation function of its own."""
    return getattr(layer, "activation", None) not in (None, keras.activations.linear)


def rectifies(layer: Any) -> bool:
    """Whether a unit of this layer can be dead: its output is exactly 0 over half of its inputs."""
    if isinstance(layer, keras.layers.ReLU):
        return not layer.negative_slope
    if type(layer).__name__ in ("Relu", "Relu6"):  # keras.ops.relu(tensor) in a functional model
        return True
    return getattr(layer, "activation", None) in (keras.activations.relu, keras.activations.relu6)


def as_floats(value: Any) -> Array:
    """A tensor or variable as numpy's float32, whatever precision the model computes in."""
    return as_array(value).astype(np.float32, copy=False)


def as_array(value: Any) -> Array:
    """A tensor or variable as numpy has it, in its own type."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, keras.Variable) and keras.config.backend() == "tensorflow":
        # Keras copies what TensorFlow has copied already, and a layer may have millions of weights.
        return np.asarray(value.value)
    return np.asarray(keras.ops.convert_to_numpy(value))


def sum_of_squares(array: Array) -> float:
    """Added up in float64, without a copy of the array in that type: a layer may have millions of weights."""
    flat = array.reshape(-1)
    return float(np.einsum("i,i->", flat, flat, dtype=np.float64))


def layers(model: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every layer with its path, those of nested models included."""
    for layer in getattr(model, "layers", ()):
        name = f"{path}{layer.name}"
        if isinstance(layer, keras.Model):
            yield from layers(layer, f"{name}.")
        else:
            yield name, layer


def named(model: Any) -> list[tuple[Any, str]]:
    """Every layer once, with the name that it has in files and metrics."""
    taken: set[str] = set()
    found: dict[int, tuple[Any, str]] = {}
    for path, layer in layers(model):
        if id(layer) not in found:  # a shared layer is met several times
            found[id(layer)] = (layer, label(path, taken))
    return list(found.values())


def label(name: str, taken: set[str]) -> str:
    """A name that is safe in files and as an MLflow metric, and not taken yet; it is taken then."""
    safe = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:80].strip(".") or "_"
    unique, count = safe, 1
    while unique.lower() in taken:  # some file systems do not tell case apart
        count += 1
        unique = f"{safe}_{count}"
    taken.add(unique.lower())
    return unique
