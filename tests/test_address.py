"""Passwords in the addresses of stores are not shown."""

from __future__ import annotations

import pytest

from tunekit.address import for_command, shown, without_password


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sqlite:////home/me/mlruns/mlflow.db", "sqlite:////home/me/mlruns/mlflow.db"),
        ("https://mlflow.example.org", "https://mlflow.example.org"),
        ("http://there:5000/team@home", "http://there:5000/team@home"),
        ("postgresql://me@there/runs", "postgresql://me@there/runs"),
        ("postgresql://there:5432/runs", "postgresql://there:5432/runs"),
        ("postgresql://me:secret@there:5432/runs", "postgresql://me:***@there:5432/runs"),
        ("https://me:secret@there", "https://me:***@there"),
        # A password like another part of the address hides that part nowhere else.
        ("postgresql://runs:runs@there/runs", "postgresql://runs:***@there/runs"),
        # Letters that ought to have been quoted, and are not.
        ("postgresql://me:se#cr/et@@there/runs", "postgresql://me:***@there/runs"),
        ("postgresql://there/runs?user=me&password=secret", "postgresql://there/runs?user=me&password=***"),
    ],
)
def test_an_address_without_its_password(uri: str, expected: str) -> None:
    assert shown(uri) == expected


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        ("postgresql://me:secret@there/runs", "could not parse postgresql://me:secret@there/runs"),
        ("postgresql://me:se%40cret@there/runs", 'no password "se@cret" for me'),
        ("postgresql://me:se@cret@there/runs", 'could not translate host name "cret@there"'),
        ("postgresql://there/runs?password=secret", "connection to there with secret failed"),
        ("http://me:secret@there", "API request to http://me:secret@there/api failed"),
    ],
)
def test_what_repeats_the_password_in_part(uri: str, text: str) -> None:
    hidden = without_password(text, uri)
    assert "***" in hidden
    assert "cret" not in hidden


def test_a_command_names_the_variable_instead_of_a_password() -> None:
    assert for_command("http://there:5000") == "http://there:5000"
    assert for_command("http://me:secret@there:5000") == '"$MLFLOW_TRACKING_URI"'
