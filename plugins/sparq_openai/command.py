"""The process that runs the command of `reload`, and ends with its exit code: `python -m sparq_openai.command`."""

import subprocess
import sys
from typing import Any

import sparq_core as sparq


def main(job: dict[str, Any]) -> None:
    """Run a command and wait for it; what it prints goes where this process prints."""
    try:
        code = subprocess.call(job["command"], stdin=subprocess.DEVNULL)  # noqa: S603 -- the user's own
    except OSError as error:
        sys.exit(f"{job['command'][0]}: {error.strerror}")
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    sparq.serve(main)
