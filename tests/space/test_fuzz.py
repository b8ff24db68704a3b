"""Whatever is done to a space file, it is read or refused with problems: nothing else is ever raised."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from functools import partial
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.conftest import Tell
from tunekit.cli import main
from tunekit.errors import SpaceError
from tunekit.space.override import apply_settings
from tunekit.space.reader import parse_space
from tunekit.space.shipped import shipped_spaces
from tunekit.space.space import Space
from tunekit.space.writer import write_space

TEXTS = [path.read_text(encoding="utf-8") for path in shipped_spaces().values()]
SNIPPETS = (
    *"[]{}:,-?!&*#|>@`'\"%\\\n\t\r \0\x1b\ufeff\u2028\ud800é0",
    ": ",
    "- ",
    "\n  ",
    "---\n",
    "...\n",
    "<<: ",
    "&a ",
    "*a",
    "!!python/object:os.system ",
    "!!binary ",
    "%YAML 1.1\n",
    "null",
    "~",
    "yes",
    "no",
    "true",
    ".nan",
    "-.inf",
    "1e-3",
    "1e999",
    "-1",
    "0",
    "0x",
    "9" * 400,
    "when: {optimizer: adam}",
    "min: 1",
    "step: 0",
    "scale: log",
    "values: []",
    "verified: {score: 1}",
    "tuner: grid",
    '"\\x00"',
    '"\\UFFFFFFFF"',
    "? ",
    "[" * 30,
    "mine.models:build",
)


def mutated(chance: random.Random) -> str:
    """A shipped file with a few changes, each at random."""
    text = chance.choice(TEXTS)
    for _ in range(chance.randint(1, 6)):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice((0, 0, 1, 3, 10, 40)))
        words = text.split(" ")
        new = chance.choice(
            (chance.choice(SNIPPETS), chance.choice(SNIPPETS), chance.choice(words), text[start:end] * 2)
        )
        text = text[:start] + new + text[end:]
    return text if chance.random() > 0.05 else text[: chance.randrange(len(text) + 1)]


def outcome(make: Callable[[], Space]) -> Space | SpaceError:
    try:
        return make()
    except SpaceError as error:
        return error


def check(text: str) -> None:
    result = outcome(lambda: parse_space(text, "fuzz.yaml", Path("/spaces")))
    if isinstance(result, Space):
        check_read(result)
        return
    assert result.problems
    for problem in result.problems:
        assert problem.file == "fuzz.yaml"
        assert problem.line > 0 or not problem.path
        assert problem.line <= text.count("\n") + text.count("\r") + 1
        assert problem.expected
        assert problem.got
        assert problem.remedy.endswith((".", "?"))
        assert str(problem).isprintable()


def check_read(space: Space) -> None:
    assert parse_space(write_space(space), "again.yaml", Path("/spaces")) == space
    assert set(space.smallest()) <= {parameter.name for parameter in space.parameters}
    assert set(space.largest()) <= {parameter.name for parameter in space.parameters}


def fuzz(seed: int, rounds: int) -> None:
    chance = random.Random(seed)
    for _ in range(rounds):
        check(mutated(chance))


def test_mutated_files() -> None:
    fuzz(seed=0, rounds=2_000)


def told(text: str, file: Path) -> bool:
    """Whether the command refuses the file, as it must: exit code 2 and the problems, nothing else."""
    if isinstance(outcome(lambda: parse_space(text, str(file), file.parent)), Space):
        return False
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    with redirect_stderr(StringIO()) as errors, patch.object(sys, "argv", ["tunekit", "check", str(file)]):
        code = main.run()
    assert code == 2, (text, errors.getvalue())
    assert errors.getvalue().startswith(f"Error: {file}:"), (text, errors.getvalue())
    assert "Traceback" not in errors.getvalue(), text
    return True


def fuzz_command(seed: int, rounds: int, folder: Path) -> None:
    """Print how many files were refused and how much memory the process took at most."""
    chance = random.Random(seed)
    refused = 0
    for _ in range(rounds):
        text = mutated(chance)
        check(text)
        refused += told(text, folder / "fuzz.yaml")
    # Not getrusage: what that says begins with the memory of the process that started this one.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(json.dumps({"refused": refused, "mib": int(status["VmHWM"].split()[0]) / 1024}))


def fuzz_in_a_process(seed: int, rounds: int, folder: Path) -> dict[str, float]:
    code = (
        f"from pathlib import Path\nfrom {__name__} import fuzz_command\n"
        f"fuzz_command({seed}, {rounds}, Path({str(folder)!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, float] = json.loads(done.stdout)
    return found


def test_the_command_refuses_mutated_files(tmp_path: Path) -> None:
    found = fuzz_in_a_process(seed=2, rounds=300, folder=tmp_path)
    assert 0 < found["refused"] < 300
    assert found["mib"] < 200


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_many_mutated_files(tmp_path: Path, tell: Tell) -> None:
    found = fuzz_in_a_process(seed=1, rounds=100_000, folder=tmp_path)
    assert found["mib"] < 200
    tell(
        f"100,000 files: {found['refused']} refused with exit code 2 and no traceback, the others read; "
        f"at most {found['mib']:.0f} MiB"
    )


def test_random_settings() -> None:
    chance = random.Random(0)
    space = parse_space(TEXTS[0], "fuzz.yaml", Path("/spaces"))
    names = [parameter.name for parameter in space.parameters] + ["bias", "nothing", "", "[", "a b"]
    for _ in range(1_000):
        values = [*SNIPPETS, "adam", "momentum", "0.5", "1", "false", "he_normal"]
        sets = [f"{chance.choice(names)}={chance.choice(values)}" for _ in range(chance.randint(1, 3))]
        result = outcome(partial(apply_settings, space, sets))
        if isinstance(result, Space):
            check_read(result)
        else:
            assert result.problems
            assert all(problem.path.startswith("--set") and problem.remedy for problem in result.problems)
            assert all(str(problem).isprintable() for problem in result.problems)
