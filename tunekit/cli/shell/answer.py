"""Answers a shell that asks what the word at the cursor may become.

Whatever goes wrong, nothing is printed but completions, and nothing is written anywhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress

import click
from click.shell_completion import CompletionItem, ShellComplete, split_arg_string

from tunekit.cli.shell import suggestions

VARIABLE = "_TUNEKIT_COMPLETE"
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")

# Kinds of completion: `file` and `dir` are the shell's own to find, a `path` may be quoted by it, what is `open`
# goes on without a space, and all else is plain.

Suggest = Callable[[click.Context, str], list[CompletionItem]]

SUGGESTIONS: dict[str, Suggest] = {
    "SPACE": suggestions.spaces,
    "FILE": suggestions.space_files,
    "BEST.YAML": suggestions.space_files,
    "[SEARCH]": suggestions.searches,
    "SEARCH": suggestions.searches,
    "SEARCH SEARCH...": suggestions.searches,
    "[BEST.YAML|SEARCH]": suggestions.searches_and_files,
    "ID": suggestions.trials,
    "PARAMETER=VALUE": suggestions.parameters,
    "KIND:PLACE": suggestions.data,
    "MODEL": suggestions.models,
    "METRIC": suggestions.objectives,
    "N|auto": suggestions.counts,
    "TIME": suggestions.times,
    "--tuner": suggestions.tuners,
}
"""What completes an argument or option, by what its help calls its value, or by its own name."""


class Suggested(click.ParamType):  # type: ignore[type-arg] # generic in newer Clicks only
    """Takes any text, and completes it."""

    name = "text"

    def __init__(self, suggest: Suggest, known: click.Context) -> None:
        self._suggest = suggest
        self._known = known

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return self._suggest(self._known, incomplete)


def answer(group: click.Group) -> None:
    """Print a line for each completion of the words that the shell has put into the environment."""
    with suppress(Exception):
        for line in lines(group, os.environ[VARIABLE], os.environ.get("_TUNEKIT_WORDS", "")):
            click.echo(line)


def lines(group: click.Group, shell: str, text: str) -> list[str]:
    words = _split(shell, text)
    *before, word = words[1:] or [""]
    _prepare(group, before)
    found = ShellComplete(group, {}, "tunekit", VARIABLE).get_completions(before, word)
    # An option and its value in one word, of which only the value is completed.
    option = word[: word.index("=") + 1] if word.startswith("-") and "=" in word else ""
    cut = len(_untouched(word)) if shell == "bash" else 0
    return [
        "\t".join((str(item.type), f"{option}{item.value}"[cut:], _one_line(item.help or "")))
        for item in found
    ]


def _split(shell: str, text: str) -> list[str]:
    """The words up to the cursor, the command's own name first."""
    if shell != "bash":
        return [(split_arg_string(word) or [""])[0] for word in text.split("\n")]
    words = split_arg_string(text)
    if not text or text[-1].isspace():
        words.append("")
    while len(words) > 1 and ASSIGNMENT.match(words[0]):
        words = words[1:]
    return words


def _prepare(group: click.Group, before: list[str]) -> None:
    """Teach the command's parameters what completes them."""
    place = next((number for number, word in enumerate(before) if not word.startswith("-")), None)
    command = None if place is None else group.get_command(click.Context(group), before[place])
    if place is None or command is None:
        return
    rest = before[place + 1 :]
    if rest and rest[-1].startswith("-"):
        # An option whose value is being typed: with it Click would understand nothing of the line.
        rest.pop()
    known = command.make_context(before[place], rest, resilient_parsing=True)
    for parameter in command.params:
        names = (parameter.metavar, (parameter.name or "").upper(), *parameter.opts)
        suggest = next((SUGGESTIONS[name] for name in names if name in SUGGESTIONS), None)
        if suggest is not None:
            parameter.type = Suggested(suggest, known)


def _untouched(word: str) -> str:
    """What bash leaves as it is: it completes only what follows the last of its own word breaks."""
    breaks = [word.rfind(mark) for mark in "=:" if mark in os.environ.get("_TUNEKIT_BREAKS", "=:")]
    return word[: max(breaks, default=-1) + 1]


def _one_line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
