from __future__ import annotations

import pytest

from tunekit.space.model_names import KerasFile, hypermodel_in, keras_file_in, location_in

from .helpers import HEAD, assert_problem, parse, with_parameters

DIGEST = "0123456789abcdef" * 4


def head(model: str) -> str:
    return HEAD.replace("lenet5", model)


@pytest.mark.parametrize(
    ("written", "model"),
    [
        ("recurrent", "recurrent"),
        ("mine.models:build", "mine.models:build"),
        ("{hypermodel: mine:Net}", "hypermodel:mine:Net"),
        ("models/best.keras", "keras:/spaces/models/best.keras"),
        ("{keras: /a b/c#d.keras}", "keras:/a b/c#d.keras"),
        (f"{{keras: c.keras, sha256: {DIGEST}}}", f"keras:/spaces/c.keras#sha256={DIGEST}"),
    ],
)
def test_every_kind_of_model(written: str, model: str) -> None:
    assert parse(with_parameters("batch_size: 50", head=head(written))).model == model


@pytest.mark.parametrize(
    ("written", "path", "expected", "remedy"),
    [
        ("model.h5", "model", "or a .keras file", "package.module:function"),
        ("lenet", "model", "lenet5, recurrent", "Did you mean lenet5?"),
        ("[lenet5]", "model", "lenet5, recurrent", "Write one text"),
        ("{keras: a.keras, hypermodel: a:b}", "model", "either keras or hypermodel", "Write {keras:"),
        (f"{{sha256: {DIGEST}}}", "model", "either keras or hypermodel", "Write {keras:"),
        ("{keras: model.h5}", "model.keras", "ends in .keras", "other formats may hold code"),
        ("{keras: 7}", "model.keras", "ends in .keras", "Put it in quotes"),
        ("{keras: a.keras, sha256: 12}", "model.sha256", "64 hexadecimal digits", "Leave it out"),
        ("{hypermodel: Net}", "model.hypermodel", "package.module:name", "mine:Network"),
        (
            f"{{hypermodel: a:b, sha256: {DIGEST}}}",
            "model.sha256",
            "an option of hypermodel",
            "belongs to keras",
        ),
        ("{file: a.keras, keras: a.keras}", "model.file", "a known key", "Known: keras"),
    ],
)
def test_what_is_no_model_is_told(written: str, path: str, expected: str, remedy: str) -> None:
    assert_problem(with_parameters("batch_size: 50", head=head(written)), 2, path, expected, remedy)


def test_names_say_what_they_are() -> None:
    assert hypermodel_in("hypermodel:a.b:Net") == "a.b:Net"
    assert hypermodel_in("a.b:net") is None
    assert [location_in(name) for name in ("lenet5", "a:b", "hypermodel:a:b", "keras:/a:b.keras")] == [
        None, "a:b", "a:b", None,
    ]  # fmt: skip
    assert keras_file_in("a:b") is None
    for file in (KerasFile("/a.keras"), KerasFile("/a#b:c.keras", DIGEST)):
        assert keras_file_in(str(file)) == file
