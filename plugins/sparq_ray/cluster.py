"""This process's connection to Ray, which all models of a run share, and what the cluster offers."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import floor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import sparq_core as sparq

if TYPE_CHECKING:
    from sparq_ray import RayConfig

LOCAL = "local"
QUIET = {"RAY_usage_stats_enabled": "0"}
"""No statistics are sent anywhere."""
STORE = 128 << 20
"""Bytes of a local cluster's object store, where only requests and answers are."""
REACH = 10.0
"""Seconds that the head may take to accept a connection."""
GPUS = Path("/proc/driver/nvidia/gpus")


class _Connected:
    """Who uses the connection, and to which cluster it is."""

    users = 0
    address = ""
    ours = False
    """Whether this process was not connected before."""


_lock = threading.Lock()


def connect(address: str) -> None:
    """Connect to a cluster, or start the local one; from the main thread, with which a local one ends. SparqError if not."""
    with _lock:
        if _Connected.users and _Connected.address != address:
            raise sparq.SparqError(
                f"Ray: a run is on one cluster, its models name {_Connected.address} and {address}; set one `address`"
            )
        if not _Connected.users:
            _Connected.ours, _Connected.address = _init(address), address
        _Connected.users += 1


def disconnect() -> None:
    """The last one ends the connection, and with it a local cluster."""
    import ray

    with _lock:
        _Connected.users -= 1
        if not _Connected.users and _Connected.ours:
            ray.shutdown()


def _init(address: str) -> bool:
    """Whether there was no connection yet."""
    os.environ |= QUIET
    import ray

    if ray.is_initialized():
        return False
    local = {"include_dashboard": False, "object_store_memory": STORE} if address == LOCAL else {}
    with _own_sigterm():
        try:
            _reach(address)
            ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL, **local)
        except (OSError, RuntimeError, ValueError) as error:
            raise sparq.SparqError(f"no Ray cluster at {address}: {error}; `ray start --head` starts one") from error
    ray._private.worker._worker_logs_enabled = False  # noqa: SLF001 -- else the cluster's news are printed among our output
    return True


def _reach(address: str) -> None:
    """OSError or ValueError where nothing listens: Ray itself would go on trying."""
    from ray._private.services import canonicalize_bootstrap_address

    if address == LOCAL:
        return
    host, _, port = str(canonicalize_bootstrap_address(address)).rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=REACH).close()


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Ray puts a handler of its own in the place of the run's, which drains and commits."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Offer(NamedTuple):
    """What a node has."""

    cpus: float
    gpus: float


def findings(config: "RayConfig") -> Iterator[sparq.Finding]:
    """What is asked of the cluster against what it offers."""
    try:
        offers = _offers(config.address)
    except sparq.SparqError as error:
        yield sparq.Finding(level="error", place="with.address", message=str(error))
        return
    room = sum(_room(offer, config) for offer in offers)
    cpus, gpus = (sum(each) for each in zip(*offers, strict=True)) if offers else (0, 0)
    told = (
        f"each of {config.replicas} asks for {config.cpus_per_replica:g} CPUs and {config.gpus_per_replica:g} GPUs; "
        f"the cluster offers {cpus:g} CPUs and {gpus:g} GPUs on {len(offers)} node{'s' * (len(offers) != 1)}: room for "
        f"{min(room, config.replicas)}"
    )
    if room >= config.replicas:
        yield sparq.Finding(level="note", place="with.replicas", message=told)
    elif config.address == LOCAL and not room:
        yield sparq.Finding(level="error", place="with.replicas", message=f"{told}; ask for less, or join a cluster")
    else:
        yield sparq.Finding(
            level="warning", place="with.replicas", message=f"{told}; the others wait for nodes to join"
        )


def _room(offer: Offer, config: "RayConfig") -> int:
    asked = ((offer.cpus, config.cpus_per_replica), (offer.gpus, config.gpus_per_replica))
    return min([config.replicas, *(floor(there / each) for there, each in asked if each)])


def _offers(address: str) -> list[Offer]:
    """Of the nodes that are there; those of a local cluster are this machine, which need not be started to be asked."""
    if address == LOCAL:
        return [Offer(os.cpu_count() or 1, len(list(GPUS.glob("*"))))]
    connect(address)
    try:
        import ray

        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        return [Offer(resources.get("CPU", 0), resources.get("GPU", 0)) for resources in nodes]
    finally:
        disconnect()
