"""MLflow and its store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tunekit.study.doctor.finding import Finding, attention, ok, wrong
from tunekit.study.doctor.process import NoAnswerError, ask

NAME = "MLflow"


def mlflow(home: Path, seconds: float) -> Finding:
    """The store that a search would write to."""
    try:
        found = ask("tunekit.record.examine", str(home.absolute()), seconds=seconds, env={})
    except NoAnswerError as error:
        again = f"{sys.executable} -m pip install --force-reinstall mlflow"
        return wrong(NAME, f"it cannot be used: {error}", f"Install it again: {again}")
    return judge(found)


def judge(found: dict[str, Any]) -> Finding:
    uri, state, why = found["uri"], found["state"], found["why"]
    where = f"{found['mlflow']}; {uri}"
    # A password is not shown, so that the command names the variable that has it.
    address = uri if "***" not in uri else '"$MLFLOW_TRACKING_URI"'
    upgrade = f"Run `mlflow db upgrade {address}` after a backup."
    if state == "none":
        return ok(NAME, f"{where}: nothing there yet, the first search makes it")
    if state == "good":
        size = f", {found['bytes'] / 10**6:.3g} MB" if found["bytes"] else ""
        return ok(NAME, f"{where}{size}: answers, and is of this version")
    if state == "older":
        return wrong(NAME, f"{where}: made by an older MLflow ({why})", upgrade)
    if state == "newer":
        newer = f"Install the newer one (`{sys.executable} -m pip install --upgrade mlflow`)"
        return wrong(
            NAME, f"{where}: made by a newer MLflow than this ({why})", f"{newer}, or restore a backup of it."
        )
    if state == "locked":
        return attention(
            NAME, f"{where}: {why}", "Close the program that has it open; if none has, try again in a while."
        )
    remedies = {
        "damaged": "Restore the file from a backup, or move it away, and new searches begin a new one.",
        "read-only": "Make the file and its folder writable, or choose another place with --home.",
        "unreachable": "Start the server, or set MLFLOW_TRACKING_URI to what can be reached, or unset it.",
    }
    return wrong(NAME, f"{where}: {state}: {why}", remedies[state])
