"""LeNet5: its layers, their order, and how many weights it has."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tunekit.space.vocabulary import ACTIVATIONS, INITIALIZERS

from .helpers import assert_probabilities, kinds, make, shape_of


@pytest.mark.parametrize(
    ("shape", "values", "count"),
    [
        # 5*5*1*32+32, 5*5*32*64+64, 7*7*64*1024+1024, 1024*10+10
        ((28, 28, 1), {}, 832 + 51_264 + 3_212_288 + 10_250),
        ((32, 32, 3), {}, 2_432 + 51_264 + 4_195_328 + 10_250),
        # 3*3*1*4+4, 3*3*4*8+8, 2*2*8*16+16, 16*10+10
        ((8, 8, 1), {"filters": 4, "kernel_size": 3, "hidden_units": 16}, 40 + 296 + 528 + 170),
        # Batch normalisation has 4 numbers for each filter.
        ((8, 8, 1), {"filters": 4, "kernel_size": 3, "hidden_units": 16, "batch_norm": True}, 1034 + 16 + 32),
        # Odd sides are rounded up by each pooling: 7x5 to 4x3 to 2x2.
        ((7, 5, 1), {"filters": 4, "kernel_size": 3, "hidden_units": 16}, 1034),
    ],
)
def test_number_of_weights(shape: tuple[int, int, int], values: dict[str, object], count: int) -> None:
    model = make(data=shape_of(shape), **({"filters": 32, "hidden_units": 1024} | values))

    # The mean, the variance and the count of the input's standardisation are constants here.
    assert model.count_params() == count


def test_layers_in_their_order() -> None:
    model = make(batch_norm=True, dropout=0.5)

    block = ["Conv2D", "BatchNormalization", "Activation", "MaxPooling2D"]
    assert kinds(model) == [
        *("InputLayer", "Rescaling", "Normalization"),
        *block,
        *block,
        *("Flatten", "Dense", "Activation", "Dropout", "Dense"),
    ]
    assert model.name == "lenet5"


def test_layers_that_are_not_asked_for_are_not_there() -> None:
    found = kinds(make())

    assert "BatchNormalization" not in found
    assert "Dropout" not in found


def test_the_second_convolution_has_twice_the_filters() -> None:
    model = make(filters=5)

    assert [model.get_layer(name).filters for name in ("conv1", "conv2")] == [5, 10]


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 8, 31])
def test_kernel_sizes_even_larger_than_the_image(kernel_size: int) -> None:
    model = make(kernel_size=kernel_size)

    assert model.get_layer("conv1").kernel.shape == (kernel_size, kernel_size, 1, 3)
    assert_probabilities(model, shape_of())


@pytest.mark.parametrize(
    "shape", [(4, 4, 1), (5, 4, 1), (4, 7, 3), (7, 5, 1), (5, 9, 3), (13, 11, 4), (32, 32, 3)]
)
def test_image_shapes(shape: tuple[int, int, int]) -> None:
    data = shape_of(shape, classes=2)

    model = make(data=data, batch_norm=True)

    assert model.input_shape == (None, *shape)
    assert_probabilities(model, data)


def test_images_go_in_as_they_are_stored() -> None:
    model = make()

    assert model.inputs[0].dtype == "uint8"
    assert model.outputs[0].dtype == "float32"
    assert model.layers[-1].activation is keras.activations.softmax


def test_images_are_standardised() -> None:
    data = shape_of((4, 4, 2))
    model = make(data=data)
    inner = keras.Model(model.input, model.get_layer("standardise").output)
    corner = np.array([[[0, 255], [102, 51]], [[0, 0], [255, 255]]], dtype=np.uint8)
    image = np.tile(corner, (1, 2, 2, 1))

    standardised = np.asarray(inner(image))

    np.testing.assert_allclose(standardised, (image / 255 - 0.4) / 0.2, atol=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(activation: str) -> None:
    model = make(activation=activation)

    used = [model.get_layer(name).activation for name in ("activation1", "activation2", "dense_activation")]
    assert used == [keras.activations.get(activation)] * 3
    assert_probabilities(model, shape_of())


@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_initializers(initializer: str) -> None:
    model = make(initializer=initializer)

    kind = type(keras.initializers.get(initializer))
    for name in ("conv1", "conv2", "dense", "output"):
        assert type(model.get_layer(name).kernel_initializer) is kind
    assert_probabilities(model, shape_of())


@pytest.mark.parametrize("bias", [0.0, 0.1, 1, -0.5])
def test_biases_start_from_a_constant(bias: float) -> None:
    model = make(bias=bias)

    for name in ("conv1", "conv2", "dense"):
        np.testing.assert_allclose(np.asarray(model.get_layer(name).bias), bias)
    np.testing.assert_array_equal(np.asarray(model.get_layer("output").bias), 0)


def test_dropout_after_each_pooling() -> None:
    layers = [layer.name for layer in make(conv_dropout=0.3).layers]

    for number in (1, 2):
        place = layers.index(f"dropout{number}")
        assert layers[place - 1] == f"pool{number}"
    assert make(conv_dropout=0.3).get_layer("dropout1").rate == 0.3
    assert not any(layer.name.startswith("dropout") for layer in make().layers)


def test_penalties_on_weights() -> None:
    model = make(l2=0.5, l2_dense=0.25)

    squares = {
        name: float(np.square(np.asarray(model.get_layer(name).kernel)).sum())
        for name in ("conv1", "conv2", "dense")
    }
    expected = 0.5 * (squares["conv1"] + squares["conv2"]) + 0.25 * squares["dense"]
    assert float(sum(np.asarray(loss) for loss in model.losses)) == pytest.approx(expected, rel=1e-5)


def test_no_penalty_by_default() -> None:
    assert make().losses == []
