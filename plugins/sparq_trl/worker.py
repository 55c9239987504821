"""The process that sees to a training: reads a job as JSON from its standard input, trains itself or starts those who do."""

import multiprocessing
import os
import sys
import threading
from typing import Any

import sparq_core as sparq
from sparq_trl.training import train


def main(job: dict[str, Any]) -> None:
    """Train a model and save it whole."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "warning")
    if job["gpus"]:
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(job["gpus"])
    if job["processes"] == 1:
        train(job)
    else:
        launch(job)


def launch(job: dict[str, Any]) -> None:
    """Train in several processes, by torch's own launcher; the first that fails ends them all, and its error ends the log."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    each, nodes = job["each"], job["nodes"]
    os.environ.setdefault("OMP_NUM_THREADS", str(job["config"]["threads"] or max(1, (os.cpu_count() or 1) // each)))
    once = LaunchConfig(
        min_nodes=nodes,
        max_nodes=nodes,
        nproc_per_node=each,
        max_restarts=0,
        run_id=job["method"],
        rdzv_backend="c10d",
        rdzv_endpoint=job["meet"],
        local_addr=job["meet"].rpartition(":")[0] if nodes == 1 else None,
        monitor_interval=0.5,
    )
    try:
        elastic_launch(once, share)(job)
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        told = failure.message
        if isinstance(told, dict):
            sys.stdout.write(told["extraInfo"]["py_callstack"])
            told = told["message"]
        sys.exit(f"process {rank + 1} of {job['processes']} failed: {told}")


def share(job: dict[str, Any]) -> None:
    """One of the processes; it ends at once when the one that started it is gone."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 -- the launcher

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    train(job)


if __name__ == "__main__":
    sparq.serve(main)
