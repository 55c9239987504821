"""Runs of any plan, killed again and again: archives, attempts at parents, early stopping, rounds with training, benchmarks."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import yaml
from fake_training import RUN, lay_out
from fakes import FAKES
from faults import Fault

from sparq_core.ledger import storage
from sweeps.children import NO_FAULT, Done, difference, sparq, state

PLUGINS = f"""{FAKES}

class Heard(Local):
    @sparq.hookimpl
    def sampler(self, model):
        sampler = super().sampler(model)
        answer = sampler.sample

        def sample(requests):
            tell("sampled", *(request.seed + j for request in requests for j in range(request.n)))
            return answer(requests)

        sampler.sample = sample
        return sampler
"""
"""The fakes, with a model that notes the seeds of all that is sampled."""
KILLED = -9
KILLS = 3
"""Chains of kills of one plan."""


def plan(rng: Random, seeds: Path) -> dict[str, Any]:
    """A pipeline of any kind, and small."""
    plugins: list[dict[str, Any]] = [
        {"use": "jsonl-seeds", "with": {"path": str(seeds)}},
        {"use": "mutate"},
        {"use": "sympy"},
    ]
    select = rng.choice(("static-uniform", "map-elites"))
    plugins.append({"use": select})
    plugins += [{"use": "skills"}] * (select == "map-elites" or rng.random() < 0.5)
    plugins += [{"use": "duplicates"}] * (rng.random() < 0.3)
    policies: tuple[dict[str, Any], ...] = (
        {"use": "settled", "with": {"wave": 1}},
        {"use": "pilot", "with": {"first": 2}},
        {"use": "bayes", "with": {"wave": 1, "from_parents": 2.0}},
    )
    plugins += [rng.choice(policies)] * (rng.random() < 0.6)
    trains = rng.random() < 0.6
    if trains or rng.random() < 0.5:
        plugins.append({"use": "curate-band"})
    trainers: tuple[dict[str, Any], ...] = ({"use": "./fakes.py:Trainer"}, {"use": "command", "with": {"run": RUN}})
    trainer = trainers[rng.random() < 0.2]  # which takes processes, and their time
    plugins += [trainer] * trains
    plugins += [{"use": "./fakes.py:Bench"}] * (rng.random() < 0.5)
    if rng.random() < 0.3:
        plugins.append({"use": "pass-at-n", "with": {"path": str(seeds), "n": 2}})
    return {
        "name": "drawn",
        "seed": rng.randrange(100),
        "rounds": rng.choice((1, 2)),
        "steps": rng.randint(1, 3),
        "batch": rng.randint(1, 3),
        "in_flight": rng.randint(1, 3),
        "models": {"student": {"use": "./fakes.py:Heard", "model": "./tiny"}},
        "attempts": {"k": rng.randint(2, 4), "again": rng.choice((0, 2)), "seeds": rng.random() < 0.5},
        "plugins": plugins,
        **({"train": {"from": rng.choice(("base", "current")), "seeds": rng.random() < 0.5}} if trains else {}),
        **({"budget": {"kept": rng.randint(1, 4)}} if rng.random() < 0.2 else {}),
    }


class Plans:
    """A plan a trial, on a local or a network disk."""

    def __init__(self, folder: Path) -> None:
        self._home = folder / "plans"
        self._run, self._pipeline = self._home / "run", self._home / "pipeline.yaml"

    def __call__(self, rng: Random) -> str | None:
        kind = rng.choice(("ext4", "nfs4"))
        storage.file_system = lambda folder: kind
        self._home.mkdir(exist_ok=True)
        self._pipeline.write_text(yaml.safe_dump(drawn := plan(rng, self._seeds())))
        (self._home / "fakes.py").write_text(PLUGINS)
        lay_out(self._home)
        whole = self._go()
        if whole.code not in (0, 3):  # done, or stopped by its budget
            return None if not whole.unclear else f"{drawn}: {whole.unclear}"
        expected = state(self._run)
        for _ in range(KILLS):
            if told := self._killed(rng, whole, expected):
                return f"{drawn} on {kind}, {told}"
        return None

    def _seeds(self) -> Path:
        seeds = self._home / "seeds.jsonl"
        rows = [(f"What is {i + 5} + {3 * i + 7}?", str(4 * i + 12)) for i in range(4)]
        given = [{"problem": p, "answer": a, "solution": f"It is \\boxed{{{a}}}."} for p, a in rows]
        seeds.write_text("".join(json.dumps(row) + "\n" for row in given))
        return seeds

    def _go(self, *arguments: str, fault: Fault = NO_FAULT) -> Done:
        if not arguments:
            shutil.rmtree(self._run, ignore_errors=True)
        self._heard.unlink(missing_ok=True)
        command = ("run", str(self._pipeline), "--out", str(self._run), *arguments)
        return sparq(self._run, *command, fault=fault)

    @property
    def _heard(self) -> Path:
        return self._home / "fakes.py.sampled"

    def _killed(self, rng: Random, whole: Done, expected: Any) -> str | None:
        """Killed, and gone on with; of those that go on, some are killed, too."""
        points, arguments = list[int](), list[str]()
        while True:
            paid = self._paid() if arguments else set()
            ends = arguments and rng.random() < 0.6
            points += [] if ends else [rng.randint(1, whole.calls)]
            fault = NO_FAULT if ends else Fault(None, points[-1], "torn" if rng.random() < 0.5 else "kill")
            done = self._go(*arguments, fault=fault)
            if twice := paid & self._asked():
                return f"calls {points}: {len(twice)} completions were sampled twice"
            if done.code != KILLED:
                break
            arguments = ["--resume"]
        if done.code != whole.code:
            return f"calls {points}: exit code {done.code}: {done.err[-300:]}"
        told = difference(state(self._run), expected)
        return f"calls {points}: {told}" if told else None

    def _asked(self) -> set[int]:
        lines = self._heard.read_text().splitlines() if self._heard.exists() else []
        return {seed for line in lines for seed in json.loads(line)}

    def _paid(self) -> set[int]:
        """The seeds of all that is committed, read in a copy: to open a ledger that was half written changes it."""
        copy = self._home / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self._run, copy)
        if not (copy / storage.DATABASE).exists():
            return set()
        with closing(sqlite3.connect(copy / storage.DATABASE)) as connection:
            return {
                seed for (seed,) in connection.execute("SELECT seed FROM attempt UNION SELECT seed FROM completion")
            }
