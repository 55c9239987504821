"""The sampler of `vllm_kills.py`: vLLM, whose processes are killed while they work."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import psutil

import sparq_core as sparq
from sparq_vllm import Vllm, VllmConfig
from sparq_vllm.sampler import VllmSampler

KILLS = 10
LOG = os.environ.get("KILLS_LOG", "")
"""File for which processes were killed."""


class Harassed(Vllm):
    """vLLM that is not left in peace."""

    def __init__(self, config: VllmConfig) -> None:
        super().__init__(config)

    @sparq.hookimpl
    def sampler(self, model: sparq.Model) -> VllmSampler:
        served = super().sampler(model)
        threading.Thread(target=harass, args=(served,), daemon=True).start()
        return served


def harass(served: VllmSampler) -> None:
    """Kill a process of the engine, any of them, ten times, each time shortly after it went to work again."""
    rng, killed = sparq.generator("kills"), []
    (replica,) = served.replicas
    while len(killed) < KILLS:
        while not (replica.engine and replica.load):
            time.sleep(0.05)
        time.sleep(0.2 + 1.5 * rng.random())
        if not replica.engine:
            continue
        worker = psutil.Process(replica.engine.pid)
        target = rng.choice([worker, *worker.children(recursive=True)])
        killed.append({"process": target.name(), "outstanding": replica.load})
        os.kill(target.pid, signal.SIGKILL)
        Path(LOG).write_text(json.dumps(killed))
        time.sleep(1)
