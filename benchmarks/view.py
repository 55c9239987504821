"""
What a page of a large run costs in `sparq view`: `python benchmarks/view.py [--problems 1000000] [--run FOLDER]`.

The ledger is that of `benchmarks/report.py`. First its index is built, then each page is asked for three times; the
slowest counts.
All times are of the processor.

Writes `benchmarks/results/view.json`.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from report import build

from sparq_core.ledger import storage
from sparq_core.view import pages
from sparq_core.view.asked import asked
from sparq_core.view.opened import Opened

RESULTS = Path(__file__).parent / "results" / "view.json"
CHUNK, TIMES = 500, 3
LISTS = {
    "all": {},
    "rejected": {"outcome": "rejected"},
    "none there are, newest first": {"outcome": "disputed"},
    "none there are, hardest first": {"outcome": "disputed", "order": "hardest"},
    "kept, hardest first": {"outcome": "kept", "order": "hardest"},
    "of a skill, easiest first": {"label": "7", "order": "easiest"},
    "of a skill and a solve rate that none has": {"label": "7", "low": "0.99", "high": "0.999"},
    "with a text that many have": {"text": "apples"},
    "with a text that none has": {"text": "pears"},
    "with a text that none has, hardest first": {"text": "pears", "order": "hardest"},
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--problems", type=int, default=1_000_000, help="of the ledger [default: %(default)s]")
    options.add_argument("--run", type=Path, help="a run folder that is there [default: one is made]")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.run or Path(scratch) / "run"
        if not given.run:
            build(folder, given.problems)
        found = measured(folder)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


def measured(folder: Path) -> dict[str, Any]:
    run = Opened(folder, "A", 1)
    began, longest = time.process_time(), 0.0
    while not run.index.complete:
        before = time.process_time()
        run.index.follow(CHUNK)
        longest = max(longest, time.process_time() - before)
    indexed = time.process_time() - began
    pages_of, size = (next(run.ledger.query(f"PRAGMA temp.{name}"))[0] for name in ("page_count", "page_size"))
    found = {
        "problems": run.index.last,
        "ledger MiB": round((folder / storage.DATABASE).stat().st_size / 2**20),
        "index, processor s": round(indexed, 1),
        "index, longest chunk ms": round(1000 * longest),
        "index MiB": round(pages_of * size / 2**20),
        "peak MiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "pages, processor ms": {name: slowest(page) for name, page in shown(run).items()},
    }
    run.close()
    return found


def shown(run: Opened) -> dict[str, Callable[[], str]]:
    """Every kind of page."""
    lists = {
        f"list: {name}": (lambda parts=parts: pages.problems([run], run, asked(parts))) for name, parts in LISTS.items()
    }
    return {
        "overview": lambda: pages.overview([run]),
        "overview of two": lambda: pages.overview([run, run]),
        **lists,
        "problem": lambda: pages.problem([run], run, "1.2.3", asked({})),
        "problem, among those with a text": lambda: pages.problem([run], run, "1.2.3", asked({"text": "pears"})),
    }


def slowest(page: Callable[[], str]) -> int:
    times = []
    for _ in range(TIMES):
        began = time.process_time()
        page()
        times.append(time.process_time() - began)
    return round(1000 * max(times))


if __name__ == "__main__":
    main()
