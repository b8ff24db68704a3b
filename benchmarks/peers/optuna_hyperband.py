"""Optuna with its Hyperband pruner and its callback for Keras, a model saved for each trial as its examples do.

python benchmarks/peers/optuna_hyperband.py lenet5|gru DATA.npz SEED
"""

import contextlib
import sys
from pathlib import Path

import keras
import optuna
from models import BATCH, Watch, gru, lenet5, load
from optuna_integration import KerasPruningCallback

MODEL, DATA, SEED = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
TRAIN, VALIDATION = load(DATA)
EPOCHS = 75
"""That a Hyperband search of 9 epochs with factor 3 trains: the budget of all."""


class Enough(Exception):
    """The budget is spent."""


class Budget(keras.callbacks.Callback):
    spent = 0

    def on_epoch_end(self, epoch, logs=None):
        Budget.spent += 1
        if Budget.spent >= EPOCHS:
            raise Enough


def objective(trial):
    keras.utils.clear_session()
    values = {
        "optimizer": trial.suggest_categorical("optimizer", ["adam", "nadam", "adagrad"]),
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
        "batch_norm": trial.suggest_categorical("batch_norm", [True, False]),
        "shape": TRAIN[0].shape[1:],
    }
    if MODEL == "lenet5":
        model = lenet5(
            hidden_units=trial.suggest_categorical("hidden_units", [256, 512, 1024]),
            dropout=trial.suggest_float("dropout", 0.0, 0.8, step=0.1),
            l2=trial.suggest_float("l2", 1e-6, 1e-2, log=True),
            **values,
        )
    else:
        model = gru(
            hidden_units=trial.suggest_categorical("hidden_units", [32, 64, 128]),
            dropout=trial.suggest_float("dropout", 0.0, 0.5, step=0.1),
            **values,
        )
    callbacks = [
        Watch(Path("watch")),
        Budget(),
        keras.callbacks.ModelCheckpoint(
            f"optuna/{trial.number}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        ),
        KerasPruningCallback(trial, "val_accuracy"),
    ]
    history = model.fit(
        *TRAIN, batch_size=BATCH, epochs=9, validation_data=VALIDATION, callbacks=callbacks, verbose=0
    )
    return max(history.history["val_accuracy"])


Path("optuna").mkdir()
study = optuna.create_study(
    storage="sqlite:///optuna/study.db",
    direction="maximize",
    sampler=optuna.samplers.TPESampler(seed=SEED),
    pruner=optuna.pruners.HyperbandPruner(min_resource=1, max_resource=9, reduction_factor=3),
)
with contextlib.suppress(Enough):
    study.optimize(objective)
