"""Trackio: a run in its local database."""

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct

import sparq_core as sparq
from sparq_observers.metrics import Metrics
from sparq_observers.observer import Observer, kept_id, settings


class TrackioConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Options of `trackio`."""

    project: str = "sparq"
    """The project that runs are filed under."""


class Trackio(Observer):
    """Records the run's metrics and its pipeline in Trackio's database, which `trackio show` displays."""

    requires: ClassVar[dict[str, str]] = {"trackio": "sparq-engine[trackio]"}

    def __init__(self, config: TrackioConfig) -> None:
        super().__init__()
        self._config = config

    def open(self, run: sparq.Run, folder: Path) -> None:
        with redirect_stdout(StringIO()):  # it tells of itself where the command prints its facts
            import trackio

            self._trackio: Any = trackio.init(
                project=self._config.project,
                name=f"{run.pipeline.name}-{kept_id(folder, 'trackio')}",
                resume="allow",
                config=settings(run),
                embed=False,
                auto_log_cpu=False,
                auto_log_gpu=False,
            )

    def write(self, metrics: Metrics, children: int) -> None:
        self._trackio.log(dict(metrics), step=children)

    def close(self, finished: bool) -> None:  # noqa: ARG002 -- Trackio has no such state
        import trackio

        with redirect_stdout(StringIO()):
            trackio.finish()
