"""Two parameters against each other."""

from __future__ import annotations

from dataclasses import replace

from tests.report.materials import HALVED, SPACE, material
from tunekit.report.configurations import configurations
from tunekit.report.cross import Cell, bins, cross, pair
from tunekit.space.parameters import Choice, Parameter, Range


def test_the_best_of_each_pair_and_how_many_there_are() -> None:
    chosen = pair(SPACE)
    assert chosen is not None
    found = cross(configurations(material(*HALVED)), *chosen)
    assert found.row_labels == ("adam", "momentum")
    assert found.column_labels == ("0.001 to 0.01", "0.01 to 0.1")
    # 0.01 itself begins the second decade: trials 0 and 4, of which 4 is better.
    assert found.cells == (
        (Cell(1, 0.7, "2"), Cell(2, 0.8, "4")),
        (Cell(0, None, None), Cell(1, 0.95, "3")),
    )


def test_a_range_that_begins_within_a_decade() -> None:
    found = bins(Range("learning_rate", 3e-4, 0.05, scale="log"))
    assert found.labels == ("0.0003 to 0.001", "0.001 to 0.01", "0.01 to 0.05")
    assert [found.index(value) for value in (3e-4, 0.00099, 0.005, 0.05)] == [0, 0, 1, 2]


def test_a_linear_range_in_four_parts() -> None:
    found = bins(Range("dropout", 0.0, 0.8))
    assert found.labels == ("0 to 0.2", "0.2 to 0.4", "0.4 to 0.6", "0.6 to 0.8")
    assert [found.index(value) for value in (0.0, 0.2, 0.8)] == [0, 1, 3]


def test_without_an_optimizer_the_first_two_that_vary_are_taken() -> None:
    def of(*parameters: Parameter) -> list[str] | None:
        chosen = pair(replace(SPACE, parameters=parameters))
        return [parameter.name for parameter in chosen] if chosen else None

    rate, units = Range("learning_rate", 1e-3, 1e-1, scale="log"), Choice("units", (1, 2))
    hidden = Choice("hidden", (1, 2), when={"units": (1,)})
    assert of(units, hidden, rate) == ["units", "learning_rate"]
    assert of(units) is None
    assert of(rate, Choice("optimizer", ("adam", "sgd")), units) == ["optimizer", "learning_rate"]
