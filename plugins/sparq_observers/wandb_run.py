"""Weights & Biases: a run that stays on this machine until you sync it, or goes online if you ask for that."""

from pathlib import Path
from typing import Any, ClassVar, Literal

from msgspec import Struct

import sparq_core as sparq
from sparq_observers.metrics import Metrics
from sparq_observers.observer import Observer, kept_id, settings


class WandbConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Options of `wandb`."""

    project: str = "sparq"
    """The project that runs are filed under."""
    entity: str | None = None
    """The user or team the project belongs to; by default your own."""
    mode: Literal["offline", "online"] = "offline"
    """`offline` writes files that `wandb sync` can send later; `online` sends everything as it comes."""


class Wandb(Observer):
    """Records the run's metrics and its pipeline as a Weights & Biases run, in `logs/wandb` of the run folder."""

    requires: ClassVar[dict[str, str]] = {"wandb": "sparq-engine[wandb]"}

    def __init__(self, config: WandbConfig) -> None:
        super().__init__()
        self._config = config

    def open(self, run: sparq.Run, folder: Path) -> None:
        import wandb

        id_ = kept_id(folder, "wandb")
        self._wandb: Any = wandb.init(
            project=self._config.project,
            entity=self._config.entity,
            mode=self._config.mode,
            name=run.pipeline.name,
            id=id_,
            resume="allow",
            dir=str(folder / "logs"),
            config=settings(run),
            settings=wandb.Settings(
                silent=True, console="off", disable_git=True, disable_code=True, x_disable_stats=True
            ),
        )

    def write(self, metrics: Metrics, children: int) -> None:
        self._wandb.log(dict(metrics), step=children)

    def close(self, finished: bool) -> None:
        self._wandb.finish(exit_code=0 if finished else 1)
