"""What recording costs: the share of a search's time that goes into pictures and into MLflow.

    python benchmarks/recording.py SPACE [OPTIONS OF tunekit search]

Runs the search once and reads from its state how long the workers looked inside, of each trial's time and of all,
and how long the coordinator recorded, and drew what short trials had no time for. It does so while workers train, so
that the sum is the most that recording can have cost.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tunekit.search.state import State


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "tunekit", "search", *sys.argv[1:], "--home", home, "--json"]
        began = time.perf_counter()
        report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        wall = time.perf_counter() - began
        state = State.open(Path(home) / "searches" / report["search"] / "state.db", write=False)
        outcomes = [record.outcome for record in state.records() if record.outcome]
        looking = sum(outcome.looking_seconds for outcome in outcomes)
        training = sum(outcome.seconds for outcome in outcomes)
        recording = state.fact("seconds_recording")
    over = [outcome.seconds for outcome in outcomes if outcome.looking_seconds > 0.05 * outcome.seconds]
    lengths = [outcome.seconds for outcome in outcomes]
    print(
        f"{report['search']}: {len(outcomes)} trials of {min(lengths):.1f} to {max(lengths):.1f} s, "
        f"{wall:.1f} s in all, {training:.1f} s in trials.\n"
        f"Looking inside {looking:.1f} s, {100 * looking / training:.1f}% of the trials' time; more than 5% in "
        f"{len(over)} trials"
        + (f", of up to {max(over):.1f} s.\n" if over else ".\n")
        + "MLflow and drawing in the "
        f"coordinator {recording:.1f} s, {100 * recording / training:.1f}% of the trials' time."
    )


if __name__ == "__main__":
    main()
