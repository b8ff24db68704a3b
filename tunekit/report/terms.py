"""The words that a report uses, explained."""

from __future__ import annotations

from tunekit.report.material import Material

PENALISED = (
    " Keras' val_loss contains the trial's own penalties (l2) and smoothed labels, so that a trial with strong ones "
    "looks worse than it is; the loss on the test set does not."
)


def terms(material: Material) -> list[tuple[str, str]]:
    """In the order in which the page uses them."""
    settings, objective = material.space.search, material.space.objective
    better = "Higher" if objective.direction == "max" else "Lower"
    executions = (
        f" Each trial is trained {settings.executions_per_trial} times with different seeds, its executions; the mean "
        "of their scores and curves is the trial's."
        if settings.executions_per_trial > 1
        else ""
    )
    found = [
        (
            "Configuration",
            "One value for every parameter. A conditional parameter has a value only where its condition holds.",
        ),
        (
            "Trial",
            "One configuration trained for some epochs. A promoted configuration goes on as a new trial that "
            "continues the old one exactly.",
        ),
        (
            f"Score ({objective.name})",
            f"The objective's best value over all epochs of a trial, its ancestors' included. {better} is better."
            + (PENALISED if objective.metric == "loss" else "")
            + executions,
        ),
        (
            "Validation and test",
            "Validation images are held out of the training images and rank the trials. Because the best of many is "
            "picked by them, its score flatters it a little; the test images are read once, for the winner alone. A "
            "search that goes on after its time budget to another winner reads them for that one as well.",
        ),
    ]
    if settings.tuner == "hyperband":
        found += [
            (
                "Rung",
                "All trials of a bracket that are compared after the same number of epochs. The best of them, one in "
                f"{settings.factor}, are promoted and train on.",
            ),
            (
                "Bracket",
                "A tournament of its own: high brackets begin with many configurations and few epochs, bracket 0 "
                "gives few configurations all epochs at once.",
            ),
            (
                "Winner",
                "The best score among the trials that were trained longest; a lucky score after few epochs does not "
                "count against it. What a time budget broke off wins where it trained as long and scores better.",
            ),
        ]
    found += [
        (
            "Importance",
            "How much of the scores' variance a parameter accounts for in a model fitted to this search's trials. It "
            "is an estimate from few trials and holds for the ranges searched, not beyond them.",
        ),
        (
            "Precision, recall, F1",
            "Of the images said to be of a class, the share that are; of the images of a class, the share found; "
            "and the harmonic mean of both.",
        ),
    ]
    return found
