"""Hyperparameter search for Keras that you can leave running overnight and trust in the morning."""

__version__ = "0.1.0"
