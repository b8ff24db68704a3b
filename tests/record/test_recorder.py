"""What the recorder writes into MLflow, with the real store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tunekit.failpoints import armed
from tunekit.record import images
from tunekit.record.recorder import Recorder
from tunekit.results import Outcome, Trial, TrialRecord
from tunekit.space.reader import read_space
from tunekit.trial.jobs import LATER

SPACE = """
name: tiny
model: lenet5
data: {digits: true}
parameters: {learning_rate: 0.01}
"""
RECORD = TrialRecord(
    Trial("00", {"learning_rate": 0.01}, 0, 0, 3), "COMPLETED", 1.0, 2.0, Outcome(0.5, 3, 10, 1.0)
)
GRID = [("filters_a.b", 1), ("filters_a.b", 3), ("filters_conv2", 3)]


class Killed(Exception):
    """In the place of a kill."""


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        home = tmp_path_factory.mktemp("home")
        (home / "tiny.yaml").write_text(SPACE)
        yield Recorder.open(home, read_space(home / "tiny.yaml"), "tiny", "uid", None, {})


@pytest.fixture
def run_id(recorder: Recorder) -> str:
    run = recorder.store.client.create_run(recorder.store.experiment_id)
    return str(run.info.run_id)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """As a trial leaves them."""
    folder = tmp_path / "pictures"
    (folder / "images").mkdir(parents=True)
    for key, step in GRID:
        pixels = np.full((20, 20, 3), 50 * step, np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{key}.{step}.png")
    Image.new("RGB", (20, 20)).save(folder / "curves.png")
    return folder


def grid(recorder: Recorder, run_id: str) -> list[tuple[str, int, bool]]:
    """Key, step and whether it is the small copy, of each file in the grid."""
    found = []
    for file in recorder.store.client.list_artifacts(run_id, "images"):
        named = images.NAME.fullmatch(Path(file.path).name)
        assert named, f"{file.path} is not MLflow's"
        found.append((named["key"], int(named["step"]), bool(named["small"])))
    return sorted(found)


WHOLE = sorted((key, step, small) for key, step in GRID for small in (False, True))


def test_pictures_of_an_epoch_are_in_the_grid_and_the_others_beside(
    recorder: Recorder, run_id: str, pictures: Path
) -> None:
    recorder.end_trial(RECORD, run_id, pictures)

    assert grid(recorder, run_id) == WHOLE
    names = {file.path for file in recorder.store.client.list_artifacts(run_id)}
    assert names == {"images", "curves.png"}
    run = recorder.store.client.get_run(run_id)
    assert run.data.tags["mlflow.loggedImages"] == "True"
    assert run.info.status == "FINISHED"
    assert not pictures.exists()


def test_what_is_to_be_drawn_later_is_set_aside_and_logged_when_it_is_drawn(
    recorder: Recorder, run_id: str, pictures: Path
) -> None:
    (pictures / LATER).write_bytes(b"an album")
    (pictures / "curves.png").replace(pictures.parent / "curves.png")
    recorder.end_trial(RECORD, run_id, pictures)
    assert (pictures.parent / "pictures.later").read_bytes() == b"an album"
    assert {file.path for file in recorder.store.client.list_artifacts(run_id)} == {"images"}

    pictures.mkdir()
    (pictures.parent / "curves.png").replace(pictures / "curves.png")
    recorder.log_pictures(run_id, pictures, 2.0)
    assert {file.path for file in recorder.store.client.list_artifacts(run_id)} == {"images", "curves.png"}
    assert recorder.store.client.get_run(run_id).info.status == "FINISHED"
    assert not pictures.exists()


@pytest.mark.parametrize("kill_at", range(1, 9))
def test_recording_that_is_broken_off_and_repeated_shows_nothing_twice(
    recorder: Recorder, run_id: str, pictures: Path, kill_at: int
) -> None:
    reached: list[str] = []

    def kill(name: str) -> None:
        reached.append(name)
        if len(reached) == kill_at:
            raise Killed

    with armed(kill), pytest.raises(Killed):
        recorder.end_trial(RECORD, run_id, pictures)
    recorder.end_trial(RECORD, run_id, pictures)

    assert grid(recorder, run_id) == WHOLE


def test_one_that_lost_its_small_copy_is_logged_anew(
    recorder: Recorder, run_id: str, pictures: Path, tmp_path: Path
) -> None:
    shutil.copytree(pictures, tmp_path / "again")
    recorder.end_trial(RECORD, run_id, pictures)
    folder = Path(recorder.store.client.get_run(run_id).info.artifact_uri.removeprefix("file://")) / "images"
    next(folder.glob("filters_conv2*.webp")).unlink()

    recorder.end_trial(RECORD, run_id, tmp_path / "again")

    assert grid(recorder, run_id) == WHOLE


@pytest.mark.parametrize("mark", ["+", "%"])
def test_names_of_older_and_newer_versions_are_read(mark: str) -> None:
    stem = mark.join(["a.b", "step", "27", "timestamp", "1700000000000", "0b6c-4f"])
    full, small = images.NAME.fullmatch(f"{stem}.png"), images.NAME.fullmatch(f"{stem}{mark}compressed.webp")
    assert full
    assert small
    assert (full["key"], full["step"], full["small"]) == ("a.b", "27", None)
    assert small["small"]
