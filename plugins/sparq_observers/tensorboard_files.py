"""TensorBoard: event files in the run folder."""

import time
from pathlib import Path
from typing import Any, ClassVar

import msgspec

import sparq_core as sparq
from sparq_observers.metrics import Metrics
from sparq_observers.observer import Observer, settings


class TensorBoard(Observer):
    """Writes the run's metrics as TensorBoard event files into `logs/tensorboard` of the run folder."""

    requires: ClassVar[dict[str, str]] = {"tensorboard": "sparq-engine[tensorboard]"}

    def open(self, run: sparq.Run, folder: Path) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.text.metadata import create_summary_metadata
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._writer: Any = EventFileWriter(str(folder / "logs" / "tensorboard"))
        text = msgspec.json.format(msgspec.json.encode(settings(run)), indent=2).decode()
        value = Summary.Value(tag="pipeline", metadata=create_summary_metadata("pipeline", ""), tensor=_tensor(text))
        self._add(Summary(value=[value]), 0)

    def write(self, metrics: Metrics, children: int) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        self._add(
            Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in metrics.items()]), children
        )
        self._writer.flush()

    def close(self, finished: bool) -> None:  # noqa: ARG002 -- an event file has no such state
        self._writer.close()

    def _add(self, summary: Any, step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))


def _tensor(text: str) -> Any:
    from tensorboard.util.tensor_util import make_tensor_proto

    return make_tensor_proto([f"    {line}" for line in text.splitlines()])
