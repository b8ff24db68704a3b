"""The pages that users read, their blocks of code, and the commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parent.parent.parent
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
PARSE_ONLY = "parse-only"
"""The word after a block's language that says: read it, do not run it."""
MARKS = (PARSE_ONLY,)
FILE_NAME = re.compile(r"#\s*(\w[\w-]*\.(?:py|yaml))\b")
BETWEEN = ("&&", "||", "|", ";", "&")
REDIRECTIONS = (">", ">>", "<")
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: Path
    line: int
    language: str
    marks: tuple[str, ...]
    text: str

    @property
    def where(self) -> str:
        place = self.page.relative_to(ROOT) if self.page.is_relative_to(ROOT) else self.page.name
        return f"{place}:{self.line}"

    @property
    def runs(self) -> bool:
        return PARSE_ONLY not in self.marks

    @property
    def file_name(self) -> str | None:
        """What a first line such as `# mine.py` calls it."""
        found = FILE_NAME.match(self.text)
        return found[1] if found else None


@dataclass(frozen=True)
class Command:
    """One command of a shell, with the variables set for it alone."""

    words: tuple[str, ...]
    variables: dict[str, str]


@lru_cache
def blocks(page: Path) -> tuple[Block, ...]:
    """Without MyST's directives, which are for Sphinx to understand."""
    found = []
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "fence" and not token.info.startswith("{"):
            assert token.map is not None
            language, *marks = token.info.split() or [""]
            found.append(Block(page, token.map[0] + 1, language, tuple(marks), token.content))
    return tuple(found)


def spoken_commands(page: Path) -> Iterator[tuple[str, str]]:
    """Where, and what: every `tunekit ...` in the prose and the tables."""
    for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")):
        for part in token.children or ():
            if part.type == "code_inline" and part.content.startswith("tunekit "):
                line = token.map[0] + 1 if token.map else 0
                yield f"{page.name}:{line}", part.content


def commands(text: str) -> Iterator[Command]:
    """Those of a block for a shell, pipes and chains taken apart."""
    for line in text.replace("\\\n", " ").splitlines():
        words: list[str] = []
        for word in [*_words(line), ";"]:
            if word not in BETWEEN:
                words.append(word)
            elif words:
                yield _command(words)
                words = []


def prompted(text: str) -> str:
    """Of a block that shows a terminal, what was typed."""
    return "\n".join(line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ "))


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(lexer)


def _command(words: list[str]) -> Command:
    for place, word in enumerate(words):
        if word in REDIRECTIONS:
            words = words[:place]
            break
    variables = {}
    while words and ASSIGNMENT.fullmatch(words[0]):
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    return Command(tuple(words), variables)
