"""
SFT, DPO and GRPO side by side: `python benchmarks/trainers.py`, or `make trainers`.

Three arms of `benchmarks/trainers.yaml`, at equal attempts. It goes on where it was stopped, on any machine, and writes
the tables of the study to `benchmarks/results/`, beside what each training told of itself. Takes an hour or two of one core.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

from paper import ROOT, bring_back, keep_notes

from sparq_core.ledger.reader import Reader
from sparq_core.ledger.storage import DATABASE

NAME = "trainers"
STUDY = ROOT / "benchmarks" / f"{NAME}.yaml"
RESULTS = ROOT / "benchmarks" / "results"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=Path, default=ROOT / "runs" / NAME, help="where the study's folder is")
    runs = options.parse_args().runs
    bring_back(NAME, runs)
    command = [sys.executable, "-m", "sparq_core.cli", "study", str(STUDY), "--out", str(runs), "--resume"]
    subprocess.run(command, check=True)
    keep_notes(NAME, runs)
    results = json.loads((runs / "results.json").read_text())
    kept = RESULTS / f"{NAME}.json"
    before = json.loads(kept.read_text())["trainings"] if kept.exists() else {}
    results["trainings"] = before | {
        str(cell.parent.relative_to(runs / "cells")): metrics_of(cell.parent)
        for cell in sorted(runs.glob(f"cells/*/*/{DATABASE}"))
    }
    kept.write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / f"{NAME}.md").write_text((runs / "results.md").read_text())
    print((RESULTS / f"{NAME}.md").read_text())


def metrics_of(cell: Path) -> dict[str, float]:
    """What a cell's training told of itself."""
    with Reader.open(cell) as ledger:
        phase = ledger.phase(1, "train")
    told = phase.detail.partition("; ")[2] if phase else ""
    return {name: float(value) for name, value in re.findall(r"(\S+) ([-+.\de]+)", told)}


if __name__ == "__main__":
    main()
