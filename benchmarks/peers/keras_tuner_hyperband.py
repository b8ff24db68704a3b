"""Keras Tuner's Hyperband as its documentation shows it.

python benchmarks/peers/keras_tuner_hyperband.py lenet5|gru DATA.npz SEED
"""

import sys
from pathlib import Path

import keras_tuner
from models import BATCH, Watch, gru, lenet5, load

MODEL, DATA, SEED = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
TRAIN, VALIDATION = load(DATA)


def build(hp):
    values = {
        "optimizer": hp.Choice("optimizer", ["adam", "nadam", "adagrad"]),
        "learning_rate": hp.Float("learning_rate", 1e-4, 1e-1, sampling="log"),
        "batch_norm": hp.Boolean("batch_norm"),
        "shape": TRAIN[0].shape[1:],
    }
    if MODEL == "lenet5":
        return lenet5(
            hidden_units=hp.Choice("hidden_units", [256, 512, 1024]),
            dropout=hp.Float("dropout", 0.0, 0.8, step=0.1),
            l2=hp.Float("l2", 1e-6, 1e-2, sampling="log"),
            **values,
        )
    return gru(
        hidden_units=hp.Choice("hidden_units", [32, 64, 128]),
        dropout=hp.Float("dropout", 0.0, 0.5, step=0.1),
        **values,
    )


tuner = keras_tuner.Hyperband(
    build,
    objective="val_accuracy",
    max_epochs=9,
    factor=3,
    seed=SEED,
    directory="keras-tuner",
    project_name=MODEL,
)
tuner.search(
    *TRAIN, batch_size=BATCH, validation_data=VALIDATION, callbacks=[Watch(Path("watch"))], verbose=0
)
