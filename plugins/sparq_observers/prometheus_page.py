"""Prometheus: the run's metrics at an address of this machine, for as long as the run goes on."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct

import sparq_core as sparq
from sparq_observers.metrics import Metrics
from sparq_observers.observer import Observer

LOOPBACK = "127.0.0.1"
UNNAMEABLE = re.compile(r"[^a-zA-Z0-9_]")
LABELS = {"rejected": "reason", "benchmark": "task", "seconds": "phase"}
"""What the part of a metric's name after the slash is called as a label."""


class PrometheusConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Options of `prometheus`."""

    port: int = 9464
    """The port of 127.0.0.1 at which the page is; no other machine reaches it."""


class Prometheus(Observer):
    """Serves the run's latest metrics to Prometheus on 127.0.0.1 while the run goes on."""

    requires: ClassVar[dict[str, str]] = {"prometheus_client": "sparq-engine[prometheus]"}

    def __init__(self, config: PrometheusConfig) -> None:
        super().__init__()
        self._config = config
        self._latest: dict[str, float] = {}

    def open(self, run: sparq.Run, folder: Path) -> None:  # noqa: ARG002 -- nothing is written
        from prometheus_client import CollectorRegistry, start_http_server

        registry = CollectorRegistry()
        registry.register(self)
        self._name = run.pipeline.name
        self._server, self._thread = start_http_server(self._config.port, LOOPBACK, registry)

    def write(self, metrics: Metrics, children: int) -> None:  # noqa: ARG002 -- the children are among them
        self._latest = {**self._latest, **metrics}

    def close(self, finished: bool) -> None:  # noqa: ARG002 -- the page is gone either way
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def collect(self) -> Iterator[Any]:
        """The latest metrics as Prometheus has them; it is called in the server's threads."""
        from prometheus_client.core import GaugeMetricFamily

        families: dict[str, Any] = {}
        for name, value in self._latest.items():
            base, _, detail = name.partition("/")
            label = LABELS.get(base) if detail else None
            family = f"sparq_{UNNAMEABLE.sub('_', base if label else name)}{'_by_' + label if label else ''}"
            labels = ["run", *([label] if label else [])]
            known = families.setdefault(family, GaugeMetricFamily(family, f"`{base}` of the run", labels=labels))
            known.add_metric([self._name, *([detail] if label else [])], value)
        yield from families.values()
