"""Asks a HyperModel for its parameters, in a process of its own, and writes the answer to a file.

Started with the arguments LOCATION and FILE. So the command that wants to know loads no framework, and what the user's
module prints or does as it is imported stays out of it.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from tunekit.errors import UserError

TRACEBACK = 6
"""Last lines of a traceback that are told."""


def main() -> None:
    location, file = sys.argv[1:3]
    Path(file).write_text(json.dumps(answer(location)), encoding="utf-8")


def answer(location: str) -> dict[str, Any]:
    """`function`, `declared` or `error`, and what belongs to it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from tunekit.oracles.declared import declared
    from tunekit.space.writer import plain_parameter

    try:
        found = declared(location)
    except UserError as error:
        return {"error": str(error)}
    except BaseException as error:
        lines = traceback.format_exc().rstrip().splitlines()[-TRACEBACK:]
        told = "\n".join(f"  {line}" for line in lines)
        return {"error": f"model {location}: it could not be built with its defaults: {error}\n{told}"}
    if found is None:
        return {"function": True}
    return {
        "declared": [{"name": each.name} | plain_parameter(each) for each in found.parameters],
        "compiled": found.compiled,
        "problems": dict(found.problems),
    }


if __name__ == "__main__":
    main()
