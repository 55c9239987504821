"""
What the panel of `sparq run` costs: `python benchmarks/panel.py [--steps 400]`.

Runs a pipeline on the scripted model, whose steps take the engine's own time only, as `sparq run` does on a terminal of 120
columns, and clocks by the processor time of its thread what the panel takes: each drawing with what it reads from the ledger,
in the panel's own thread, and each event in the engine's. The share is that of the wall clock of the run: a drawing is followed
by a rest that grows with it, so that a real model, whose steps are longer, makes it no larger.

Writes `benchmarks/results/panel.json`. Takes less than a minute.
"""

import argparse
import io
import json
import tempfile
import time
from pathlib import Path

import yaml
from rich.console import Console

from sparq_core.cli.live import LiveProgress
from sparq_core.contract.events import Event
from sparq_core.loop import session
from sparq_core.pipeline import prepare

RESULTS = Path(__file__).parent / "results"


class Clocked(LiveProgress):
    """A panel that notes what it takes of the processor, by what it does."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self.spent = {"events": 0.0, "drawing": 0.0}

    def __call__(self, event: Event) -> None:
        began = time.thread_time()
        super().__call__(event)
        self.spent["events"] += time.thread_time() - began

    def _draw(self) -> None:
        super()._draw()
        self.spent["drawing"] = time.thread_time()


def measure(folder: Path, steps: int) -> dict[str, float]:
    """Seconds of the processor for the run, and for its panel by the thread that spent them."""
    rows = [{"problem": f"What is {i + 5} + {3 * i + 7}?", "answer": str(4 * i + 12)} for i in range(40)]
    (folder / "seeds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    uses = ("static-uniform", "mutate", "sympy", "skills", "curate-band")
    pipeline = {
        "name": "sums",
        "steps": steps,
        "batch": 16,
        "models": {"student": {"use": "scripted", "model": "sums"}},
        "attempts": {"k": 16},
        "plugins": [{"use": "jsonl-seeds", "with": {"path": "seeds.jsonl"}}, *({"use": use} for use in uses)],
    }
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(pipeline))
    panel = Clocked(Console(file=io.StringIO(), force_terminal=True, width=120, height=30))
    processor, clock = time.process_time(), time.perf_counter()
    with panel:
        session.execute(prepare.load(folder / "pipeline.yaml"), folder / "run", False, [panel], lambda: False, False)
    processor, clock = time.process_time() - processor, time.perf_counter() - clock
    taken = sum(panel.spent.values())
    return {"run": clock, "its processor time": processor, **panel.spent, "share": taken / clock}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--steps", type=int, default=400)
    with tempfile.TemporaryDirectory() as folder:
        report = measure(Path(folder), options.parse_args().steps)
    print(", ".join(f"{name} {seconds:.3f}" for name, seconds in report.items()))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "panel.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
