"""Space files that `tunekit init` writes: read again, for every model and many shapes of data."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.study.commands import run
from tunekit.data.glance import Glance
from tunekit.errors import DataError, UserError
from tunekit.space.declared import data_kinds
from tunekit.space.parameters import Choice
from tunekit.space.reader import read_space
from tunekit.space.shipped import describe
from tunekit.space.vocabulary import known_parameters
from tunekit.study.init import kinds
from tunekit.study.init.begin import Wishes, begin
from tunekit.study.init.choices import OWN, lines, max_epochs, suited_model, suited_objectives
from tunekit.study.init.kinds import Data
from tunekit.study.init.text import described

DIGITS = Data("digits", "")


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def images(name: str, count: int, *shape: int) -> Data:
    np.savez(name, x=np.zeros((count, *shape), np.uint8), y=np.arange(count) % 5)
    return Data("npz", name)


def test_digits_by_default() -> None:
    begun = begin(Path("first.yaml"), Wishes(DIGITS))
    space = read_space(begun.file)
    assert (space.name, space.model, space.data.source) == ("first", "lenet5", "digits")
    assert (space.data.validation, space.search.max_epochs) == (0.2, 9)
    assert space.parameter("kernel_size").value == 3  # type: ignore[union-attr]
    assert begun.commands == (
        "tunekit check first.yaml", "tunekit plan first.yaml", "tunekit search first.yaml"
    )  # fmt: skip
    lines = begun.file.read_text().splitlines()
    assert lines[1] == "# tunekit search first.yaml"
    assert describe(begun.file) == "lenet5 on digits, 1,438 examples of 8x8x1, 10 classes"
    assert max(map(len, lines)) <= 180


@pytest.mark.parametrize("model", ["lenet5", "recurrent", OWN, "mine.models:build"])
@pytest.mark.parametrize("shape", [(8, 8), (28, 28, 1), (64, 48, 3), (224, 224, 3)])
def test_every_model_and_shape_is_read_again(model: str, shape: tuple[int, ...]) -> None:
    begun = begin(Path("a.yaml"), Wishes(images("a.npz", 10, *shape), model, "val_loss", 1800.0))
    space = read_space(begun.file)
    assert space.objective.name == "val_loss"
    assert space.search.max_epochs == 27
    assert space.data.location == str(Path("a.npz").absolute())
    assert begun.commands[2] == "tunekit search a.yaml --time-budget 30m"
    assert any(isinstance(parameter, Choice) for parameter in space.parameters)


@pytest.mark.parametrize("model", ["lenet5", "recurrent", OWN])
def test_what_is_commented_out_is_right_as_well(model: str) -> None:
    begun = begin(Path("a.yaml"), Wishes(DIGITS, model))
    head, marker, rest = begun.file.read_text().partition("  # Understood as well")
    assert marker
    bare = [line.replace("# ", "", 1) for line in rest.splitlines()[1:]]
    begun.file.write_text("\n".join([head, *bare]))
    expected = {*known_parameters(model), *(("width", "layers", "dropout") if model == OWN else ())}
    assert {parameter.name for parameter in read_space(begun.file).parameters} == expected


def test_paths_are_seen_from_the_file() -> None:
    Path("data").mkdir()
    data = images("data/a.npz", 10, 9, 9)
    file = Path("spaces/deep/a.yaml")
    begin(file, Wishes(data))
    assert 'npz: "../../data/a.npz"' in file.read_text()
    assert read_space(file).data.location == str(Path("data/a.npz").absolute())
    # A folder of a set's name is not the set.
    Path("mnist").mkdir()
    assert Data("tfds", "mnist").as_seen_from(Path("spaces")) == "mnist"


def test_nothing_is_written_over() -> None:
    file = Path("a.yaml")
    file.write_text("mine")
    with pytest.raises(UserError, match="add --force"):
        begin(file, Wishes(DIGITS))
    assert file.read_text() == "mine"
    Path("a_model.py").write_text("also mine")
    begun = begin(file, Wishes(DIGITS, OWN), force=True)
    assert begun.model_file_kept
    assert Path("a_model.py").read_text() == "also mine"
    assert read_space(file).model == "a_model:build"


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        (Wishes(Data("npz", "none.npz")), "no such file"),
        (Wishes(DIGITS, "lenet"), "Did you mean lenet5?"),
        (Wishes(DIGITS, "no module:no function"), "package.module:function"),
        (Wishes(DIGITS, objective="accuracy"), "val_accuracy"),
    ],
)
def test_a_mistake_writes_nothing(wishes: Wishes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        begin(Path("a.yaml"), wishes)
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(("classes", "offered"), [(None, True), (2, False), (5, False), (6, True)])
def test_the_first_five_of_five_classes_are_not_offered(classes: int | None, offered: bool) -> None:
    assert ("val_top5" in suited_objectives(Glance(100, (8, 8, 1), classes))) is offered


def test_an_objective_by_which_all_are_alike_is_refused() -> None:
    few = images("few.npz", 20, 9, 9)
    with pytest.raises(UserError, match="--objective val_top5: expected data of more than 5 classes, got 5"):
        begin(Path("a.yaml"), Wishes(few, objective="val_top5"))
    assert "val_top5" not in begin(Path("a.yaml"), Wishes(few)).file.read_text()
    assert "val_top5" in begin(Path("b.yaml"), Wishes(DIGITS)).file.read_text()


def test_images_too_small_for_lenet5() -> None:
    tiny = images("a.npz", 20, 4, 4)
    assert suited_model(tiny.glance()) == OWN
    with pytest.raises(UserError, match="expected images of at least 8x8 pixels, got 4x4x1"):
        begin(Path("a.yaml"), Wishes(tiny, "lenet5"))
    with pytest.raises(UserError, match="--model own"):
        begin(Path("a.yaml"), Wishes(tiny, "lenet5"))


@pytest.mark.parametrize(
    ("file", "name", "module"),
    [
        ("my space (2).yaml", "my-space--2-", "my_space__2__model"),
        ("3d.yaml", "3d", "_3d_model"),
        ("über.yaml", "ber", "_ber_model"),
        ("x" * 90 + ".yaml", "x" * 64, "x" * 90 + "_model"),
    ],
)
def test_odd_names(file: str, name: str, module: str) -> None:
    begun = begin(Path(file), Wishes(DIGITS, OWN))
    space = read_space(begun.file)
    assert (space.name, space.model) == (name, f"{module}:build")
    assert begun.model_file == Path(f"{module}.py")


def test_a_model_elsewhere_is_run_where_it_is() -> None:
    begun = begin(Path("sub dir/a.yaml"), Wishes(DIGITS, OWN))
    assert begun.commands[0] == "cd 'sub dir' && tunekit check a.yaml"


@pytest.mark.parametrize("shape", [(8, 8, 1), (4, 5, 3)])
def test_the_model_function_works_as_it_is(shape: tuple[int, int, int]) -> None:
    from tunekit.models.build import build
    from tunekit.models.shape import ImageShape

    space = read_space(begin(Path("works.yaml"), Wishes(DIGITS, OWN)).file)
    channels = shape[2]
    data = ImageShape(shape, 7, (0.5,) * channels, (0.2,) * channels)
    try:
        for values in (space.smallest(), space.largest()):
            assert build(space.model, values, data, 0).output_shape == (None, 7)
    finally:
        sys.modules.pop("works_model", None)
        sys.path.remove(str(Path.cwd()))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("digits", Data("digits", "")),
        ("tfds:mnist:3.0.1", Data("tfds", "mnist:3.0.1")),
        ("npz:/a/b.npz", Data("npz", "/a/b.npz")),
    ],
)
def test_data_is_named_by_its_kind_and_place(text: str, found: Data) -> None:
    assert Data.parse(text) == found
    assert str(found) == text


@pytest.mark.parametrize("text", ["", "minst", "tfds", "npz:", "a.npz"])
def test_data_that_is_not_named_rightly(text: str) -> None:
    with pytest.raises(UserError, match="--data"):
        Data.parse(text)


def test_a_kind_that_nobody_has_described_is_written_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(kinds.KINDS, "npz")
    images("a.npz", 10, 9, 9)
    begun = begin(Path("sub/a.yaml"), Wishes(Data.parse("npz:a.npz")))
    assert read_space(begun.file).data.location == str(Path("a.npz").absolute())
    assert "npz" in data_kinds()
    assert begun.seen == "npz:a.npz: examples"


def test_a_missing_file_is_found_before_anything_is_written() -> None:
    with pytest.raises(DataError):
        begin(Path("a.yaml"), Wishes(Data("npz", "b.npz")))


@pytest.mark.parametrize(
    ("budget", "count", "epochs"),
    [(None, 100, 9), (None, 60_000, 27), (None, None, 27), (600.0, 9, 9), (3600.0, 9, 27), (86400.0, 9, 81)],
)
def test_epochs_follow_from_the_time(budget: float | None, count: int | None, epochs: int) -> None:
    assert max_epochs(Glance(count, None, None), budget) == epochs


def test_examples_that_are_no_images_get_a_model_of_ones_own() -> None:
    table = Glance(500, (12,), 2)
    assert suited_model(table) == OWN
    assert described(table) == "500 examples of 12 features, 2 classes"
    assert lines("lenet5", Glance(None, None, None))


def table(name: str = "a.csv", features: int = 3, label: str = "kind") -> Data:
    names = [label, *(f"p{number}" for number in range(features))]
    rows = [[f"class {row % 2}", *["7"] * features] for row in range(20)]
    Path(name).write_text("\n".join(",".join(row) for row in [names, *rows]) + "\n")
    return Data("csv", name, label)


@pytest.mark.parametrize("label", ["kind", "0", "yes", "what: kind", "# {kind}"])
def test_a_table_needs_its_label(label: str) -> None:
    begun = begin(Path("a.yaml"), Wishes(table(label=label)))
    space = read_space(begun.file)
    assert (space.model, space.data.source, space.data.label) == ("a_model:build", "csv", label)
    assert begun.seen == "csv:a.csv: 20 examples of 3 features"
    assert "shape" not in begun.file.read_text()


def test_a_label_that_is_missing_wrong_or_out_of_place() -> None:
    table(features=30)
    for data, message in [
        (
            Data("csv", "a.csv"),
            "expected --label COLUMN.*Columns of the file: kind, p0, .*p14, ..., p27, p28, p29",
        ),
        (Data("csv", "a.csv", "kid"), "Did you mean kind"),
        (Data("digits", "", "kind"), "--label kind: expected none with digits.*csv and parquet"),
    ]:
        with pytest.raises(UserError, match=message):
            begin(Path("a.yaml"), Wishes(data))
    assert [path.name for path in Path().iterdir()] == ["a.csv"]


def test_a_table_of_pixels_has_a_shape_to_uncomment() -> None:
    file = begin(Path("a.yaml"), Wishes(table(features=64))).file
    assert read_space(file).data.shape is None
    file.write_text(file.read_text().replace("# shape:", "shape:"))
    assert read_space(file).data.shape == (8, 8, 1)


def folder_of_images() -> Data:
    for number in range(20):
        folder = Path("set") / ("ant" if number % 2 else "bee")
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (12, 16 if number else 9)).save(folder / f"{number}.png")
    return Data("images", "set")


def test_images_that_differ_in_size_get_one() -> None:
    space = read_space(begin(Path("sub/a.yaml"), Wishes(folder_of_images())).file)
    assert (space.model, space.data.location) == ("lenet5", str(Path("set").absolute()))
    assert space.data.size == (16, 12)


def test_a_function_is_named_and_not_called() -> None:
    begun = begin(Path("a.yaml"), Wishes(Data.parse("python:there.is:none")))
    assert read_space(begun.file).data.location == "there.is:none"


def test_the_model_function_works_for_vectors() -> None:
    from tunekit.models.build import build
    from tunekit.models.shape import ImageShape

    space = read_space(begin(Path("vectors.yaml"), Wishes(table())).file)
    try:
        for shape in ((3,), (8, 8, 1)):
            data = ImageShape(shape, 7, (5.0,) * shape[-1], (2.0,) * shape[-1])
            assert build(space.model, space.smallest(), data, 0).output_shape == (None, 7)
    finally:
        sys.modules.pop("vectors_model", None)
        sys.path.remove(str(Path.cwd()))


@pytest.mark.long
def test_what_is_written_for_tables_and_images_passes_the_check() -> None:
    for file, data in (("tables.yaml", table()), ("pictures.yaml", folder_of_images())):
        begin(Path(file), Wishes(data))
        assert ": good." in run("check", file, "--workers", 1, cwd=Path.cwd()).stdout
