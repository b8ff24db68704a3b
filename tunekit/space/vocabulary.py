"""The parameters that the built-in models and training understand: type, bounds, default and meaning.

Kept apart from the models so that a space file is checked without loading Keras.
"""

from __future__ import annotations

from dataclasses import dataclass

from tunekit.results import Scalar, Values
from tunekit.space.model_names import keras_file_in

PRECISION = "precision"
AUTO = "auto"
"""The precision that suits the machine a search begins on; written down then as what it came to."""
PRECISIONS = ("float32", "bfloat16", AUTO)
OPTIMIZERS = ("adam", "adamw", "nadam", "sgd", "momentum", "nesterov", "rmsprop", "adagrad", "lion")
INITIALIZERS = (
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "orthogonal",
)
ACTIVATIONS = ("relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid", "leaky_relu")


@dataclass(frozen=True)
class Known:
    """One parameter that a model or its training understands."""

    name: str
    default: Scalar
    help: str
    min: float | None = None
    max: float | None = None
    """Both ends included."""
    choices: tuple[str, ...] = ()

    @property
    def kind(self) -> type:
        return type(self.default)


TRAINING = (
    Known("optimizer", "adam", "how weights are updated", choices=OPTIMIZERS),
    Known("learning_rate", 1e-3, "step size, the peak of a schedule", min=1e-8, max=10.0),
    Known("momentum", 0.9, "of the optimizers momentum and nesterov", min=0.0, max=0.9999),
    Known("weight_decay", 0.0, "decoupled decay of all weights", min=0.0, max=1.0),
    Known("batch_size", 50, "images per step", min=1, max=65536),
    Known("schedule", "constant", "of the learning rate over max_epochs", choices=("constant", "cosine")),
    Known(
        "warmup", 0.0, "share of max_epochs in which the rate rises, with schedule cosine", min=0.0, max=0.9
    ),
    Known("clip_norm", 0.0, "largest norm of all gradients together; 0 does not clip", min=0.0, max=1e6),
    Known(PRECISION, "float32", "of the model's arithmetic; weights are float32 always", choices=PRECISIONS),
    Known("label_smoothing", 0.0, "share of each label spread over all classes", min=0.0, max=0.9),
    Known("flip", False, "mirror half of the training images left to right, anew each epoch"),
    Known(
        "shift", 0, "move training images by up to this many pixels each way, anew each epoch", min=0, max=64
    ),
)

COMPILING = (
    "optimizer",
    "learning_rate",
    "momentum",
    "weight_decay",
    "schedule",
    "warmup",
    "clip_norm",
    "label_smoothing",
)
"""What is decided as a model is compiled: by the user where a HyperModel compiles itself."""

LENET5 = (
    Known("filters", 32, "of the first convolution; the second has twice as many", min=1, max=1024),
    Known("kernel_size", 5, "of both convolutions, in pixels", min=1, max=31),
    Known("hidden_units", 1024, "of the dense layer", min=1, max=65536),
    Known("dropout", 0.0, "share of the dense layer's outputs dropped", min=0.0, max=0.99),
    Known("conv_dropout", 0.0, "share of each pooling's outputs dropped", min=0.0, max=0.99),
    Known("batch_norm", False, "batch normalisation after each convolution, before pooling"),
    Known("l2", 0.0, "penalty on the convolutions' weights", min=0.0, max=10.0),
    Known("l2_dense", 0.0, "penalty on the dense layer's weights", min=0.0, max=10.0),
    Known("initializer", "glorot_uniform", "of all weights", choices=INITIALIZERS),
    Known("bias", 0.0, "the value biases start from", min=-10.0, max=10.0),
    Known("activation", "relu", "of the convolutions and the dense layer", choices=ACTIVATIONS),
)

RECURRENT = (
    Known("cell", "gru", "kind of recurrent layer", choices=("rnn", "lstm", "gru")),
    Known("layers", 1, "recurrent layers", min=1, max=3),
    Known("hidden_units", 128, "of each recurrent layer", min=1, max=4096),
    Known("dropout", 0.0, "share of the last recurrent layer's outputs dropped", min=0.0, max=0.99),
    Known("batch_norm", False, "batch normalisation between the recurrent and the dense layer"),
    Known("l2", 0.0, "penalty on the input and recurrent weights", min=0.0, max=10.0),
)

MODELS = {"lenet5": LENET5, "recurrent": RECURRENT}
"""The built-in models and their own parameters; training's come in addition."""


SAVED = (
    Known(
        "freeze", 0, "layers with weights, from the input on, that keep those of the file", min=0, max=10_000
    ),
)
"""What a saved model understands beside training's parameters."""


def knows_all(model: str) -> bool:
    """Whether the model has no other parameters than those that are known."""
    return model in MODELS or keras_file_in(model) is not None


def known_parameters(model: str) -> dict[str, Known]:
    """All parameters a model understands; for a user's own model only training's are known."""
    # The layers of a saved model compute in what they were saved with.
    saved = keras_file_in(model) is not None
    return {known.name: known for known in _all(model) if not (saved and known.name == PRECISION)}


def complete(model: str, values: Values) -> dict[str, Scalar]:
    """The values, with the default of every parameter that is not among them."""
    return {known.name: known.default for known in _all(model)} | dict(values)


def _all(model: str) -> tuple[Known, ...]:
    own = SAVED if keras_file_in(model) is not None else MODELS.get(model, ())
    return (*own, *TRAINING)
