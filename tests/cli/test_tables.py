"""Tables in terminals of any width."""

from __future__ import annotations

import pytest

from tunekit.cli.tables import table

HEADINGS = ["trial", "epochs", "val_accuracy", "values"]
ROWS = [
    ["00", "1", "0.8785", "optimizer=momentum learning_rate=0.06269 momentum=0.8 batch_norm=False"],
    ["01", "3", "", "optimizer=adam"],
]


def test_as_wide_as_its_entries_where_there_is_no_terminal() -> None:
    assert table(ROWS, HEADINGS) == "\n".join(
        [
            "trial  epochs  val_accuracy  values",
            f"00     1       0.8785        {ROWS[0][3]}",
            "01     3                     optimizer=adam",
        ]
    )
    assert table([], HEADINGS) == ""


def test_the_last_column_is_wrapped_below_itself() -> None:
    assert table(ROWS, HEADINGS, 64) == "\n".join(
        [
            "trial  epochs  val_accuracy  values",
            "00     1       0.8785        optimizer=momentum",
            "                             learning_rate=0.06269 momentum=0.8",
            "                             batch_norm=False",
            "01     3                     optimizer=adam",
        ]
    )


def test_with_little_room_it_goes_below_the_row() -> None:
    assert table(ROWS, HEADINGS, 40) == "\n".join(
        [
            "trial  epochs  val_accuracy",
            "    values",
            "00     1       0.8785",
            "    optimizer=momentum",
            "    learning_rate=0.06269 momentum=0.8",
            "    batch_norm=False",
            "01     3",
            "    optimizer=adam",
        ]
    )


def test_with_hardly_any_a_row_is_a_list() -> None:
    assert table(ROWS[1:], HEADINGS, 26) == "\n".join(
        [
            "trial         01",
            "epochs        3",
            "val_accuracy",
            "values        optimizer=ad",
            "              am",
        ]
    )


@pytest.mark.parametrize("width", range(24, 120, 3))
def test_nothing_is_wider_than_the_terminal_and_nothing_is_lost(width: int) -> None:
    text = table(ROWS, HEADINGS, width)
    assert max(map(len, text.splitlines())) <= width
    joined = "".join(text.split())
    assert all("".join(cell.split()) in joined for row in ROWS for cell in row)
