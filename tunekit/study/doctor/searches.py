"""The searches of a home and the data of the shipped spaces."""

from __future__ import annotations

from pathlib import Path

from tunekit.report.wording import counted, listed
from tunekit.study.doctor.finding import Finding, attention, ok, wrong
from tunekit.study.home import Home, home_option


def searches(home: Home) -> Finding:
    """Damaged ones first, then what waits for somebody."""
    from tunekit.study.look import list_searches

    name = "searches"
    found = list_searches(home)
    damaged = [listing for listing in found if listing.report is None]
    if damaged:
        problems = "; ".join((listing.problem or "").splitlines()[0] for listing in damaged)
        return wrong(name, problems, "Restore from a backup, or delete the folder of what is lost.")
    running = [listing.name for listing in found if listing.running]
    stopped = [search for search in running if _is_stopped(home.folder(search).path / "lock")]
    if stopped:
        remedy = "Continue it with `fg` in its terminal or `kill -CONT` and the number in its file `lock`."
        return attention(name, f"{listed(stopped)}: stopped, as by Ctrl-Z", remedy)
    waiting = [listing.name for listing in found if listing.status == "interrupted"]
    if waiting:
        command = f"tunekit resume {waiting[-1]}{home_option(home.path)}"
        return attention(name, f"{listed(waiting)}: interrupted", f"Go on with `{command}`.")
    now = f", {listed(running)} running" if running else ""
    return ok(name, f"{counted(len(found), 'search', 'searches')}{now}" if found else "none yet")


def data() -> Finding:
    """Which data sets of the shipped spaces are here without a network."""
    from tunekit.data.tfds_builder import data_dir
    from tunekit.space.reader import read_space
    from tunekit.space.shipped import shipped_spaces

    name = "data"
    shipped = shipped_spaces()
    if not shipped:
        return wrong(name, "no shipped space is installed", "Install tunekit again.")
    wanted = dict.fromkeys(read_space(path).data for path in shipped.values())
    sets = dict.fromkeys(spec.location or spec.source for spec in wanted)
    missing = [spec.location for spec in wanted if spec.source == "tfds" and not _prepared(spec.location)]
    here = [known for known in sets if known not in missing]
    found = f"here: {listed(here)}"
    if missing:
        found += f"; downloaded to {data_dir()} when first searched: {listed(list(dict.fromkeys(missing)))}"
    return ok(name, found)


def states(home: Home) -> list[Path]:
    return [folder.state for folder in home.existing()]


def _prepared(location: str) -> bool:
    """Whether TensorFlow Datasets has written the set; told from its files, since loading it takes seconds."""
    from tunekit.data.tfds_builder import data_dir

    folder = data_dir() / location.partition(":")[0]
    return any(folder.glob("[0-9]*/dataset_info.json")) or any(folder.glob("*/[0-9]*/dataset_info.json"))


def _is_stopped(lock: Path) -> bool:
    """Whether the process that holds the lock is on this machine and does not run."""
    import psutil

    try:
        return bool(psutil.Process(int(lock.read_text(encoding="ascii"))).status() == psutil.STATUS_STOPPED)
    except (OSError, ValueError, psutil.Error):
        return False
