from __future__ import annotations

from tunekit.space.parameters import Choice, Fixed, Range
from tunekit.space.space import DataSpec, Objective, Space
from tunekit.space.vocabulary import MODELS, complete, known_parameters

SPACE = Space(
    name="small",
    model="lenet5",
    data=DataSpec("digits"),
    parameters=(
        Choice("optimizer", ("adam", "momentum")),
        Range("momentum", 0.5, 0.9, when={"optimizer": ("momentum",)}),
        Fixed("dropout", 0.5),
    ),
)


def test_a_parameter_is_found_by_name() -> None:
    assert SPACE.parameter("dropout") == Fixed("dropout", 0.5)
    assert SPACE.parameter("nothing") is None


def test_inactive_values_are_left_out() -> None:
    values = {"dropout": 0.5, "momentum": 0.7, "optimizer": "adam"}
    assert SPACE.active(values) == {"optimizer": "adam", "dropout": 0.5}
    assert list(SPACE.active(values | {"optimizer": "momentum"})) == ["optimizer", "momentum", "dropout"]


def test_smallest_and_largest_configurations() -> None:
    assert SPACE.smallest() == {"optimizer": "adam", "dropout": 0.5}
    assert SPACE.largest() == {"optimizer": "momentum", "momentum": 0.9, "dropout": 0.5}


def test_a_fixed_space_has_exactly_these_values() -> None:
    fixed = SPACE.fixed({"dropout": 0.1}, name="best")
    assert (fixed.name, fixed.parameters) == ("best", (Fixed("dropout", 0.1),))


def test_what_a_validation_score_is_beside_the_test() -> None:
    test = {"accuracy": 0.5, "loss": 1.0, "f1": 0.25}
    assert Objective("val_f1").validation_minus_test(0.5, test) == 0.25
    assert Objective("val_auc").validation_minus_test(0.5, test) is None
    assert Objective("val_loss", "min").validation_minus_test(0.5, test) is None


def test_an_objective_says_what_is_better() -> None:
    assert Objective().better(0.9, 0.8)
    assert Objective("val_loss", "min").better(0.1, 0.2)


def test_every_known_parameter_has_a_default_within_its_bounds() -> None:
    for model in (*MODELS, "mine:build"):
        for known in known_parameters(model).values():
            if known.choices:
                assert known.default in known.choices
            elif known.kind is not bool:
                assert known.min is not None
                assert known.max is not None
                assert known.min <= float(known.default) <= known.max


def test_values_are_completed_with_defaults() -> None:
    values = complete("recurrent", {"layers": 2})
    assert (values["layers"], values["cell"], values["optimizer"]) == (2, "gru", "adam")
