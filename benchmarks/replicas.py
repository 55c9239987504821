"""
How many replicas one driver can keep busy: `python benchmarks/replicas.py [--replicas 1 8 64 512] [--in-flight auto]`.

The replicas are simulated by a second process (`fleet.py`): 256 slots each, 40 tokens a second and sequence, completions of
log-normal lengths, whole texts over sockets that many replicas share. The driver is an ordinary run, its ledger on disk. The
figure is the time that the completions of a minute took, as a share of that of all slots, once the run has settled.

Writes `benchmarks/results/replicas.json`. Takes some five minutes a number of replicas, and two idle cores.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import fmean
from typing import Any, NoReturn

import yaml
from fleet import Engine

import sparq_core as sparq
from sparq_core.loop import session
from sparq_core.pipeline import prepare

RESULTS = Path(__file__).parent / "results" / "replicas.json"
FLEET = Path(__file__).parent / "fleet.py"
K = 16


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--replicas", type=int, nargs="+", default=[1, 8, 64, 512])
    options.add_argument("--in-flight", default="auto", help="steps in flight [default: %(default)s]")
    options.add_argument("--batch", type=int, default=256, help="parents a step [default: %(default)s]")
    options.add_argument("--faster", type=float, default=1.0, help="divide all times by this [default: %(default)s]")
    options.add_argument("--seconds", type=float, default=60.0, help="to measure [default: %(default)s]")
    options.add_argument("--after", type=float, default=240.0, help="seconds before that [default: %(default)s]")
    options.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.one:
        drive(given, given.replicas[0])
    rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for replicas in given.replicas:
        with tempfile.TemporaryDirectory() as scratch:
            command = [sys.executable, *sys.argv, "--replicas", str(replicas), "--one", scratch]
            found = subprocess.run(command, check=True, capture_output=True, text=True)
        said = [json.loads(line) for line in found.stderr.splitlines() if line.startswith('{"at"')]
        row = json.loads(found.stdout.splitlines()[-1])
        measured = [one for one in said if row["began"] < one["at"] < row["ended"]]
        row |= {name: fmean(one[name] for one in measured) for name in ("share", "ended / s")}
        row["late"] = max(one["late"] for one in measured)
        rows[f"{replicas}, in_flight {given.in_flight}, batch {given.batch}, x{given.faster:g}"] = row
        print(row, flush=True)
        RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


def drive(given: argparse.Namespace, replicas: int) -> NoReturn:
    """One run against so many replicas; ends the process once it is measured, with most of the run still to do."""
    engine = Engine(replicas=replicas, faster=given.faster)
    watch = Watch(given.after, given.seconds)
    path = given.one / "pipeline.yaml"
    path.write_text(yaml.safe_dump(pipeline(engine, given.in_flight, given.batch)), encoding="utf-8")
    session.execute(prepare.load(path), given.one / "run", False, [watch.hear], lambda: False)
    sys.exit("the run ended before it was measured")


class Watch:
    """Measures for a time, from another time after the first step on, and ends the process."""

    def __init__(self, after: float, seconds: float) -> None:
        self._after, self._seconds, self._attempts = after, seconds, 0

    def hear(self, event: sparq.Event) -> None:
        """As an observer of the run."""
        if isinstance(event, sparq.RoundStarted) and event.round:
            threading.Thread(target=self._measure, daemon=True).start()
        if isinstance(event, sparq.StepCommitted):
            self._attempts = event.tally.attempts

    def _measure(self) -> None:
        time.sleep(self._after)
        began, processor, attempts = time.time(), time.process_time(), self._attempts
        time.sleep(self._seconds)
        ended = time.time()
        spent = {"processor": time.process_time() - processor, "attempts": self._attempts - attempts}
        found = {f"{name} / s": value / (ended - began) for name, value in spent.items()}
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        steps = sum(thread.name.startswith("sparq-step") for thread in threading.enumerate())
        print(json.dumps({"began": began, "ended": ended, **found, "steps": steps, "MiB": memory}), flush=True)
        os._exit(0)


def pipeline(engine: Engine, in_flight: str, batch: int) -> dict[str, Any]:
    """More steps than can be done."""
    return {
        "name": "replicas",
        "steps": 10**6,
        "batch": batch,
        "in_flight": in_flight if in_flight == "auto" else int(in_flight),
        "models": {
            "fleet": {
                "use": f"{FLEET}:Fleet",
                "model": "none",
                "with": {name: getattr(engine, name) for name in engine.__struct_fields__},
            }
        },
        "attempts": {"k": K, "max_tokens": engine.cap},
        "plugins": [{"use": f"{FLEET}:Around"}, {"use": "static-uniform"}],
    }


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
