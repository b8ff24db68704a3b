"""What a trial's best epoch has learnt, seen on the validation images."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tunekit.insight import graph
from tunekit.insight.explain.deconvnet import routes
from tunekit.insight.explain.draw_curves import draw_invariance
from tunekit.insight.explain.draw_features import draw_evolution, draw_features
from tunekit.insight.explain.draw_mistakes import draw_mistakes, draw_pairs
from tunekit.insight.explain.draw_occlusion import draw_occlusion
from tunekit.insight.explain.evolution import evolve
from tunekit.insight.explain.features import LayerFeatures, layer_features
from tunekit.insight.explain.hidden import probabilities
from tunekit.insight.explain.invariance import invariance, one_of_each
from tunekit.insight.explain.mistakes import mistakes
from tunekit.insight.explain.occlusion import occlude
from tunekit.insight.explain.picture import Picture
from tunekit.insight.look import one_line
from tunekit.models.build import build
from tunekit.trial import checkpoint, history
from tunekit.trial.checkpoint import DamagedCheckpoint
from tunekit.trial.jobs import Emit, ExplainJob, Explanation, WeightsLost
from tunekit.trial.train import arrays, image_shape, validation_arrays

MOST = 6
"""Convolutions that get pictures; of a deeper model they are picked evenly from first to last."""
LOOKED_THROUGH = 20_000
"""Validation images at most, at even distances."""
COVERED, CHANGED = 6, 5
"""Images of different classes that are covered bit by bit, and that are moved, scaled and turned."""


def explain(job: ExplainJob, emit: Emit) -> Explanation:
    """Load the best epoch's weights, compute and draw; what cannot be seen becomes a note."""
    model = build(job.model, job.trial.values, image_shape(job.split.prepared), job.trial.seed)
    try:
        checkpoint.load(job.folder / checkpoint.BEST, checkpoint.model_variables(model))
    except DamagedCheckpoint as error:
        raise WeightsLost(str(error)) from error
    job.output.mkdir(parents=True, exist_ok=True)
    for picture in job.output.glob("*.png"):
        picture.unlink()
    explainer = _Explainer(job, model)
    explainer.attempt(explainer.mistakes)
    if explainer.sees_images:
        # The evolution comes last: it leaves the model with an early epoch's weights.
        for part in (explainer.features, explainer.occlusion, explainer.invariance, explainer.evolution):
            explainer.attempt(part)
    else:
        explainer.notes.append("features, occlusion and invariance: the data are no images")
    return Explanation(tuple(explainer.pictures), tuple(explainer.notes), explainer.figures)


class _Explainer:
    """One model, the images it is shown, and what has been seen so far."""

    def __init__(self, job: ExplainJob, model: keras.Model) -> None:
        self.pictures: list[Picture] = []
        self.notes: list[str] = []
        self.figures: dict[str, Any] = {}
        self._job = job
        self._model = model
        self._heading = f"trial {job.trial.id}"
        self._names = job.split.prepared.class_names
        self._images, self._labels = validation_arrays(job.split, LOOKED_THROUGH)
        every = len(arrays(job.split)[3])
        if len(self._labels) < every:
            self.notes.append(f"{len(self._labels):,} of the {every:,} validation images were looked through")
        self._seen: list[LayerFeatures] = []

    @property
    def sees_images(self) -> bool:
        return len(self._job.split.prepared.shape) == 3

    def attempt(self, part: Callable[[], None]) -> None:
        """A user's own model may fail in any way; the other pictures need not suffer from it."""
        try:
            # A diverged model is drawn as it is, and numpy need not warn of it.
            with np.errstate(all="ignore"):
                part()
        except OSError:
            raise  # a disk that is full
        except Exception as error:
            self.notes.append(f"{part.__name__}: {one_line(error)}")

    @functools.cached_property
    def _probabilities(self) -> np.ndarray:
        return probabilities(self._model, self._images)

    def mistakes(self) -> None:
        found = mistakes(self._probabilities, self._labels)
        self.figures["mistakes"] = {
            "images": found.images,
            "wrong": found.wrong,
            "worst": [
                {
                    "image": one.image,
                    "true": self._names[one.true],
                    "predicted": self._names[one.predicted],
                    "probability": one.probability,
                    "true_probability": one.true_probability,
                }
                for one in found.worst
            ],
            "pairs": [
                {
                    "classes": [self._names[pair.one], self._names[pair.other]],
                    "count": pair.count,
                    "first_as_second": pair.one_as_other,
                    "second_as_first": pair.other_as_one,
                    "share": pair.share,
                }
                for pair in found.pairs
            ],
        }
        if not found.wrong:
            self.notes.append("mistakes: there is none on the validation images")
            return
        if self.sees_images:
            drawn = draw_mistakes(found, self._images, self._names, self._heading, self._job.output)
            self.pictures.append(drawn)
        self.pictures.append(draw_pairs(found, self._names, self._heading, self._job.output))

    def features(self) -> None:
        found, notes = routes(self._model)
        self.notes += [f"features of {note}" for note in notes]
        if not found:
            if not notes:
                self.notes.append("features and their evolution: the model has no convolutions")
            return
        self._seen = layer_features(self._model, graph.evenly(found, MOST), self._images)
        self.figures["features"] = {
            layer.layer: {
                "filters": layer.filters,
                "silent": layer.silent,
                "strongest": {str(one.filter): float(one.heights[0]) for one in layer.features},
            }
            for layer in self._seen
        }
        for layer in self._seen:
            if layer.features:
                self.pictures.append(draw_features(layer, self._heading, self._job.output))
            else:
                self.notes.append(f"features of {layer.layer}: no filter rises above 0 on any image")

    def occlusion(self) -> None:
        grey = [255 * mean for mean in self._job.split.prepared.mean]
        ways = routes(self._model)[0]
        seen = [
            occlude(self._model, self._images[n], int(self._labels[n]), grey, ways[-1] if ways else None)
            for n in self._examples(COVERED)
        ]
        self.figures["occlusion"] = [
            {
                "class": self._names[one.label],
                "probability": one.plain,
                "lowest": float(one.probability.min()),
                "drop": one.plain - float(one.probability.min()),
                "lowest_at": list(one.darkest),
                "square": one.side,
                "filter": one.filter,
            }
            for one in seen
        ]
        last = ways[-1].layer if ways else None
        self.pictures.append(draw_occlusion(seen, last, self._names, self._heading, self._job.output))

    def invariance(self) -> None:
        chosen = self._examples(CHANGED)
        images, labels = self._images[chosen], self._labels[chosen]
        found = invariance(self._model, images, labels)
        classes = [self._names[label] for label in labels]
        self.figures["invariance"] = {
            curves.change: {
                "unit": curves.unit,
                "classes": classes,
                "amounts": curves.amounts.tolist(),
                "distances": {name: values.tolist() for name, values in curves.distances.items()},
                "probability": curves.probability.tolist(),
            }
            for curves in found
        }
        self.pictures.append(draw_invariance(found, images, classes, self._heading, self._job.output))

    def evolution(self) -> None:
        if not self._seen:
            return
        kept = history.load(self._job.folder)
        if not kept:
            self.notes.append("evolution: the weights of earlier epochs were not kept")
            return
        ways = {route.layer: route.kernel_path for route in routes(self._model)[0]}
        covered = [layer.layer for layer in self._seen if ways[layer.layer] in next(iter(kept.values()))]

        def go_to(epoch: int) -> None:
            history.apply(self._model, kept[epoch])

        found = evolve(self._model, covered, list(kept), go_to, self._images)
        self.figures["evolution"] = {
            one.layer: {
                "epochs": list(one.epochs),
                "strongest": {
                    str(number): heights.tolist()
                    for number, heights in zip(one.filters, one.heights, strict=True)
                },
            }
            for one in found
        }
        if found:
            self.pictures.append(draw_evolution(found, self._heading, self._job.output))

    def _examples(self, most: int) -> np.ndarray:
        """Images of different classes, those that the model gets right first."""
        return one_of_each(self._labels, self._probabilities.argmax(axis=1) == self._labels, most)
