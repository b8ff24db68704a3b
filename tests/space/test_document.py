"""YAML that is not plain data, and files that are no YAML."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tunekit.errors import Problem, SpaceError
from tunekit.space.document import read_document
from tunekit.space.nodes import ListNode, MappingNode, Node, ScalarNode
from tunekit.space.problems import Report
from tunekit.space.reader import read_space

from .helpers import HEAD, assert_problem, parse, problems, with_parameters


def plain(node: Node) -> object:
    match node:
        case ScalarNode():
            return node.value
        case ListNode():
            return [plain(item) for item in node.items]
        case MappingNode():
            return {key: plain(value) for key, value in node.entries.items()}
        case _:
            return "broken"


def document(text: str) -> tuple[MappingNode | None, list[Problem]]:
    report = Report("small.yaml")
    return read_document(text, report), report.problems


def test_a_tree_with_lines() -> None:
    root, found = document("a: 1e-3\nb:\n  - 'no'\n  - no\n  - {c: , d: [1, 2.]}\n")
    assert not found
    assert root is not None
    assert plain(root) == {"a": 0.001, "b": ["no", "no", {"c": None, "d": [1, 2.0]}]}
    listed = root.entries["b"]
    assert isinstance(listed, ListNode)
    assert [item.line for item in listed.items] == [3, 4, 5]
    assert root.lines == {"a": 1, "b": 2}


@pytest.mark.parametrize("text", ["'1'", '"1"'])
def test_quotes_make_text(text: str) -> None:
    root, _ = document(f"a: {text}")
    assert root is not None
    assert plain(root) == {"a": "1"}


@pytest.mark.parametrize("change", ["\ufeff{}", "---\n{}", "%YAML 1.2\n---\n{}", "{}...\n"])
def test_harmless_variants_are_accepted(change: str) -> None:
    text = with_parameters("dropout: 0.5")
    assert parse(change.format(text)) == parse(text) == parse(text.replace("\n", "\r\n"))


@pytest.mark.parametrize(
    ("line", "where", "path", "expected", "remedy"),
    [
        (
            "dropout: !!python/object/apply:os.system [ls]",
            5,
            "parameters.dropout",
            "plain value",
            "Remove the tag",
        ),
        ("dropout: !!float 0.5", 5, "parameters.dropout", "plain value", "Remove the tag"),
        ("dropout: !mine {min: 0}", 5, "parameters.dropout", "plain value", "Remove the tag"),
        ("dropout: &half 0.5", 5, "parameters.dropout", "plain value", "Remove the anchor"),
        ("dropout: *half", 5, "parameters.dropout", "a value", "Write the value itself"),
        ("<<: {dropout: 0.5}", 5, "parameters.<<", "a key", "merge keys are not read"),
        ("1: 0.5", 5, "parameters", "a key that is text", "Put it in quotes"),
        ("true: 0.5", 5, "parameters", "a key that is text", "Put it in quotes"),
        ("? [dropout]\n  : 0.5", 5, "parameters", "a key that is text", "Write `name: value`"),
        ("dropout: 0.5\n  dropout: 0.6", 6, "parameters.dropout", "each key once", "Remove one of the two"),
        ('dropout: "a\\0b"', 5, "parameters.dropout", "printable text", "Remove the character"),
        ('dropout: "a\\e[31m"', 5, "parameters.dropout", "printable text", "Remove the character"),
        ('dropout: "\\ud800"', 5, "parameters.dropout", "printable text", "Remove the character"),
        ("dropout: |\n    two\n    lines", 5, "parameters.dropout", "on one line", "Remove the character"),
    ],
)
def test_what_is_not_plain_data_is_refused(
    line: str, where: int, path: str, expected: str, remedy: str
) -> None:
    assert_problem(with_parameters(line, "filters: 32"), where, path, expected, remedy)


@pytest.mark.parametrize(
    ("text", "line", "expected", "remedy"),
    [
        ("", 1, "a space file", "Start from a shipped one"),
        ("# only a comment\n", 1, "a space file", "Start from a shipped one"),
        ("- a\n- b\n", 1, "a mapping of sections", "Begin with lines such as"),
        ("lenet5\n", 1, "a mapping of sections", "Begin with lines such as"),
        (HEAD + "---\nname: other\n", 4, "one document", "Remove what follows"),
        (HEAD + "parameters: [1, 2\n", 5, "valid YAML", "Close the bracket"),
        (HEAD + "parameters:\n\tdropout: 1\n", 5, "valid YAML", "Indent with spaces"),
        (HEAD + "objective: val_loss: 1\n", 4, "valid YAML", "in quotes"),
        (HEAD + "objective: 'val\n", 5, "valid YAML", "Close the quote"),
        (HEAD + "objective: @val\n", 4, "valid YAML", "in quotes"),
        (HEAD + 'objective: "\\UFFFFFFFF"\n', 4, "valid YAML", "escape"),
        (HEAD + 'objective: "\\q"\n', 4, "valid YAML", "single quotes"),
        (HEAD + " data: x\n", 4, "valid YAML", "indentation"),
        (HEAD + "objective: a\0b\n", 4, "printable text", "is this a text file"),
        (HEAD + "objective: \x1b[31m\n", 4, "printable text", "Remove it"),
        (HEAD + "objective: a\u2028b\n", 4, "printable text", "Remove it"),
        (HEAD + "objective: \ud800\n", 4, "printable text", "Remove it"),
    ],
)
def test_what_is_no_space_is_refused(text: str, line: int, expected: str, remedy: str) -> None:
    assert_problem(text, line, "", expected, remedy)


def test_an_incompatible_version_of_yaml_is_refused() -> None:
    assert_problem("%YAML 2.0\n---\na: 1\n", 1, "", "valid YAML", "Check")


BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [{f'*{old}, ' * 9}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: " + "[" * 19_000, "at most 20 levels"),
        ("a: " + "[\n" * 300_000, "at most 20 levels"),
        ("a: " + "{b: " * 4_000, "at most 20 levels"),
        ("- " * 9_000, "at most 20 levels"),
        ("".join(" " * depth + "a:\n" for depth in range(500)), "at most 20 levels"),
        (BOMB, "a plain value"),
        ("a: [" + "1,\n" * 300_000, "at most 10,000 values"),
        ("".join(f"key{number}: 1\n" for number in range(80_000)), "at most 10,000 values"),
        ("a: " + "x" * 1_000_000, "a line of at most"),
        ("\n" * 2_000_000, "at most 1,048,576 characters"),
        ("# x\n" * 250_000, "a space file"),
        ("a: 1" + "9" * 10_000, "a known key"),
    ],
)
def test_what_is_too_much_is_refused_quickly(text: str, expected: str) -> None:
    started = time.monotonic()
    assert expected in problems(text)[0].expected
    assert time.monotonic() - started < 5.0


def test_every_problem_of_the_text_is_found_at_once() -> None:
    found = problems("a: &a 1\nb: *a\nname: x\nname: y\n2: 3\nmodel: !!str lenet5\n")
    assert {(problem.line, problem.path) for problem in found} >= {
        (1, "a"),
        (2, "b"),
        (4, "name"),
        (5, ""),
        (6, "model"),
    }


def refusal(path: Path) -> Problem:
    with pytest.raises(SpaceError) as caught:
        read_space(path)
    (problem,) = caught.value.problems
    assert problem.file == str(path)
    return problem


def test_a_missing_file(tmp_path: Path) -> None:
    problem = refusal(tmp_path / "none.yaml")
    assert (problem.line, problem.got, problem.remedy) == (0, "no file of this name", "Check the path.")


def test_a_directory(tmp_path: Path) -> None:
    assert refusal(tmp_path).got == "a directory"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert refusal(tmp_path / "pipe.yaml").got == "a device or pipe"


def test_a_file_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    assert refusal(tmp_path / "a" / "b.yaml").expected == "a file that can be read"


def test_a_name_too_long_for_the_disk(tmp_path: Path) -> None:
    problem = refusal(tmp_path / ("x" * 300 + ".yaml"))
    assert problem.expected == "a file that can be read"


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(10**12)
    problem = refusal(path)
    assert problem.expected == "at most 1,048,576 bytes"
    assert problem.got == "1,000,000,000,000 bytes"


@pytest.mark.parametrize(
    ("content", "line", "got"),
    [
        (b"name: a\nmodel: \xff\n", 2, "byte 0xff"),
        ("name: a\n".encode("utf-16"), 1, "byte 0xff"),
        (b"a: \xc3", 1, "byte 0xc3"),
    ],
)
def test_another_encoding(tmp_path: Path, content: bytes, line: int, got: str) -> None:
    path = tmp_path / "small.yaml"
    path.write_bytes(content)
    problem = refusal(path)
    assert (problem.line, problem.got) == (line, got)
    assert problem.expected == "text in UTF-8"
    assert "UTF-8" in problem.remedy


def test_a_file_with_bom_and_crlf(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + with_parameters("dropout: 0.5").replace("\n", "\r\n").encode())
    assert read_space(path) == parse(with_parameters("dropout: 0.5"))
