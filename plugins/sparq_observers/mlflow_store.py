"""MLflow: a run in a tracking store, a local SQLite file unless another is named."""

import logging
import os
import re
import time
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct

import sparq_core as sparq
from sparq_observers.metrics import Metrics
from sparq_observers.observer import Observer, keep_id, known_id, settings

UNNAMEABLE = re.compile(r"[^\w\-. :/]", re.ASCII)
"""What MLflow allows in no name of a metric."""


class MlflowConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Options of `mlflow`."""

    experiment: str = "sparq"
    """The experiment that runs are filed under."""
    tracking_uri: str | None = None
    """The tracking store or server; by default MLFLOW_TRACKING_URI, else the file mlflow.db beside the run folder."""


class Mlflow(Observer):
    """Records the run's metrics and its pipeline in an MLflow tracking store."""

    requires: ClassVar[dict[str, str]] = {"mlflow": "sparq-engine[mlflow]"}

    def __init__(self, config: MlflowConfig) -> None:
        super().__init__()
        self._config = config

    def open(self, run: sparq.Run, folder: Path) -> None:
        from mlflow import MlflowClient

        logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of every table that it makes
        local = f"sqlite:///{folder.parent / 'mlflow.db'}"
        uri = self._config.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or local
        self._client: Any = MlflowClient(uri)
        if known := known_id(folder, "mlflow"):
            self._id = known
            self._client.update_run(known, status="RUNNING")
            return
        name = self._config.experiment
        found = self._client.get_experiment_by_name(name)
        artifacts = (folder.parent / "mlflow-artifacts").as_uri() if uri == local else None
        experiment = found.experiment_id if found else self._client.create_experiment(name, artifacts)
        self._id = self._client.create_run(experiment, run_name=run.pipeline.name).info.run_id
        keep_id(folder, "mlflow", self._id)
        self._client.log_dict(self._id, settings(run), "pipeline.json")

    def write(self, metrics: Metrics, children: int) -> None:
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        named = [Metric(UNNAMEABLE.sub("_", name), value, now, children) for name, value in metrics.items()]
        self._client.log_batch(self._id, metrics=named)

    def close(self, finished: bool) -> None:
        self._client.set_terminated(self._id, "FINISHED" if finished else "KILLED")
