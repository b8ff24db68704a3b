"""The command reference as Markdown, from the commands themselves: names, options, defaults, exit codes.

    python docs/reference.py

prints it; `docs/conf.py` puts it into docs/commands.md when the site is built, so that it cannot be out of date.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from tunekit.cli.main import COMMANDS, EPILOG, cli

PLACE = "<!-- The commands come here when the site is built. -->"
PARAGRAPH = re.compile(r"\n\s*\n")
DEFAULT = re.compile(r"\s*\[(?:default: )(?P<default>[^\];]+)(?:; )?(?P<rest>[^\]]*)\]$")
LIMITS = re.compile(r"\s*\[(?P<rest>[^\]]*[<>]=?[^\]]*)\]$")
EXIT_CODE = re.compile(r"^\s+(\d+)\s+(\S.*)$", re.MULTILINE)
WIDTH = 10_000
"""Of a line: where it ends on a page is the browser's business."""


def commands_as_markdown() -> str:
    """Exit codes, then a section for each command."""
    return "\n".join([*_exit_codes(), *(line for name in COMMANDS for line in _command(name))]) + "\n"


def exit_codes() -> dict[int, str]:
    """What each exit code means, as `tunekit --help` says it."""
    return {int(code): meaning for code, meaning in EXIT_CODE.findall(EPILOG)}


def _exit_codes() -> Iterator[str]:
    yield from ("## Exit codes", "", "| code | meaning |", "|---|---|")
    yield from (f"| {code} | {_cell(meaning)} |" for code, meaning in exit_codes().items())
    yield ""


def _command(name: str) -> Iterator[str]:
    top = click.Context(cli, info_name="tunekit", **cli.context_settings)
    command = cli.get_command(top, name)
    assert command is not None
    context = click.Context(
        command, info_name=name, parent=top, max_content_width=WIDTH, terminal_width=WIDTH
    )
    yield from (f"## tunekit {name}", "", "```text", f"{' '.join(_usage(command, context))}", "```", "")
    for paragraph in PARAGRAPH.split(inspect.cleandoc(command.help or "")):
        yield from (*_paragraph(paragraph), "")
    for option in command.get_params(context):
        record = option.get_help_record(context)
        if isinstance(option, click.Option) and record is not None:
            yield from _option(*record)


def _usage(command: click.Command, context: click.Context) -> list[str]:
    return [context.command_path, *command.collect_usage_pieces(context)]


def _paragraph(text: str) -> list[str]:
    """Click's \\b marks lines that stay as they are."""
    if text.startswith("\b"):
        return ["```text", *(line.strip() for line in text.strip("\b\n").splitlines()), "```"]
    line = " ".join(text.split())
    head, colon, example = line.partition("Example: ")
    return [f"Example: `{example}`"] if colon and not head else [_plain(line)]


def _option(names: str, told: str) -> list[str]:
    """One entry of a list of definitions, the default at its end."""
    found = DEFAULT.search(told) or LIMITS.search(told)
    meaning = told[: found.start()] if found else told
    parts = found.groupdict() if found else {}
    if parts.get("rest"):
        meaning += f" Within `{parts['rest']}`."
    if parts.get("default"):
        meaning += f" Default: {_default(parts['default'].strip())}."
    return [f"`{names}`", f": {_plain(meaning)}", ""]


def _default(text: str) -> str:
    """A value as code, words such as `the winner` as words."""
    value = text.strip("()")
    return value if " " in value else f"`{value}`"


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")


def _plain(text: str) -> str:
    """Options that are spoken of as code."""
    return re.sub(r"(?<![\w`-])(--[a-z][a-z-]*)", r"`\1`", text)


if __name__ == "__main__":
    print(commands_as_markdown(), end="")
