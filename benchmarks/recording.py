"""What recording costs: the share of a search's time that goes into pictures and into MLflow.

    python benchmarks/recording.py SPACE [OPTIONS OF tunekit search]

Runs the search once and reads from its state how long the workers looked inside and the coordinator recorded. The
coordinator records while workers train, so that the sum is the most that recording can have cost.
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
    print(
        f"{report['search']}: {len(outcomes)} trials, {wall:.1f} s in all, {training:.1f} s in trials; "
        f"looking inside {looking:.1f} s, MLflow {recording:.1f} s: "
        f"{100 * (looking + recording) / training:.1f}% of the trials' time"
    )


if __name__ == "__main__":
    main()
