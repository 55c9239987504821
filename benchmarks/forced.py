"""
The cast of `vllm_pipeline.py`: vLLM with completions of forced lengths, and plugins around it that cost nothing.

Every sample is a request of its own, whose length is log-normal by its seed; what the model writes is never read. All requests
are remembered with the times of the first and the last, so that the same ones can be put to `LLM.generate`.
"""

import json
import math
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from msgspec.structs import replace

import sparq_core as sparq
from sparq_vllm import Vllm, VllmConfig
from sparq_vllm.sampler import VllmSampler

MEDIAN, SPREAD, CAP = 180, 0.6, 2048
"""Tokens of a completion."""
SCALE = float(os.environ.get("FORCED_SCALE", "1"))
"""What the lengths are multiplied by, so that they fit the model."""
LOG = os.environ.get("FORCED_LOG", "")
"""File for what was asked, and when."""


def length(seed: int) -> int:
    """Tokens of the completion with this seed."""
    drawn = MEDIAN * math.exp(SPREAD * sparq.generator(seed).gauss(0, 1))
    return max(1, round(SCALE * min(CAP, drawn)))


class ForcedSampler:
    """Takes n samples apart into requests of their own, each with its length."""

    def __init__(self, sampler: VllmSampler) -> None:
        self._sampler = sampler
        self._asked: list[tuple[list[tuple[str, str]], int, int]] = []
        self._first, self._last, self._tokens = math.inf, 0.0, 0
        self.deterministic, self.digest, self.slots = sampler.deterministic, sampler.digest, sampler.slots

    @property
    def load(self) -> int:
        """Sequences that are not answered yet."""
        return self._sampler.load

    def sample(self, requests: Sequence[sparq.Request]) -> list[list[sparq.Completion]]:
        """Completions of forced lengths."""
        apart = [one(request, request.seed + j) for request in requests for j in range(request.n)]
        self._first = min(self._first, time.monotonic())
        answers = iter(self._sampler.sample(apart))
        grouped = [[next(answers)[0] for _ in range(request.n)] for request in requests]
        self._last = time.monotonic()
        self._asked += [([(m.role, m.content) for m in r.messages], r.seed, r.sampling.max_tokens) for r in apart]
        self._tokens += sum(completion.tokens for samples in grouped for completion in samples)
        return grouped

    def close(self) -> None:
        """Close the engine and write the log."""
        log = {"requests": self._asked, "tokens": self._tokens, "seconds": self._last - self._first}
        Path(LOG).write_text(json.dumps(log))
        self._sampler.close()


def one(request: sparq.Request, seed: int) -> sparq.Request:
    """One sample of a request."""
    return replace(request, seed=seed, n=1, sampling=replace(request.sampling, max_tokens=length(seed)))


class Forced(Vllm):
    """vLLM with completions of forced lengths."""

    command = (sys.executable, str(Path(__file__).with_name("forced_worker.py")))

    def __init__(self, config: VllmConfig) -> None:
        super().__init__(config)

    @sparq.hookimpl
    def sampler(self, model: sparq.Model) -> ForcedSampler:  # type: ignore[override] # not a VllmSampler, but like one
        return ForcedSampler(super().sampler(model))


class Around:
    """Proposes a child a parent, each another statement, and finds half of all attempts right."""

    @sparq.hookimpl
    def propose(self, parents: Sequence[sparq.Problem], llm: sparq.Llm, rng: Random) -> list[sparq.Draft]:
        answers = llm("generator").complete([f"Write another: {p.statement}" for p in parents], sparq.Sampling())
        return [
            sparq.Draft(statement=f"{p.statement} {rng.random()}", answer="1", parents=(p.id,), ordinal=answer.ordinal)
            for p, answer in zip(parents, answers, strict=True)
        ]

    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict]:
        return [sparq.Verdict(value="correct" if t.attempt.seed % 2 else "incorrect", answer="1") for t in trials]

    @sparq.hookimpl
    def describe(self, cases: Sequence[sparq.Case]) -> list[dict[str, Any]]:
        return [{"skills": [str(len(case.problem.statement) % 10)]} for case in cases]
