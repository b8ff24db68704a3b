"""How Sphinx makes the pages of docs/ into a site: `make docs`.

Why Sphinx, with MyST for Markdown and the theme Furo: all three are kept up and install from PyPI; links and anchors
between pages are checked and a broken one is an error; the pages ask no other server for fonts or scripts, work from a
folder without any server, the search box included, and read well on a phone and in the dark. MkDocs, which Material
for MkDocs stands on, has had no release since 1.6.1 of August 2024; Zensical, which is to succeed both, is at 0.1.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

import reference  # noqa: E402

import tunekit  # noqa: E402

project = "tunekit"
version = release = tunekit.__version__
project_copyright = "the authors of tunekit"
language = "en"
smartquotes = False  # two hyphens are an option

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "tunekit"
html_static_path = ["style"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False


def put_in_commands(app: Any, page: str, source: list[str]) -> None:
    """The command reference is made of the commands themselves each time the site is built."""
    if page == "commands":
        if reference.PLACE not in source[0]:
            raise ValueError(f"docs/commands.md: expected a line {reference.PLACE!r}, got none")
        source[0] = source[0].replace(reference.PLACE, reference.commands_as_markdown())


def setup(app: Any) -> None:
    app.connect("source-read", put_in_commands)
