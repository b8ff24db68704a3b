"""The Python files behind a model of the user's own: a search goes on only with those that it began with."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import io
import shutil
import sys
import tokenize
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tunekit.errors import SearchError
from tunekit.search.state import State
from tunekit.space.model_names import location_in
from tunekit.study.home import SearchFolder

INSTALLED = ("site-packages", "dist-packages")
"""Folders whose packages are libraries, unless the model itself is there."""
NOT_OWN = sys.stdlib_module_names | {"tunekit"}
SOURCES = "model_sources"
"""The state's fact with the digest of each module."""
KEPT = "source"
"""Folder of a search for the files as they were when it began."""


@dataclass(frozen=True)
class Source:
    """A module that a model is made of."""

    path: Path
    sha256: str
    """Of its code: comments and blank lines make no difference."""


def model_sources(model: str) -> dict[str, Source]:
    """By module: the one that has the function or class, and those of the user's own that it imports, near and far.

    Read and not run. Nothing for a model that is built in or saved, and for a module without a source.
    """
    location = location_in(model)
    if location is None:
        return {}
    first = location.partition(":")[0]
    found: dict[str, Source] = {}
    waiting = list(_with_parents(first))
    while waiting:
        name = waiting.pop()
        path = None if name in found else find_source(name)
        if path is None or not _is_own(name, path, first):
            continue
        with suppress(OSError):
            content = path.read_bytes()
            found[name] = Source(path, _digest(content, installed=_is_installed(path)))
            waiting += _imported(content, name, path)
    return dict(sorted(found.items()))


def keep(folder: SearchFolder, sources: Mapping[str, Source]) -> dict[str, str]:
    """A copy of each beside the search's state, to put back from; returns the digests by module."""
    for name, source in sources.items():
        kept = _kept(folder, name, source.path)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source.path, kept)
    return digests(sources)


def kept_files(folder: SearchFolder) -> list[Path]:
    return sorted((folder.path / KEPT).rglob("*.py"))


def digests(sources: Mapping[str, Source]) -> dict[str, str]:
    return {name: source.sha256 for name, source in sources.items()}


def changes(state: State, folder: SearchFolder, model: str) -> list[str]:
    """What is no longer as it was, one line a file."""
    before = state.fact(SOURCES)
    if before is None:
        return []  # The search began before sources were written down, and goes on as it did.
    now, found = model_sources(model), []
    for name in sorted({*before, *now}):
        source = now.get(name)
        if source is None:
            found.append(
                f"{name}: its file is not found from {Path.cwd()}, and is kept in {folder.path / KEPT}"
            )
        elif name not in before:
            found.append(f"{source.path}: it was not there or not imported")
        elif source.sha256 != before[name]:
            found.append(
                f"{source.path}: it changed, and is kept as it was in {_kept(folder, name, source.path)}"
            )
    return found


def check_source(state: State, folder: SearchFolder, model: str, what: str) -> None:
    """Refuse to build a search's models from another source than they were trained with."""
    changed = changes(state, folder, model)
    if changed:
        listed = "\n".join(f"  {change}" for change in changed)
        raise SearchError(
            f"{folder.name} cannot {what}: the source of its model is no longer what it was when the search began:\n"
            f"{listed}\nPut the kept files back, or start a new search under another --name: "
            f"with `--like {folder.name}` it begins with the best of this one."
        )


def digest_of_all(digests: Mapping[str, str]) -> str:
    """One for all files; nothing where there are none."""
    listed = "\n".join(f"{name} {sha256}" for name, sha256 in sorted(digests.items()))
    return hashlib.sha256(listed.encode()).hexdigest() if digests else ""


def find_source(module: str) -> Path | None:
    """The file of a module, which is not imported for it; looked for in the working folder as well."""
    inner = Path(*module.split("."))
    for folder in _roots(module):
        for path in (folder / inner / "__init__.py", folder / inner.with_suffix(".py")):
            if path.is_file():
                return path
    return None


def _kept(folder: SearchFolder, module: str, path: Path) -> Path:
    inner = Path(*module.split("."))
    return folder.path / KEPT / (inner / path.name if path.stem == "__init__" else inner.with_suffix(".py"))


def _roots(module: str) -> Iterator[Path]:
    """Folders that may hold the module's outermost package."""
    yield from (Path(folder or ".") for folder in (str(Path.cwd()), *sys.path))
    # Some packages that are installed for editing are found by a hook, and below no folder of sys.path.
    with suppress(ImportError, ValueError, AttributeError):
        spec = importlib.util.find_spec(module.partition(".")[0])
        if spec is not None and spec.origin is not None:
            path = Path(spec.origin)
            yield path.parent.parent if path.stem == "__init__" else path.parent


def _is_own(module: str, path: Path, model: str) -> bool:
    """Whether a module that the model imports is its user's, and no library."""
    top = module.partition(".")[0]
    if top == model.partition(".")[0]:
        return True
    return top not in NOT_OWN and not _is_installed(path)


def _is_installed(path: Path) -> bool:
    return bool(set(INSTALLED) & set(path.parts))


def _imported(content: bytes, module: str, path: Path) -> Iterator[str]:
    """The names of all modules that a file may import, wherever in it."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return
    package = module if path.stem == "__init__" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            outer = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join(part for part in (*outer, node.module) if part)
            yield from _with_parents(base)
            yield from (f"{base}.{alias.name}" for alias in node.names if base)


def _with_parents(module: str) -> Iterator[str]:
    """Importing a.b.c runs a and a.b as well."""
    parts = module.split(".")
    yield from (".".join(parts[: count + 1]) for count in range(len(parts)) if module)


def _digest(content: bytes, installed: bool) -> str:
    """Of what Python makes something of; of every byte where it is no Python, or not edited where it lies."""
    if installed:
        return hashlib.sha256(content).hexdigest()
    lines = io.StringIO(content.decode("utf-8", errors="surrogateescape"), newline=None).readlines()
    try:
        tokens = list(tokenize.generate_tokens(iter(lines).__next__))
    except (tokenize.TokenError, SyntaxError, StopIteration):
        tokens = []
    for token in tokens:
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    code = "\n".join(line.rstrip() for line in lines if line.strip())
    return hashlib.sha256(code.encode("utf-8", errors="surrogateescape")).hexdigest()
