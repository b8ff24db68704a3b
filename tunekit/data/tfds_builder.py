"""Finding a TFDS data set by name, and saying what to do when it is not there. Imports no TensorFlow."""

from __future__ import annotations

import difflib
import os
import re
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tunekit.data.images import unfit
from tunekit.errors import DataError

NAME = re.compile(r"\w+(/[\w.-]+)?(:(\d+|\*)\.(\d+|\*)\.(\d+|\*))?")
REACH_SECONDS = 5.0
"""How long a server may take before it counts as out of reach."""


def data_dir() -> Path:
    """Where TFDS keeps its data sets. Asked each time: TFDS itself looks only once, when imported."""
    default = Path.home() / "tensorflow_datasets"
    return Path(os.environ.get("TFDS_DATA_DIR") or default).expanduser().absolute()


def find_builder(location: str) -> Any:
    """TFDS's builder for `name`, `name/config` or `name/config:1.2.3`; DataError if there is none."""
    if not NAME.fullmatch(location):
        expected = "the name of a TFDS data set: name, name/config or name/config:1.2.3"
        raise unfit("tfds", expected, repr(location), "Write for example mnist or cifar10.")
    import tensorflow_datasets as tfds  # takes a third of a second

    try:
        return tfds.builder(location, data_dir=data_dir())
    except tfds.core.DatasetNotFoundError:
        raise _unknown(location, tfds.list_builders(with_community_datasets=False)) from None
    except Exception as error:
        # A builder is any code that someone gave to TFDS; a wrong config or version is an AssertionError
        # there, a damaged dataset_info.json a parser's error.
        copy = data_dir() / _base(location)
        remedy = f"Correct name, configuration and version; if they are right, prepare {copy} again."
        raise unfit(f"tfds:{location}", "a data set that TFDS can open", last_words(error), remedy) from None


def needs_download(builder: Any) -> bool:
    return not Path(builder.data_path).exists()


def not_prepared(location: str, reason: str) -> DataError:
    """The one error for a set that is neither here nor to be had."""
    folder = data_dir()
    return unfit(
        f"tfds:{location}",
        f"the data set in {folder} or a network to download it",
        f"neither ({reason})",
        "On a machine with a network run: "
        f"python -c \"import tensorflow_datasets as tfds; tfds.load('{location}')\" "
        f"and copy its folder ~/tensorflow_datasets/{_base(location)} to {folder / _base(location)}. "
        "TFDS_DATA_DIR names another place to look in.",
    )


def check_reachable(builder: Any, location: str) -> None:
    """DataError within seconds if the set cannot be downloaded; TFDS would try every file ten times."""
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
        page = f"https://www.tensorflow.org/datasets/catalog/{_base(location)}"
        remedy = f"Fetch its files by hand as {page} says, and prepare it with tfds.load('{location}')."
        got = "nothing, and TFDS cannot download this set"
        raise unfit(f"tfds:{location}", f"the data set in {data_dir()}", got, remedy)
    url = next((url for url in builder.url_infos if url.startswith("http")), "")
    if not url:
        return
    answers: list[str] = []
    # In a thread, as no timeout covers the look-up of a server's name.
    thread = threading.Thread(target=lambda: answers.append(_ask(url)), daemon=True)
    thread.start()
    thread.join(REACH_SECONDS + 1)
    reason = answers[0] if answers else f"no answer from {_server(url)}"
    if reason:
        raise not_prepared(location, reason)


def last_words(error: BaseException) -> str:
    """An error's text in one line, without what TFDS and Python wrap around it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    # "Failed to construct dataset "mnist", builder_kwargs "{...}": Dataset mnist cannot ..."
    text = re.sub(r'^Failed to construct dataset .*?}": ', "", text)
    text = text.rstrip(".: ")
    return text if len(text) <= 300 else text[:297] + "..."


def _base(location: str) -> str:
    return re.split("[/:]", location)[0]


def _ask(url: str) -> str:
    """Why the server cannot be reached, or an empty text."""
    try:
        request = urllib.request.Request(url, method="HEAD")
        urllib.request.urlopen(request, timeout=REACH_SECONDS).close()
    except urllib.error.HTTPError:
        return ""  # a server that refuses this question is reached all the same
    except (OSError, ValueError) as error:
        return f"{_server(url)} cannot be reached: {getattr(error, 'reason', error)}"
    return ""


def _server(url: str) -> str:
    return url.split("/")[2]


def _unknown(location: str, known: list[str]) -> DataError:
    base = _base(location)
    near = difflib.get_close_matches(base, known, n=3, cutoff=0.6)
    remedy = f"Did you mean {' or '.join(near)}?" if near else "TFDS's catalogue lists the names it knows."
    expected = f"the name of a data set that TFDS knows or that is in {data_dir()}"
    return unfit(f"tfds:{location}", expected, repr(base), remedy)
