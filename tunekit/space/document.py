"""Reads YAML, from a file or a text, to a tree of nodes; whatever is not plain data is refused."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import yaml

from tunekit.space.builder import TreeBuilder
from tunekit.space.nodes import BrokenNode, MappingNode, Node, got
from tunekit.space.problems import Report
from tunekit.space.scalars import shown

MAX_BYTES = 1024 * 1024
MAX_LINE = 20_000
"""Characters in one line; a text of a megabyte in one line is no space file, and slow to scan."""

# What YAML calls unprintable, and the rare line breaks that editors do not count as lines.
_CONTROL = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_text(path: Path, report: Report) -> str:
    """The text of a file; raises SpaceError where it cannot be read, is too large or not UTF-8."""
    try:
        found = path.stat()
        if stat.S_ISREG(found.st_mode) and found.st_size <= MAX_BYTES:
            with path.open("rb") as file:
                return _decoded(file.read(MAX_BYTES + 1), report)
    except FileNotFoundError:
        report.add("", 0, "a space file", "no file of this name", "Check the path.")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        report.add("", 0, "a file that can be read", shown(reason), "Check the path and its permissions.")
    else:
        if stat.S_ISDIR(found.st_mode):
            report.add("", 0, "a space file", "a directory", "Name a .yaml file in it.")
        elif not stat.S_ISREG(found.st_mode):
            report.add("", 0, "a space file", "a device or pipe", "Write it to a file first.")
        else:
            size = f"{found.st_size:,} bytes"
            report.add("", 0, f"at most {MAX_BYTES:,} bytes", size, "Check that this is a space file.")
    raise report.error()


def _decoded(content: bytes, report: Report) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = f"byte 0x{content[error.start]:02x}"
        report.add("", line, "text in UTF-8", byte, "Save the file in the encoding UTF-8.")
        raise report.error() from None


def read_document(text: str, report: Report) -> MappingNode | None:
    """The mapping at the top of a document; None, with the problems reported, where there is none."""
    root = read_node(text, report)
    if root is None and not report.problems:
        report.add(
            "", 1, "a space file", "an empty file", "Start from a shipped one; `tunekit spaces` lists them."
        )
    elif root is not None and not isinstance(root, MappingNode | BrokenNode):
        remedy = "Begin with lines such as `model: lenet5`."
        report.add("", root.line, "a mapping of sections", got(root), remedy)
    return root if isinstance(root, MappingNode) else None


def read_node(text: str, report: Report) -> Node | None:
    """The one node of a document; None where it is empty or cannot be read."""
    text = text.removeprefix("\ufeff")
    if not _readable(text, report):
        return None
    builder = TreeBuilder(report)
    loader = yaml.SafeLoader(text)
    try:
        while builder.going and loader.check_event():
            builder.take(loader.get_event())  # type: ignore[no-untyped-call]
    except yaml.MarkedYAMLError as error:
        _report_syntax(error, loader.line + 1, report)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # PyYAML lets an escape beyond Unicode through as a ValueError of chr().
        report.add("", loader.line + 1, "valid YAML", shown(str(error)), "Mend or remove this escape.")
    else:
        return builder.root
    finally:
        loader.dispose()
    return None


def _readable(text: str, report: Report) -> bool:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(text) > MAX_BYTES:
        report.add(
            "", 0, f"at most {MAX_BYTES:,} characters", f"{len(text):,}", "Check that this is a space file."
        )
        return False
    for number, line in enumerate(lines, 1):
        control = _CONTROL.search(line)
        if control:
            remedy = "Remove it; is this a text file?" if control[0] == "\0" else "Remove it."
            report.add("", number, "printable text", f"the character U+{ord(control[0]):04X}", remedy)
            return False
        if len(line) > MAX_LINE:
            length = f"{len(line):,} characters"
            report.add("", number, f"a line of at most {MAX_LINE:,} characters", length, "Break the line.")
            return False
    return True


_SYNTAX_REMEDIES = (
    (
        "cannot start any token",
        "Indent with spaces, and put text that begins with a special character in quotes.",
    ),
    ("mapping values are not allowed", "Put a text that contains `: ` in quotes, and check the indentation."),
    ("could not find expected ':'", "Write `name: value`, with a space after the colon."),
    ("expected <block end>", "Indent the entries of one section equally."),
    ("expected ',' or", "Close the bracket, and put commas between its entries."),
    ("unexpected end of stream", "Close the quote or bracket that begins here."),
    ("unknown escape character", "Put the text in single quotes."),
)


def _report_syntax(error: yaml.MarkedYAMLError, line: int, report: Report) -> None:
    mark = error.problem_mark or error.context_mark
    reason = shown(", ".join(filter(None, (error.problem, error.context))), 200)
    remedies = (remedy for sign, remedy in _SYNTAX_REMEDIES if sign in reason)
    remedy = next(remedies, "Check the indentation, quotes and brackets here and just above.")
    where = mark.line + 1 if mark else line
    if error.context_mark and error.context_mark.line + 1 != where:
        reason += f" (begun in line {error.context_mark.line + 1})"
    report.add("", where, "valid YAML", f"an error: {reason}", remedy)
