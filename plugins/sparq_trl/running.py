"""What the engine's process does for every trainer: look whether a machine suffices, run the training, read what it tells."""

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

import sparq_core as sparq
from sparq_trl import memory, sharing
from sparq_trl.gpus import Gpu
from sparq_trl.options import NodesConfig, TrainingConfig

ALONE = "127.0.0.1:0"
"""Where the processes of one machine meet: at a free port that no other machine reaches."""
REQUIRES = {"trl": "sparq-engine[trl]", "peft": "sparq-engine[trl]"}


class Demand(NamedTuple):
    """What a training asks of a machine."""

    asked: sharing.Asked
    gpus: Sequence[Gpu]
    """All that are visible."""
    tokens: int
    """Of one forward pass of one process."""
    generated: int = 0
    """Tokens that are held at once while completions are sampled, prompts included."""
    reference: bool = False
    """Whether the weights it starts from are kept beside those that are trained."""
    example: str = "examples"
    """What the batch is made of."""
    shares: bool = True
    """Whether several processes could share the work."""

    @property
    def used(self) -> Sequence[Gpu]:
        """The GPUs that it takes of each machine."""
        return self.gpus[: self.asked.each]


def findings(demand: Demand, config: TrainingConfig, model: sparq.Model) -> list[sparq.Finding]:
    """What is wrong with a training, errors first, and the memory it takes."""
    found = [*sharing.findings(demand.asked, demand.gpus, demand.example), *_memory(demand, config, model.path)]
    return sorted(found, key=lambda finding: finding.level != "error")


def _memory(demand: Demand, config: TrainingConfig, model: str) -> Iterator[sparq.Finding]:
    """What the training takes; nothing where the model is not at hand in safetensors files."""
    folder = sparq.folder_of(model)
    if folder and (tensors := memory.shapes(folder)):
        facts, width = memory.config_of(folder), 2 if config.bf16 else 4
        rank = config.lora.r if config.lora else None
        passed = memory.activations(facts, demand.tokens, width, checkpointed=config.gradient_checkpointing)
        need = memory.Need(
            *memory.states(tensors, rank, reference=demand.reference),
            max(passed, memory.cache(facts, demand.generated, width)),
        )
        memories = [gpu.memory for gpu in demand.used] * demand.asked.nodes
        yield memory.finding(need, demand.asked.processes, memories, shares=demand.shares)


def train(
    method: str,
    demand: Demand,
    weights: sparq.Model,
    out: Path,
    seed: int,
    job: Mapping[str, Any],
    nodes: NodesConfig | None = None,
) -> dict[str, float]:
    """
    Train in processes of their own, and give the metrics; `job` has the options and what is trained on.

    With `nodes`, on several machines, which see the same files.

    SparqError where the batch cannot be shared, where the training diverged, and with the end of its log where it failed.
    """
    if wrong := next(sharing.findings(demand.asked, demand.gpus, demand.example), None):
        raise sparq.SparqError(f"{method}: {wrong.place}: {wrong.message}")
    told = logged(out, "metrics.json")
    told.unlink(missing_ok=True)
    whole = {
        "method": method,
        "model": weights.path,
        "chat_template": weights.chat_template,
        "out": str(out),
        "metrics": str(told),
        "seed": seed,
        "processes": demand.asked.processes,
        "each": demand.asked.each,
        "nodes": demand.asked.nodes,
        "meet": f"{nodes.host or socket.gethostname()}:{nodes.port}" if nodes else ALONE,
        "gpus": [] if nodes else [gpu.name for gpu in demand.used],
        "micro_batch_size": demand.asked.micro,
        "accumulation": demand.asked.accumulation,
        **job,
    }
    sparq.run_worker("sparq_trl.worker", whole, logged(out, "log"), launcher=nodes.launcher if nodes else ())
    metrics: dict[str, float] = json.loads(told.read_bytes())
    for name, value in metrics.items():
        if not isfinite(value):
            raise sparq.SparqError(f"{method}: the training diverged, its {name} is {value}; lower the learning rate")
    return metrics


def logged(out: Path, kind: str) -> Path:
    """A file of a training beside its log; the model's folder is in the run's folder `models`."""
    path = out.parent.parent / "logs" / f"train-{out.name.removesuffix('.partial')}.{kind}"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows that a training takes, as JSON lines; gives the path."""
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    return str(path)
