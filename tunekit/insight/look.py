"""What is inside a trained model, as plain arrays: filters, activations, kernels, hidden states.

This half computes and `tunekit.insight.draw` draws, so that either can be used and tested alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import keras
import numpy as np

from tunekit.insight import graph
from tunekit.insight.graph import Array, Use, as_floats
from tunekit.insight.recurrent import RECURRENT, Recurrent, agrees, kernels, saturation, unroll

Kind = Literal["convolution", "recurrent", "dense"]

CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)
TRANSPOSED = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose)


@dataclass(frozen=True)
class Filters:
    """The kernel of a convolution."""

    layer: str
    kernel: Array
    """(height, width, input channels, filters); a one-dimensional convolution has height 1."""


@dataclass(frozen=True)
class Summary:
    """Statistics of one layer's activations over all images; nan where a value is not finite."""

    mean: float
    std: float
    var: float
    min: float
    max: float
    dead: float | None
    """Share of units that are <= 0 on every image; a filter is one unit. None unless ReLU-like."""
    nonfinite: float
    """Share of values that are nan or infinite."""


@dataclass(frozen=True)
class Activation:
    """What one layer answered to the images, after its activation function."""

    layer: str
    kind: Kind
    values: Array
    """(images, ..., units); units are last whatever the model's data format."""
    summary: Summary


@dataclass(frozen=True)
class Look:
    """Everything seen inside a model. Layers go by names that are safe in files and in MLflow."""

    images: Array
    """(images, height, width, channels), as they went in."""
    labels: Array
    class_names: tuple[str, ...]
    filters: tuple[Filters, ...] = ()
    activations: tuple[Activation, ...] = ()
    recurrents: tuple[Recurrent, ...] = ()
    norms: Mapping[str, float] = field(default_factory=dict)
    """By layer: the Euclidean norm of all its trainable weights together."""
    notes: tuple[str, ...] = ()
    """What could not be looked at, and why."""


def look(model: Any, images: np.ndarray, labels: np.ndarray, class_names: Sequence[str]) -> Look:
    """Look inside a trained model with a few fixed images; what cannot be seen becomes a note."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    found = []
    for path, layer in graph.layers(model):
        if id(layer) not in names:  # a shared layer is met several times
            names[id(layer)] = graph.label(path, taken)
            found.append((layer, names[id(layer)]))
    seen = _Seen(names, taken)
    # A diverged model overflows; its statistics and pictures say so, and numpy need not warn of it.
    with np.errstate(all="ignore"):
        # A user's own model may fail in any way when it is called on its own layers' outputs. Training
        # has gone well by now, so a trial must not be lost for a picture: the reason is kept and shown.
        try:
            seen.watch(model, np.asarray(images))
        except Exception as error:
            seen.notes.append(f"activations ({type(error).__name__}: {_one_line(error)})")
        return Look(
            images=np.asarray(images),
            labels=np.asarray(labels),
            class_names=tuple(class_names),
            filters=tuple(_filters(found)),
            activations=tuple(seen.activations),
            recurrents=tuple(seen.recurrents or _kernels_only(found)),
            norms=_norms(found),
            notes=tuple(seen.notes),
        )


def statistics(look: Look) -> dict[str, float]:
    """The look as metrics: flat names that MLflow accepts, finite values only."""
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
    return {name: float(value) for name, value in metrics.items() if np.isfinite(value)}


def summarize(values: Array, rectified: bool) -> Summary:
    """Statistics of activations with units last."""
    finite = np.isfinite(values)
    if not finite.all():
        nan = float("nan")
        return Summary(nan, nan, nan, nan, nan, None, float(1 - finite.mean()))
    dead = None
    if rectified:
        dead = float(np.mean(values.reshape(-1, values.shape[-1]).max(axis=0) <= 0))
    variance = float(values.var(dtype=np.float64))
    return Summary(
        mean=float(values.mean(dtype=np.float64)),
        std=variance**0.5,
        var=variance,
        min=float(values.min()),
        max=float(values.max()),
        dead=dead,
        nonfinite=0.0,
    )


class _Seen:
    """Gathers what the layers of a model and of its nested models answer."""

    def __init__(self, names: Mapping[int, str], taken: set[str]) -> None:
        self.activations: list[Activation] = []
        self.recurrents: list[Recurrent] = []
        self.notes: list[str] = []
        self._names = names
        self._taken = taken
        self._used: set[int] = set()

    def watch(self, model: Any, inputs: Array) -> None:
        """Run the model once, keep what its layers of interest answer, and go on into nested models."""
        uses = graph.uses(model)
        if len(getattr(model, "inputs", None) or ()) != 1:
            self.notes.append(f"activations of {model.name} (not a graph of layers with one input)")
            return
        watched = [(use, _kind(use.layer)) for use in uses if _kind(use.layer)]
        behind = {id(use): graph.activated(use, uses) for use, _ in watched}
        nested = [use for use in uses if isinstance(use.layer, keras.Model)]
        wanted = [behind[id(use)].outputs[0] for use, _ in watched]
        wanted += [use.inputs[0] for use, kind in watched if kind == "recurrent"]
        wanted += [use.inputs[0] for use in nested]
        values = graph.evaluate(model, wanted, inputs)
        for use in uses:
            kind = _kind(use.layer)
            if isinstance(use.layer, keras.Model):
                self.watch(use.layer, values[id(use.inputs[0])])
            elif kind == "recurrent":
                self._recurrent(use, values[id(use.inputs[0])], values[id(use.outputs[0])])
            elif kind:
                last = behind[id(use)]
                self._keep(self._label(use.layer), kind, use, values[id(last.outputs[0])], last)

    def _label(self, layer: Any) -> str:
        """The layer's name; a second use of a shared layer gets one of its own."""
        name = self._names.get(id(layer), str(layer.name))
        if id(layer) in self._used or id(layer) not in self._names:
            return graph.label(name, self._taken)
        self._used.add(id(layer))
        return name

    def _keep(self, label: str, kind: Kind, use: Use, values: Array, last: Use) -> None:
        if getattr(use.layer, "data_format", None) == "channels_first":
            values = np.moveaxis(values, 1, -1)
        if values.ndim >= 2 and values.size:
            summary = summarize(values, graph.rectifies(last.layer))
            self.activations.append(Activation(label, kind, values, summary))

    def _recurrent(self, use: Use, inputs: Array, output: Array) -> None:
        """Hidden states and gates; they count as the layer's activations."""
        label = self._label(use.layer)
        shown = output
        for name, layer in _directions(use.layer, label):
            recurrent = kernels(layer, name)
            states, gates = unroll(layer, inputs)
            # Both directions of a bidirectional layer are merged in its output, which proves nothing.
            if layer is not use.layer or agrees(layer, states, output):
                share = saturation(layer, states, gates)
                recurrent = replace(recurrent, states=states, gate_values=gates, saturated=share)
                shown = states if layer is use.layer else output
            else:
                self.notes.append(f"steps of {name} (they differ from those of a plain {recurrent.kind})")
            self.recurrents.append(recurrent)
        self._keep(label, "recurrent", use, shown, use)


def _one_line(error: Exception) -> str:
    """What happened, in one line. Keras colours its messages, and begins with where it was."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    text = text.removeprefix("Exception encountered when calling ")
    return " ".join(text.split())[:200]


def _kind(layer: Any) -> Kind | None:
    if isinstance(layer, CONVOLUTIONS):
        return "convolution"
    if isinstance(layer, keras.layers.Dense):
        return "dense"
    return "recurrent" if _directions(layer, "") else None


def _directions(layer: Any, label: str) -> list[tuple[str, Any]]:
    """The recurrent layers in this one: itself, or the two of a bidirectional wrapper."""
    if isinstance(layer, keras.layers.Bidirectional):
        both = (("forward", layer.forward_layer), ("backward", layer.backward_layer))
        return [(f"{label}.{name}", inner) for name, inner in both if isinstance(inner, RECURRENT)]
    return [(label, layer)] if isinstance(layer, RECURRENT) else []


def _filters(found: Sequence[tuple[Any, str]]) -> list[Filters]:
    """Kernels of the convolutions in the model's order; those of volumes have no picture."""
    kept = []
    for layer, label in found:
        if not isinstance(layer, CONVOLUTIONS) or not layer.built:
            continue
        kernel = as_floats(layer.kernel if hasattr(layer, "kernel") else layer.depthwise_kernel)
        if isinstance(layer, TRANSPOSED):
            kernel = np.swapaxes(kernel, -1, -2)
        if kernel.ndim == 3:
            kernel = kernel[None]
        if kernel.ndim == 4:
            kept.append(Filters(label, kernel))
    return kept


def _kernels_only(found: Sequence[tuple[Any, str]]) -> list[Recurrent]:
    """Recurrent kernels of a model whose layers could not be watched."""
    inside = [pair for layer, label in found if layer.built for pair in _directions(layer, label)]
    return [kernels(layer, label) for label, layer in inside]


def _norms(found: Sequence[tuple[Any, str]]) -> dict[str, float]:
    norms = {}
    for layer, label in found:
        weights = [as_floats(weight).astype(np.float64) for weight in layer.trainable_weights]
        if weights:
            norms[label] = float(np.sqrt(sum(float(np.vdot(weight, weight)) for weight in weights)))
    return norms
