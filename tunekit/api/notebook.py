"""The terminal's display in a notebook's cell, where it is one output that changes."""

from __future__ import annotations

import io
import time
from types import TracebackType

from IPython.display import display
from rich.console import Console, Group, RenderableType
from rich.text import Text

from tunekit.cli.progress import LiveDisplay
from tunekit.study.session import Session

EVERY = 0.5
"""Seconds between two changes: each is a message to the browser."""
WIDTH = 110
"""Letters in a line."""
HTML = '<pre style="white-space:pre;overflow-x:auto;line-height:normal;margin:0">{code}</pre>'


class Cell:
    """One output of the cell that is written again and again."""

    def __init__(self) -> None:
        self.console = Console(width=WIDTH)
        self._handle = display(_bundle(""), raw=True, display_id=True)
        self._latest: RenderableType = ""
        self._shown = 0.0

    def update(self, renderable: RenderableType) -> None:
        self._latest = renderable
        if time.monotonic() - self._shown >= EVERY:
            self._show()

    def _show(self) -> None:
        self._shown = time.monotonic()
        self._handle.update(_bundle(self._latest), raw=True)

    def __enter__(self) -> Cell:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._show()


class NotebookDisplay(LiveDisplay):
    """The table stays when the search has ended, with the stage below it."""

    def __init__(self, cell: Cell, verbose: bool = False) -> None:
        super().__init__(cell, verbose)
        self._stage = ""

    def stage(self, text: str) -> None:
        self._stage = text
        self.live.update(Text(text) if self.plan is None else self.table())

    def opened(self, session: Session) -> None:
        super().opened(session)
        self.stage("")

    def table(self) -> Group:
        return Group(super().table(), Text(self._stage))


def _bundle(renderable: RenderableType) -> dict[str, str]:
    """For browsers, and for consoles, which show text alone."""
    console = Console(file=io.StringIO(), record=True, width=WIDTH, force_terminal=True, force_jupyter=False)
    console.print(renderable)
    text = console.export_text(clear=False)
    return {"text/plain": text, "text/html": console.export_html(code_format=HTML, inline_styles=True)}
