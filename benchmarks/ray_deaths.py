"""
Replicas and nodes of a Ray cluster killed at random: `python benchmarks/ray_deaths.py`.

A run of sums on four replicas, while kill −9 hits processes of replicas and raylets twenty times, must have the digest and the
export of a run in one process. Then the throughput of four simulated engines on a node each, before and after one node is
killed. All nodes are on this machine. Takes four minutes.
"""

import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "plugins" / "ray"))
RESULTS = HERE / "results" / "ray_deaths.json"
DEATHS, OF_NODES = 20, 5
STEPS, BATCH, K = 60, 16, 8
ENGINES, THREADS, RATE, BEFORE, AFTER = 4, 32, 500.0, 10, 15
"""Engines, callers, completions a second of one engine, and seconds that are measured before and after the death."""


def main() -> None:
    from ray_cluster import nodes

    with tempfile.TemporaryDirectory() as folder, nodes(2) as cluster:
        report = {"deaths": deaths(cluster, Path(folder)), "throughput": throughput(cluster, Path(folder))}
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))
    assert report["deaths"]["same"]


def deaths(cluster: Any, folder: Path) -> dict[str, Any]:
    """The same run in one process and on replicas that die; what was the same, and what it took."""
    alone = run({"use": "scripted", "model": "sums"}, folder / "alone", lambda _: None)
    options = {"sampler": "scripted", "options": {"delay": 0.5}, "replicas": 4, "restarts": 100}
    model = {"use": "ray", "model": "sums", "with": {"address": cluster.address, **options}}
    spread = run(model, folder / "spread", Killer(cluster))
    same = alone["digest"] == spread["digest"] and alone["export"] == spread["export"]
    return {"same": same, "killed": DEATHS, "of them nodes": OF_NODES, "alone": alone, "spread": spread}


class Killer:
    """Kills a replica or a node at random steps; for a node that is killed another joins two steps later."""

    def __init__(self, cluster: Any) -> None:
        import sparq_core as sparq

        rng = sparq.generator("ray deaths")
        kinds = [cluster.kill_node] * OF_NODES + [cluster.kill_replica] * (DEATHS - OF_NODES)
        rng.shuffle(kinds)
        self._acts: dict[int, list[Callable[[], Any]]] = {}
        for step, kind in zip(sorted(rng.sample(range(1, STEPS - 4), DEATHS)), kinds, strict=True):
            self._acts.setdefault(step, []).append(kind)
            if kind == cluster.kill_node:
                self._acts.setdefault(step + 2, []).append(lambda: cluster.nodes.append(cluster.join()))

    def __call__(self, event: Any) -> None:
        import sparq_core as sparq

        if isinstance(event, sparq.StepCommitted) and event.round:
            for act in self._acts.pop(event.step, ()):
                act()


def run(model: dict[str, Any], folder: Path, observer: Callable[[Any], None]) -> dict[str, Any]:
    """One run of sums with a model; its digest, that of its export, and what it took."""
    from sparq_core.ledger import dataset
    from sparq_core.ledger.reader import Reader
    from sparq_core.loop import session
    from sparq_core.pipeline import prepare
    from sparq_core.testing import sums

    pipeline = sums(folder, steps=STEPS, batch=BATCH, in_flight=4, models={"student": model}, attempts={"k": K})
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(pipeline))
    began = time.monotonic()
    ending = session.execute(prepare.load(folder / "pipeline.yaml"), folder / "run", False, [observer], lambda: False)
    with Reader.open(folder / "run") as ledger:
        rows = "\n".join(json.dumps(row) for row in dataset.rows(ledger, dataset.chosen(ledger)))
        digest = ledger.last_digest()
    log = folder / "run" / "logs" / "ray-student.log"
    noticed = log.read_text().count("is gone") if log.exists() else 0
    return {
        "seconds": round(time.monotonic() - began),
        "attempts": ending.tally.attempts,
        "deaths at work": noticed,
        "digest": digest,
        "export": hash_of(rows),
    }


def throughput(cluster: Any, folder: Path) -> dict[str, Any]:
    """Completions a second of four engines, before and after the node of one is killed, without room for another."""
    import sparq_core as sparq
    from sparq_core.pipeline import prepare
    from sparq_core.testing import sums
    from sparq_ray import Ray, RayConfig

    (folder / "pipeline.yaml").write_text(yaml.safe_dump(sums(folder)))
    given = prepare.load(folder / "pipeline.yaml").run
    cluster.nodes += [cluster.join() for _ in range(ENGINES - len(cluster.nodes))]
    paced = {"sampler": f"{HERE / 'paced.py'}:Paced", "options": {"rate": RATE}}
    plugin = Ray(RayConfig(address=cluster.address, replicas=ENGINES, cpus_per_replica=2.0, restarts=10, **paced))
    plugin.start(run=given, warn=print)
    sampler = plugin.sampler(model=sparq.Model(name="student", path="paced", digest="paced"))
    while sampler.replicas < ENGINES:
        time.sleep(0.2)
    done, over = list[tuple[float, int]](), threading.Event()

    def ask(thread: int) -> None:
        for turn in range(10**6):
            if over.is_set():
                return
            requests = [
                sparq.Request(
                    messages=(sparq.Message("user", f"{thread} {turn} {i}"),), seed=i, sampling=sparq.Sampling(), n=16
                )
                for i in range(8)
            ]
            sampler.sample(requests)
            done.append((time.monotonic(), 16 * 8))

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    time.sleep(BEFORE + 5)
    killed = time.monotonic()
    cluster.kill_node()
    time.sleep(AFTER)
    open_ = sampler.replicas
    over.set()
    for thread in threads:
        thread.join()
    sampler.close()
    plugin.stop()

    def rate(first: float, last: float) -> float:
        return sum(n for at, n in done if first <= at - killed < last) / (last - first)

    before = rate(-BEFORE, 0)
    return {
        "before": round(before),
        "share of it in each second after the death": [round(rate(s, s + 1) / before, 2) for s in range(AFTER)],
        "share of it from second 5 to 15": round(rate(5, 15) / before, 3),
        "replicas at the end": open_,
    }


def hash_of(text: str) -> str:
    import hashlib

    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


if __name__ == "__main__":
    main()
