"""The command line: parses, calls one function of `tunekit.study`, prints, and sets the exit code.

Nothing heavy is imported before a command runs, so that help answers at once.
"""

from __future__ import annotations

import atexit
import errno
import os
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import NoReturn

import click

import tunekit
from tunekit.cli.plain import show_what_can_be_shown
from tunekit.errors import TunekitError

COMMANDS = {
    "search": "tunekit.cli.searching",
    "resume": "tunekit.cli.searching",
    "spaces": "tunekit.cli.spaces",
    "check": "tunekit.cli.spaces",
    "plan": "tunekit.cli.spaces",
    "ls": "tunekit.cli.results",
    "show": "tunekit.cli.results",
    "export": "tunekit.cli.results",
    "evaluate": "tunekit.cli.results",
    "train": "tunekit.cli.results",
    "compare": "tunekit.cli.comparing",
    "refine": "tunekit.cli.comparing",
    "explain": "tunekit.cli.explaining",
    "report": "tunekit.cli.reporting",
    "ui": "tunekit.cli.ui",
    "init": "tunekit.cli.init",
    "doctor": "tunekit.cli.doctor",
    "completion": "tunekit.cli.completion",
}


SIGNALS = (signal.SIGINT, signal.SIGTERM)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What a file that takes no more answers, which standard output may be."""


class LazyGroup(click.Group):
    """Imports a command's module only when the command, or the list of all, is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[name]), name.replace("-", "_"))
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f"Did you mean {near[0]}?" if near else f"Commands: {', '.join(COMMANDS)}."
            context.fail(f"There is no command {args[0]!r}. {hint}")
        return super().resolve_command(context, args)


EPILOG = """Begin with: tunekit search cnn-digits

\b
Exit codes:
  0    done
  1    something outside tunekit failed: a disk, a store, a score that did not come back
  2    something to mend in the command, the space, the data or the model
  130  stopped by Ctrl-C or a signal (143: by SIGTERM before anything had begun)

TUNEKIT_HOME names the folder that --home has by default, KERAS_BACKEND what Keras computes with, and NO_COLOR
switches colours off.
"""


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EPILOG,
)
@click.version_option(tunekit.__version__, prog_name="tunekit")
def cli() -> None:
    """Search hyperparameters of Keras models, record every trial in MLflow, and test the best model once."""


def main() -> NoReturn:
    """Run the command; turn what went wrong into a message and an exit code."""
    if "_TUNEKIT_COMPLETE" in os.environ:
        from tunekit.cli.shell.answer import answer

        answer(cli)
        sys.exit(0)
    show_what_can_be_shown()
    # A user's mistake gets a message, not the frameworks' start-up lines around it.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, leave)
    try:
        code = run()
    finally:
        # Nothing is left to interrupt: a signal now would only take the place of the exit code.
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
    end(code)


def end(code: int) -> NoReturn:
    """Leave at once: to take apart what TensorFlow and MLflow have loaded takes Python three seconds."""
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or 1
    os._exit(code)


def leave(number: int, frame: FrameType | None) -> NoReturn:
    """Handler of both signals wherever no search is under way, which has one of its own."""
    os._exit(128 + number)


def run() -> int:
    """The command's exit code."""
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    except TunekitError as error:
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    except OSError as error:
        if error.filename is not None or error.errno not in FULL:
            raise
        click.echo(f"Error: the output could not be written: {error.strerror}. Free space there.", err=True)
        return 1
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    main()
