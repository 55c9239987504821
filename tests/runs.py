"""What tests do with runs: compare, interrupt, price, ask the command about them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import sparq_core as sparq
from sparq_core.ledger import dataset
from sparq_core.testing import Ran


def exported(ran: Ran) -> str:
    ledger = ran.read()
    return "\n".join(json.dumps(row) for row in dataset.rows(ledger, dataset.chosen(ledger)))


def digest(ran: Ran) -> str:
    return ran.read().last_digest()


class Interrupter:
    """Asks for a stop after so many committed steps."""

    def __init__(self, after: int) -> None:
        self._left = after

    def __call__(self, event: sparq.Event) -> None:
        self._left -= isinstance(event, sparq.StepCommitted)

    def asked(self) -> bool:
        return self._left <= 0


def priced(**prices: float) -> dict[str, Any]:
    return {"student": {"use": "scripted", "model": "sums", "prices": prices}}


def sparq_command(*arguments: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "sparq_core.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def curate(folder: Path, *arguments: str, code: int = 0) -> str:
    return sparq_command("curate", str(folder), *arguments, code=code)
