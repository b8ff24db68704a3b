"""HyperModels keep the optimizer, the loss and the metrics that they were compiled with."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tunekit.errors import ModelError
from tunekit.space.sections import OBJECTIVES
from tunekit.space.vocabulary import complete
from tunekit.trial.compiled import as_probabilities, check_metric, make_ready

NAME = "hypermodel:mine:Net"
VALUES = complete("mine:build", {})


def network(**compiled: Any) -> keras.Model:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    if compiled:
        model.compile(**compiled)
    return model


def test_what_a_hypermodel_has_compiled_stays() -> None:
    optimizer = keras.optimizers.SGD(0.3, momentum=0.5)
    model = network(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    make_ready(NAME, model, VALUES, steps_per_epoch=4, max_epochs=2)

    assert model.optimizer is optimizer
    assert model.loss == "sparse_categorical_crossentropy"
    assert len(optimizer.variables) == 2 + len(model.trainable_variables), "its state exists"


@pytest.mark.parametrize("name", [NAME, "mine:build"])
def test_what_is_not_compiled_gets_trainings_parameters(name: str) -> None:
    model = network()
    make_ready(name, model, VALUES | {"optimizer": "rmsprop", "learning_rate": 0.25}, 4, 2)

    assert isinstance(model.optimizer, keras.optimizers.RMSprop)
    assert float(model.optimizer.learning_rate) == 0.25


@pytest.mark.parametrize(
    "loss", ["categorical_crossentropy", keras.losses.CategoricalCrossentropy(from_logits=True)]
)
def test_a_loss_of_one_hot_vectors_is_refused(loss: Any) -> None:
    with pytest.raises(ModelError, match="loss='sparse_categorical_crossentropy'"):
        make_ready(NAME, network(optimizer="sgd", loss=loss), VALUES, 4, 2)


def test_the_objective_must_be_measured() -> None:
    check_metric(NAME, ["acc", "loss"], OBJECTIVES["val_loss"])
    with pytest.raises(
        ModelError, match=r"measures accuracy.* got acc, loss\. Compile it with metrics=\['accuracy'\]"
    ):
        check_metric(NAME, ["acc", "loss"], OBJECTIVES["val_accuracy"])


def test_logits_become_probabilities() -> None:
    plain = network(optimizer="sgd", loss="sparse_categorical_crossentropy")
    logits = network(optimizer="sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    said = np.array([[0.0, np.log(3.0)], [1000.0, 1000.0]])

    for model in (network(), plain):
        assert as_probabilities(model, said) is said
    np.testing.assert_allclose(as_probabilities(logits, said), [[0.25, 0.75], [0.5, 0.5]])
