"""What a training or a benchmark in its own process prints last stands in the panel."""

import threading
import time
from pathlib import Path

from rich.console import Console

from sparq_core.cli.panel import View, panel
from sparq_core.contract import workers
from sparq_core.contract.errors import Interrupted

WORKER = """
import time
import sparq_core as sparq


def main(job):
    print("loading the tasks", flush=True)
    print("Requesting API:  25%|## | 300/1200\\rRequesting API:  25%|## | 301/1200", end="\\r", flush=True)
    time.sleep(job["seconds"])


if __name__ == "__main__":
    sparq.serve(main)
"""


def test_the_panel_tells_how_far_a_worker_is(tmp_path: Path) -> None:
    (tmp_path / "telling_worker.py").write_text(WORKER)
    arguments = ("telling_worker", {"seconds": 60}, tmp_path / "log", tmp_path)

    def work() -> None:
        try:
            workers.run_worker(*arguments)
        except Interrupted:
            ended.set()

    ended, working = threading.Event(), threading.Thread(target=work)
    working.start()
    try:
        deadline = time.monotonic() + 30
        while "301/1200" not in workers.last_line() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert workers.last_line() == "Requesting API:  25%|## | 301/1200"
        console = Console(width=80, height=10, record=True)
        console.print(panel(View(doing="benchmarking", said=workers.last_line()), 80, 10))
        assert "301/1200" in console.export_text()
    finally:
        workers.end_all()
        working.join()
        workers.allow()
    assert ended.is_set()
    assert workers.last_line() == ""
