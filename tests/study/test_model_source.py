"""The source of a model of one's own belongs to the search: found without being run, kept, and compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.study.commands import loaded, run
from tunekit.search.state import State
from tunekit.study.home import SearchFolder
from tunekit.study.model_source import SOURCES, changes, find_source, keep, model_sources

MODEL = """\
import keras
from blocks import hidden  # not Keras' own


def build(values, data):
    inputs = keras.Input(data.shape, dtype=data.dtype)
    x = hidden(keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs)), 8)
    return keras.Model(inputs, keras.layers.Dense(data.classes, activation="softmax")(x))
"""
BLOCKS = """\
import keras


def hidden(x, units):
    return keras.layers.Dense(units, activation="relu")(x)
"""
SPACE = """\
name: own
model: mine:build
data: {digits: true, validation: 0.2}
search: {max_epochs: 2, factor: 2, seed: 1, limit: 150, max_trials: 3}
parameters:
  learning_rate: {min: 1.0e-3, max: 1.0e-1, scale: log}
"""


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(**files: str) -> None:
    """Modules by their names, `__` standing for a point."""
    for name, text in files.items():
        path = Path(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def sha256(text: str) -> str:
    write(changing=text)
    return model_sources("changing:build")["changing"].sha256


def test_what_it_imports_is_a_part_of_it() -> None:
    write(
        net__models__deep="import json\nimport keras\nfrom . import parts\nfrom .. import common as c\n",
        net__models__parts="def f():\n    import helper.sizes\n",
        net__models__other="",
        net__common="from net.models import missing",
        helper__sizes="this is no Python",
        json="",
    )
    Path("net/__init__.py").touch()
    found = model_sources("net.models.deep:Network")
    assert list(found) == ["helper.sizes", "net", "net.common", "net.models.deep", "net.models.parts"]
    assert found["net"].path == Path("net/__init__.py").absolute()
    assert list(model_sources("hypermodel:net.common:Network")) == ["net", "net.common"]


@pytest.mark.parametrize("model", ["lenet5", "recurrent", "keras:/a/b.keras", "no_such_module:build"])
def test_models_without_a_source_of_ones_own(model: str) -> None:
    assert model_sources(model) == {}


def test_a_library_counts_where_the_model_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Path("site-packages").absolute()
    monkeypatch.syspath_prepend(place)
    for name, text in {"nets": "import nets_layers, other", "nets_layers": "", "other": ""}.items():
        (place / name).mkdir(parents=True)
        (place / name / "__init__.py").write_text(text)
    (place / "nets" / "deep.py").write_text("from nets import wide")
    (place / "nets" / "wide.py").write_text("import mine")
    write(mine="from nets import deep")
    assert find_source("nets.wide") == place / "nets/wide.py"
    assert list(model_sources("nets.deep:build")) == ["mine", "nets", "nets.deep", "nets.wide"]
    assert list(model_sources("mine:build")) == ["mine"]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("def f(x):\n    return x + 1", True),
        ("# What for\n\ndef f(x):  # and why\n\n    return x + 1  \n", True),
        ("def f(x):\r\n    return x + 1\r\n", True),
        ("def f(x):\n    return x + 2\n", False),
        ("def f(x):\n    return x + 1\nf(0)\n", False),
        ("def f(x):\n    return '#' + x\n", False),
    ],
)
def test_comments_and_blank_lines_are_no_change(text: str, same: bool) -> None:
    assert (sha256("def f(x):\n    return x + 1\n") == sha256(text)) is same


def test_a_number_sign_in_a_text_is_no_comment() -> None:
    assert sha256("a = '# one'\n") != sha256("a = '# two'\n")
    assert sha256("this is no (Python # one\n") != sha256("this is no (Python # two\n")


def test_copies_are_kept_by_the_names_of_the_modules() -> None:
    write(net__deep="a = 1\n")
    Path("net/__init__.py").write_text("b = 2\n")
    folder = SearchFolder(Path("searches/x"))
    kept = keep(folder, model_sources("net.deep:build"))
    assert set(kept) == {"net", "net.deep"}
    assert (folder.path / "source/net/__init__.py").read_text() == "b = 2\n"
    assert (folder.path / "source/net/deep.py").read_text() == "a = 1\n"


def test_a_search_goes_on_with_its_own_source_alone() -> None:
    """Killed, its model changed, put back; then changed again when it is over."""
    write(mine=MODEL, blocks=BLOCKS)
    Path("own.yaml").write_text(SPACE)
    here = Path.cwd()
    run("search", "own.yaml", "--workers", 1, cwd=here, code=-9, TUNEKIT_FAILPOINT="state.end.after@2")
    write(blocks=BLOCKS.replace("relu", "tanh"))
    for command in (("resume", "own"), ("search", "own.yaml", "--resume")):
        refused = run(*command, cwd=here, code=2)
        assert "own cannot go on: the source of its model is no longer what it was" in refused.stderr
        assert f"{here / 'blocks.py'}: it changed, and is kept as it was in" in refused.stderr
        assert "mine.py" not in refused.stderr
        assert "Traceback" not in refused.stderr
    assert (here / "mlruns/searches/own/source/blocks.py").read_text() == BLOCKS
    Path("blocks.py").unlink()
    assert "blocks: its file is not found from" in run("resume", "own", cwd=here, code=2).stderr
    write(blocks=f"# A remark\n{BLOCKS}")
    report = loaded(run("resume", "own", "--json", cwd=here))
    assert report["status"] == "FINISHED"

    write(blocks=BLOCKS.replace("relu", "tanh"))
    assert loaded(run("resume", "own", "--json", cwd=here)) == report, "what is over needs no model"
    assert "own cannot be tested again" in run("evaluate", "own", cwd=here, code=2).stderr
    assert "own cannot be explained" in run("explain", "own", cwd=here, code=2).stderr
    again = run("train", report["config"], cwd=here, code=1)
    assert "the model's source: sha256 was" in again.stdout + again.stderr


def test_a_search_of_before_goes_on() -> None:
    """Its state says nothing of sources."""
    write(mine=MODEL, blocks=BLOCKS)
    folder = SearchFolder(Path("searches/own"))
    folder.path.mkdir(parents=True)
    state = State.create(folder.state, {})
    try:
        assert changes(state, folder, "mine:build") == []
        state.set_facts(**{SOURCES: {}})
        assert len(changes(state, folder, "mine:build")) == 2
    finally:
        state.close()
