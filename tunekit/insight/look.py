"""What is inside a trained model, as plain arrays: filters, activations, kernels, hidden states.

This half computes and `tunekit.insight.draw` draws, so that either can be used and tested alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import keras
import numpy as np

from tunekit.insight import flow, graph
from tunekit.insight.convolutions import CONVOLUTIONS, Filters, kernels_of
from tunekit.insight.graph import Array, Use, as_floats
from tunekit.insight.reading import Reading, last_recurrent, read
from tunekit.insight.recurrent import RECURRENT, Recurrent, agrees, kernels, saturation, unroll

Kind = Literal["convolution", "recurrent", "dense"]

SAMPLE = 200_000
"""Values that a histogram is made of, at most."""


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
class Linear:
    """What left a layer's linear part, before anything was made of it."""

    sample: Array
    """Some of the values over all images, in no order."""
    before: Literal["batch norm", "activation"]
    """What comes next."""


@dataclass(frozen=True)
class Activation:
    """What one layer answered to the images, after its activation function."""

    layer: str
    kind: Kind
    values: Array
    """(images, ..., units); units are last whatever the model's data format."""
    summary: Summary
    linear: Linear | None = None
    """None where the values are the linear part's own, and of recurrent layers."""


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
    reading: Reading | None = None
    """Accuracy as the steps come in, of a recurrent model."""
    notes: tuple[str, ...] = ()
    """What could not be looked at, and why."""


def look(
    model: Any,
    images: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    more: tuple[np.ndarray, np.ndarray] | None = None,
) -> Look:
    """Look inside a trained model with a few fixed images; what cannot be seen becomes a note.

    `more` are further images and labels, for what a few images cannot tell.
    """
    found = graph.named(model)
    seen = _Seen({id(layer): label for layer, label in found})
    # A diverged model overflows; its statistics and pictures say so, and numpy need not warn of it.
    with np.errstate(all="ignore"):
        seen.attempt("activations", lambda: seen.watch(model, np.asarray(images)))
        if more is not None:
            seen.attempt("accuracy by step", lambda: seen.read(model, *more))
        return Look(
            images=np.asarray(images),
            labels=np.asarray(labels),
            class_names=tuple(class_names),
            filters=kernels_of(found),
            activations=tuple(seen.activations),
            recurrents=tuple(seen.recurrents or _kernels_only(found)),
            norms=_norms(found),
            reading=seen.reading,
            notes=tuple(seen.notes),
        )


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

    def __init__(self, names: Mapping[int, str]) -> None:
        self.activations: list[Activation] = []
        self.recurrents: list[Recurrent] = []
        self.reading: Reading | None = None
        self.notes: list[str] = []
        self._names = names
        self._taken = {name.lower() for name in names.values()}
        self._used: set[int] = set()

    def attempt(self, what: str, see: Callable[[], None]) -> None:
        """A user's own model may fail in any way when it is called on its own layers' outputs.

        Training has gone well by now, so a trial must not be lost for a picture: the reason is kept and shown.
        """
        try:
            see()
        except Exception as error:
            self.notes.append(f"{what} ({one_line(error)})")

    def read(self, model: Any, images: Array, labels: Array) -> None:
        """Accuracy by step, only where the layer's steps are known to be its own."""
        use = last_recurrent(model)
        label = self._names.get(id(use.layer)) if use else None
        if use and any(each.layer == label and each.states is not None for each in self.recurrents):
            self.reading = read(model, use, str(label), images, labels)

    def watch(self, model: Any, inputs: Array) -> None:
        """Run the model once, keep what its layers of interest answer, and go on into nested models."""
        uses = graph.uses(model)
        if len(getattr(model, "inputs", None) or ()) != 1:
            self.notes.append(f"activations of {model.name} (not a graph of layers with one input)")
            return
        watched = [(use, _kind(use.layer)) for use in uses if _kind(use.layer)]
        behind = {id(use): graph.activated(use, uses) for use, _ in watched}
        wanted = [behind[id(use)].outputs[0] for use, _ in watched]
        wanted += [use.outputs[0] for use, _ in watched if behind[id(use)] is not use]
        wanted += [use.inputs[0] for use, kind in watched if kind == "recurrent" or graph.bends(use.layer)]
        wanted += [use.inputs[0] for use in uses if isinstance(use.layer, keras.Model)]
        values = flow.evaluate(model, wanted, inputs)
        for use in uses:
            kind = _kind(use.layer)
            if isinstance(use.layer, keras.Model):
                self.watch(use.layer, values[id(use.inputs[0])])
            elif kind == "recurrent":
                self._recurrent(use, values[id(use.inputs[0])], values[id(use.outputs[0])])
            elif kind:
                last = behind[id(use)]
                linear = self._linear(use, last, graph.normalised(use, uses), values)
                self._keep(self._label(use.layer), kind, use, values[id(last.outputs[0])], last, linear)

    def _linear(self, use: Use, last: Use, normalised: bool, values: Mapping[int, Array]) -> Linear | None:
        """What the layer's kernel and bias alone give, where its activation or what follows changes that."""
        if last is not use:
            found = values[id(use.outputs[0])]
        elif graph.bends(use.layer):
            found = flow.unbent(use.layer, values[id(use.inputs[0])])
            normalised = False  # what is normalised is the activation
        else:
            return None
        flat = found.reshape(-1)
        return Linear(flat[:: flat.size // SAMPLE + 1], "batch norm" if normalised else "activation")

    def _label(self, layer: Any) -> str:
        """The layer's name; a second use of a shared layer gets one of its own."""
        name = self._names.get(id(layer), str(layer.name))
        if id(layer) in self._used or id(layer) not in self._names:
            return graph.label(name, self._taken)
        self._used.add(id(layer))
        return name

    def _keep(
        self, label: str, kind: Kind, use: Use, values: Array, last: Use, linear: Linear | None = None
    ) -> None:
        if getattr(use.layer, "data_format", None) == "channels_first":
            values = np.moveaxis(values, 1, -1)
        if values.ndim >= 2 and values.size:
            summary = summarize(values, graph.rectifies(last.layer))
            self.activations.append(Activation(label, kind, values, summary, linear))

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


def one_line(error: Exception) -> str:
    """What happened, as `Kind: text`. Keras colours its messages, and begins with where it was."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    text = text.removeprefix("Exception encountered when calling ")
    return f"{type(error).__name__}: {' '.join(text.split())[:200]}"


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


def _kernels_only(found: Sequence[tuple[Any, str]]) -> list[Recurrent]:
    """Recurrent kernels of a model whose layers could not be watched."""
    inside = [pair for layer, label in found if layer.built for pair in _directions(layer, label)]
    return [kernels(layer, label) for label, layer in inside]


def _norms(found: Sequence[tuple[Any, str]]) -> dict[str, float]:
    norms = {}
    for layer, label in found:
        weights = layer.trainable_weights
        if weights:
            norms[label] = sum(graph.sum_of_squares(as_floats(weight)) for weight in weights) ** 0.5
    return norms
