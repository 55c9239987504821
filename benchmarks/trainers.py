"""
SFT, DPO and GRPO side by side: `python benchmarks/trainers.py`, or `make trainers`.

Each goes on from the same student, on the same problems and attempts: three arms of `benchmarks/trainers.yaml`, which differ in
the trainer alone and share what is generated. It goes on where it was stopped, and writes the study's tables to
`benchmarks/results/`, beside what each training took. Takes some forty minutes of one core.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

from paper import ROOT, make_student

from sparq_core.ledger.reader import Reader

STUDY = ROOT / "benchmarks" / "trainers.yaml"
RESULTS = ROOT / "benchmarks" / "results"
SIZE = "1.2"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=Path, default=ROOT / "runs" / "trainers", help="where the study's folder is")
    given = options.parse_args()
    make_student(f"sparq-{SIZE}m", given.runs.with_name(f"{given.runs.name}-student"))
    command = [sys.executable, "-m", "sparq_core.cli", "study", str(STUDY), "--out", str(given.runs), "--resume"]
    subprocess.run(command, check=True)
    results = json.loads((given.runs / "results.json").read_text())
    results["trainings"] = {
        str(cell.relative_to(given.runs / "cells")): metrics_of(cell) for cell in sorted(given.runs.glob("cells/*/*"))
    }
    (RESULTS / "trainers.json").write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "trainers.md").write_text((given.runs / "results.md").read_text())
    print((RESULTS / "trainers.md").read_text())


def metrics_of(cell: Path) -> dict[str, float]:
    """What a cell's training told of itself."""
    with Reader.open(cell) as ledger:
        phase = ledger.phase(1, "train")
    told = phase.detail.partition("; ")[2] if phase else ""
    return {name: float(value) for name, value in re.findall(r"(\S+) ([-+.\de]+)", told)}


if __name__ == "__main__":
    main()
