"""A Ray cluster of several nodes on this machine, and what tests do to it."""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

os.environ["RAY_usage_stats_enabled"] = "0"  # noqa: SIM112 -- Ray spells them so
os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 -- by default replicas give way to all else on a busy machine

OPEN = re.compile(rb"ray::Replica(\.sample)?(\(\))?[\0 ]*")
STORE = 80 << 20
"""Bytes of a node's object store, the least there may be."""


class Nodes:
    """Nodes of two CPUs each, and a head with none, so that it outlives whatever replicas die of."""

    def __init__(self, count: int = 2, head_cpus: int = 0) -> None:
        from ray.cluster_utils import Cluster

        how = {"include_dashboard": False, "include_log_monitor": False, "object_store_memory": STORE}
        self._cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": head_cpus, **how})
        self.address: str = self._cluster.address
        self.nodes = [self.join() for _ in range(count)]

    def join(self, cpus: int = 2) -> Any:
        """One more node."""
        return self._cluster.add_node(num_cpus=cpus, object_store_memory=STORE)

    def kill_replica(self) -> None:
        """Kill −9 for a process in which a replica is open, once there is one."""
        while not (found := self._open_replicas()):
            time.sleep(0.2)
        os.kill(found[0], signal.SIGKILL)

    def kill_node(self) -> None:
        """Kill −9 for the raylet of the oldest node, with which all its workers end."""
        self.nodes.pop(0).kill_raylet()

    def announce_leaving(self, node: Any) -> None:
        """As a cloud announces that it takes a machine back."""
        import ray
        from ray.core.generated.autoscaler_pb2 import DrainNodeReason

        client = ray._raylet.GcsClient(address=self.address)
        accepted, why = client.drain_node(
            node.node_id, DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION"), "spot", 2**53
        )
        assert accepted, why

    def kill_head(self) -> None:
        """Kill −9 for the head's processes."""
        self._cluster.remove_node(self._cluster.head_node, allow_graceful=False)

    def close(self) -> None:
        self._cluster.shutdown()

    def _open_replicas(self) -> list[int]:
        """Their processes, which Ray names by what they do."""
        running = [node.all_processes.get("raylet") for node in self._cluster.list_all_nodes()]
        raylets = {raylet[0].process.pid for raylet in running if raylet}
        found = [pid for pid in _processes() if OPEN.fullmatch(_name(pid)) and _parent(pid) in raylets]
        return sorted(found, key=lambda pid: b".sample" not in _name(pid))


@contextmanager
def nodes(count: int = 2, head_cpus: int = 0) -> Iterator[Nodes]:
    """A cluster that is ended in the end."""
    cluster = Nodes(count, head_cpus)
    try:
        yield cluster
    finally:
        cluster.close()


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _name(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _parent(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0
