"""Where checkpoints live between two attempts at a trial: what counts is what the coordinator has taken note of."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tunekit.errors import SearchError, StoreError, UserError
from tunekit.results import Trial
from tunekit.space.space import Objective
from tunekit.trial.jobs import LAST, Split, TrainJob
from tunekit.workers.cluster import keeper, storage
from tunekit.workers.cluster.at_address import AtAddress
from tunekit.workers.cluster.checkpoints import Checkpoints, InFolder
from tunekit.workers.cluster.desk import Desk
from tunekit.workers.cluster.keeper import Keeper
from tunekit.workers.cluster.members import variables_of_trials
from tunekit.workers.cluster.node import Room
from tunekit.workers.cluster.pointers import Elsewhere
from tunekit.workers.cluster.request import OnRay, check_storage, parse_storage
from tunekit.workers.cluster.storage import LIMIT, SharedFolder, Storage, StorageAway, ThroughRay


@pytest.fixture
def search(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "searches" / "some"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def room(tmp_path: Path) -> Path:
    folder = tmp_path / "room"
    folder.mkdir()
    return folder


def train_job(search: Path, split: Split, name: str = "0001", parent: str | None = None) -> TrainJob:
    checkpoints = search / "checkpoints"
    return TrainJob(
        id=name,
        trial=Trial(
            name, {}, seed=1, initial_epoch=0, epochs=2, bracket=0, round=0, iteration=0, parent=parent
        ),
        model="lenet5",
        split=split,
        max_epochs=2,
        objective=Objective(),
        folder=checkpoints / name,
        parent_folder=checkpoints / parent if parent else None,
        pictures=search / "pictures" / name,
    )


def write(folder: Path, **files: str) -> None:
    """As a worker does: beside, then renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        beside = folder / f".{name}"
        beside.write_text(text)
        beside.replace(folder / f"{name}.npz")


def read(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*.npz"))}


KINDS = ("shared", "through ray", "file")


def kept_in(kind: str, search: Path) -> tuple[Checkpoints, Storage]:
    """The coordinator's side and a node's."""
    if kind == "file":
        there: Checkpoints = Elsewhere(search, f"file://{search.parent}/storage/deep")
        return there, there.open()[0]
    there = InFolder(search)
    return there, there.open()[KINDS.index(kind)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_attempt_goes_on_from_what_was_noted_of_the_one_before(
    kind: str, search: Path, room: Path, split: Split
) -> None:
    there, place = kept_in(kind, search)
    job = train_job(search, split)
    assert place.trouble() == ""
    first = Desk(room, job, there.given(job, place), place)
    assert read(first.job.folder) == {}
    write(first.job.folder, best="one", last="one")
    write(first.job.folder / "execution-2", last="other")
    there.accept(job, first.put())
    write(first.job.folder, last="two")
    receipt = first.put()
    assert list(receipt) == [LAST], "what has not changed is put again"
    there.accept(job, receipt)
    assert first.put() == {}
    second = Desk(room, job, there.given(job, place), place)
    assert read(second.job.folder) == {"best.npz": "one", "execution-2/last.npz": "other", "last.npz": "two"}
    assert second.put() == {}, "what came from there is put again"
    promoted = train_job(search, split, "0002", parent="0001")
    third = Desk(room, promoted, there.given(promoted, place), place)
    assert third.job.parent_folder is not None
    assert read(third.job.parent_folder) == read(second.job.folder)
    assert read(third.job.folder) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_a_late_write_of_a_worker_taken_for_dead_changes_nothing(
    kind: str, search: Path, room: Path, split: Split
) -> None:
    there, place = kept_in(kind, search)
    job = train_job(search, split)
    frozen = Desk(room, job, there.given(job, place), place)
    write(frozen.job.folder, best="one", last="one")
    there.accept(job, frozen.put())
    other = Desk(room, job, there.given(job, place), place)
    write(other.job.folder, best="two", last="two")
    there.accept(job, other.put())
    write(frozen.job.folder, best="late", last="late")
    frozen.put()  # and nobody takes note of it
    after = Desk(room, job, there.given(job, place), place)
    assert read(after.job.folder) == {"best.npz": "two", "last.npz": "two"}
    there.bring(job.folder)
    assert read(job.folder) == {"best.npz": "two", "last.npz": "two"}
    there.close()
    left = [path for path in search.parent.rglob("*") if path.is_file() and path.read_bytes() == b"late"]
    assert left == [], "what was written late is kept for ever"


def test_where_a_search_has_ended_nothing_is_written_late(
    search: Path, room: Path, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.time, "sleep", lambda seconds: None)
    there, place = kept_in("shared", search)
    desk = Desk(room, train_job(search, split), {}, place)
    there.close()
    write(desk.job.folder, last="late")
    with pytest.raises(StorageAway):
        desk.put()
    assert list(search.iterdir()) == []


def test_pictures_go_where_a_worker_of_this_machine_draws_them(
    search: Path, room: Path, split: Split
) -> None:
    from tunekit.workers.cluster.host import Told

    job = train_job(search, split)
    desk = Desk(room, job, {}, ThroughRay(search))
    assert desk.job.pictures is not None
    (desk.job.pictures / "images").mkdir(parents=True)
    (desk.job.pictures / "images" / "filters.1.png").write_bytes(b"one")
    (desk.job.pictures / "summary.txt").write_bytes(b"two")
    Keeper(search, None).take(job, Told([], {}, desk.pictures()))
    assert (search / "pictures/0001/images/filters.1.png").read_bytes() == b"one"
    assert (search / "pictures/0001/summary.txt").read_bytes() == b"two"
    desk.clear()
    assert list(room.iterdir()) == []


def test_at_an_address_only_notes_are_here_and_only_what_they_name_stays(
    search: Path, room: Path, split: Split
) -> None:
    there, place = kept_in("file", search)
    job, other = train_job(search, split), train_job(search, split, "0002")
    for each in (job, other):
        desk = Desk(room, each, there.given(each, place), place)
        write(desk.job.folder, best="one", last="one")
        there.accept(each, desk.put())
        write(desk.job.folder, last="two")
        outdated = there.accept(each, desk.put())
        assert len(outdated) == 1
        place.remove(outdated)
    assert [path.name for path in job.folder.iterdir()] == ["stored.json"]
    objects = search.parent / "storage" / "deep"
    assert len(list(objects.rglob("*.npz"))) == 4
    # A resume finds them; what is brought here or has been given up is no longer there.
    again = Elsewhere(search, f"file://{search.parent}/storage/deep")
    (place,) = again.open()
    assert len(again.given(job, place)) == 2
    again.bring(job.folder)
    again.close()
    assert sorted(read(job.folder).values()) == ["one", "two"]
    assert not (job.folder / "stored.json").exists()
    assert len(list(objects.rglob("*.npz"))) == 2
    # And what is here already goes there as it is wanted.
    third = Elsewhere(search, f"file://{search.parent}/storage/deep")
    (place,) = third.open()
    assert len(third.given(job, place)) == 2
    assert [path.name for path in job.folder.iterdir()] == ["stored.json"]


def test_what_is_gone_or_damaged_costs_only_training_again(search: Path, room: Path, split: Split) -> None:
    there, place = kept_in("file", search)
    job = train_job(search, split)
    desk = Desk(room, job, {}, place)
    write(desk.job.folder, best="one", last="one")
    there.accept(job, desk.put())
    for path in (search.parent / "storage").rglob("*.npz"):
        path.unlink()
    assert read(Desk(room, job, there.given(job, place), place).job.folder) == {}
    (job.folder / "stored.json").write_text("{")
    again = Elsewhere(search, f"file://{search.parent}/storage/deep")
    assert again.given(job, again.open()[0]) == {}


def test_a_place_that_is_away_is_tried_again_and_no_trial_pays(
    search: Path, room: Path, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.time, "sleep", lambda seconds: None)
    tries: list[int] = []

    def fail() -> None:
        tries.append(1)
        raise ConnectionResetError("reset")

    with pytest.raises(StorageAway, match="s3://there: ConnectionResetError: reset"):
        storage.insist(fail, "s3://there")
    assert len(tries) == storage.TRIES
    keeping = Keeper(search, None)
    keeping.away("gone")
    monkeypatch.setattr(keeper, "PATIENCE", -1.0)
    with pytest.raises(StoreError, match="go on with `tunekit resume some`"):
        keeping.away("gone")


def test_what_is_too_large_for_ray_is_refused(search: Path) -> None:
    ThroughRay(search).check(LIMIT)
    with pytest.raises(SearchError, match=r"65 MiB is more than the 64 MiB .* --storage"):
        ThroughRay(search).check(LIMIT + 2**20)


@pytest.mark.parametrize("text", ["", "here", "s3:/bucket", "://bucket", "s3://"])
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(UserError, match="expected an address such as s3://BUCKET/FOLDER"):
        parse_storage(text)


def test_a_package_that_is_missing_is_named(search: Path) -> None:
    code = """
import sys
sys.modules["s3fs"] = None
from tunekit.workers.cluster.at_address import AtAddress
AtAddress("s3://me:hidden1@bucket/folder", "some").open()
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)
    assert "expected the package that reads s3:// to be installed" in done.stderr
    assert "s3fs" in done.stderr
    assert "hidden1" not in done.stderr.split("UserError")[-1]


def test_a_password_is_neither_shown_nor_kept(search: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "memory://me:hidden1@there/folder"
    there = Elsewhere(search, address)
    there.open()
    assert "hidden1" not in (search / "storage.json").read_text()
    assert "hidden1" not in repr(there._storage)
    assert "hidden1" not in repr(OnRay(storage=address))
    assert "hidden1" not in AtAddress(address.replace("memory", "nowhere"), "some").trouble()
    monkeypatch.setenv("TUNEKIT_STORAGE", address)
    assert "TUNEKIT_STORAGE" not in variables_of_trials()


def test_a_search_goes_on_only_with_the_storage_that_has_its_checkpoints(search: Path) -> None:
    check_storage(search, None)
    (search / "storage.json").write_text(json.dumps({"address": "s3://me:***@b/f", "folder": "some-1"}))
    check_storage(search, None)  # nothing is there
    note = search / "checkpoints" / "0001" / "stored.json"
    note.parent.mkdir(parents=True)
    note.write_text("{}")
    check_storage(search, OnRay(storage="s3://me:hidden1@b/f"))
    for on in (None, OnRay(), OnRay(storage="s3://b/g")):
        with pytest.raises(SearchError, match=r"Go on with --on ray --storage s3://me:\*\*\*@b/f"):
            check_storage(search, on)


def test_a_room_is_removed_when_its_process_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from tunekit.workers.cluster.node import Room; print(Room().path)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True, text=True, check=True, env={"TMPDIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    left = Path(done.stdout.strip())
    assert left.is_dir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    one, other = Room(), Room()
    assert not left.exists()
    assert one.path.is_dir()
    assert other.path.is_dir()


def test_a_shared_folder_that_cannot_be_written_is_no_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "SIGHT", 0.0)
    assert "does not see" in SharedFolder(tmp_path / "absent").trouble()
