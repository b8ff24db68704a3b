"""The table of a model's layers, against one written by hand."""

from __future__ import annotations

import keras

from tunekit.insight.summary import summary

LAYERS = keras.layers


def test_a_line_for_each_layer_and_the_weights_in_all() -> None:
    inputs = keras.Input((8, 8, 1), name="image")
    inner = keras.Sequential([keras.Input((6, 6, 2)), LAYERS.Flatten(name="flat")], name="inner")
    x = inner(LAYERS.Conv2D(2, 3, name="conv")(inputs))
    x = LAYERS.BatchNormalization(name="norm")(x)
    model = keras.Model(inputs, LAYERS.Dense(10, name="output")(x), name="small")

    assert summary(model).splitlines() == [
        "layer       kind                output  weights",
        "----------  ------------------  ------  -------",
        "image       InputLayer          8×8×1         0",
        "conv        Conv2D              6×6×2        20",
        "inner.flat  Flatten             72            0",
        "norm        BatchNormalization  72          288",
        "output      Dense               10          730",
        "",
        "small: 1,038 weights, 894 of them trained",
    ]


def test_shapes_that_nobody_knows() -> None:
    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="own")
            self.dense = LAYERS.Dense(3, name="dense")

        def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
            return self.dense(inputs)

    model = Own()
    model(keras.ops.ones((1, 2)))
    (row,) = [line.split() for line in summary(model).splitlines() if line.startswith("dense")]
    assert row[0] == "dense"
    assert row[-1] == "9"
    steps = keras.Sequential([keras.Input((None, 4)), LAYERS.GRU(2, return_sequences=True, name="gru")])
    assert "gru    GRU   ?×2" in summary(steps)
