"""
Help for testing plugins and pipelines without a model.

`use: scripted` is a real sampler plugin: it answers from a table, or, without one, plays a model that writes and solves sums.
"""

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Annotated, Any

import yaml
from msgspec import Meta, Struct, field

from sparq_core.contract.events import Event
from sparq_core.contract.randomness import generator
from sparq_core.contract.records import Case, Child, Counts, Problem, Step
from sparq_core.contract.sampling import Completion, Llm, Request
from sparq_core.hookspecs import hookimpl
from sparq_core.ledger.reader import Reader
from sparq_core.loop import session
from sparq_core.loop.rounds import Ending
from sparq_core.pipeline import prepare
from sparq_core.pipeline.cast import Cast, Member
from sparq_core.pipeline.discovery import hooks_of

_SUM = re.compile(r"What is (\d+) \+ (\d+)\?")


class ScriptedSampler:
    """
    A sampler that answers from a table, the same for the same seed.

    The longest key found in the prompt decides; its list is drawn from by the sample's seed. A prompt without a key is
    answered with an empty completion.
    """

    deterministic = True
    digest = "scripted"

    def __init__(self, answers: Mapping[str, Sequence[str]] | None = None, delay: float = 0.0) -> None:
        self._answers, self._delay = answers, delay
        self.requests: list[Request] = []
        """Everything that was asked, in order."""

    def sample(self, requests: Sequence[Request]) -> list[list[Completion]]:
        self.requests += requests
        time.sleep(self._delay)
        return [[self._complete(request, j) for j in range(request.n)] for request in requests]

    def close(self) -> None:
        pass

    def _complete(self, request: Request, j: int) -> Completion:
        prompt, rng = request.messages[-1].content, generator(request.seed + j)
        text = _play_sums(prompt, rng) if self._answers is None else self._look_up(prompt, rng)
        tokens = text.split(" ")
        cut = len(tokens) > request.sampling.max_tokens
        text = " ".join(tokens[: request.sampling.max_tokens])
        return Completion(
            text=text,
            finish="length" if cut else "stop",
            tokens=min(len(tokens), request.sampling.max_tokens),
            prompt_tokens=0 if j else len(prompt.split()),
        )

    def _look_up(self, prompt: str, rng: Random) -> str:
        assert self._answers is not None
        keys = [key for key in self._answers if key in prompt]
        return rng.choice(self._answers[max(keys, key=len)]) if keys else ""


def _play_sums(prompt: str, rng: Random) -> str:
    found = _SUM.search(prompt)
    a, b = (int(found[1]), int(found[2])) if found else (1, 1)
    if "<skills>" in prompt:
        skills = ["addition", "carrying"] if a % 10 + b % 10 > 9 else ["addition"]
        return f"<skills>{', '.join([*skills, 'large numbers'] if a + b > 99 else skills)}</skills>"
    if "<problem>" in prompt:
        a, b = max(1, a + rng.randint(-9, 19)), max(1, b + rng.randint(-9, 19))
        written = f"<problem>What is {a} + {b}?</problem>\n<solution>{a} + {b} = \\boxed{{{a + b}}}</solution>"
        return written if rng.random() < 0.9 else written.replace("</problem>", "")
    slip = rng.random() < min(0.9, (a + b) / 200)
    return f"{a} + {b} = \\boxed{{{a + b + 10 * slip}}}" if rng.random() < 0.95 else "I do not know."


class ScriptedConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `scripted`."""

    answers: Annotated[
        dict[str, list[str]] | None,
        Meta(description="What to answer to a prompt that holds a key; without it, the model writes and solves sums."),
    ] = None
    delay: Annotated[float, Meta(ge=0, description="Seconds each call takes.")] = 0.0


class Scripted:
    """A model that follows a script: for tests, tutorials and dry runs."""

    def __init__(self, config: ScriptedConfig) -> None:
        self._config = config

    @hookimpl
    def sampler(self) -> ScriptedSampler:
        return ScriptedSampler(self._config.answers, self._config.delay)


class Ran(Struct, frozen=True):
    """A run that `run_pipeline` brought to its end."""

    ending: Ending
    folder: Path
    events: list[Event] = field(default_factory=list)

    def read(self) -> Reader:
        """The run's ledger."""
        return Reader.open(self.folder)


def run_pipeline(pipeline: Mapping[str, Any], folder: Path, *, resume: bool = False) -> Ran:
    """Run a pipeline given as a mapping; its file is written to `folder`, its run folder is `folder / "run"`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pipeline.yaml"
    path.write_text(yaml.safe_dump(dict(pipeline), sort_keys=False), encoding="utf-8")
    events: list[Event] = []
    ending = session.execute(prepare.load(path), folder / "run", resume, [events.append], lambda: False)
    return Ran(ending, folder / "run", events)


def problem(number: int = 0, **fields: Any) -> Problem:
    """A small valid problem for tests; any field may be given."""
    return Problem(
        **{"id": f"1.1.{number}", "statement": f"What is {number} + 1?", "answer": str(number + 1), **fields}
    )


def check_plugin(plugin: object, *, sampler: ScriptedSampler | None = None) -> None:
    """
    Hold a plugin to the contract of the batch hooks it answers; AssertionError names what is broken.

    Answers are aligned with their batch, the same again for the same input, and leave the input as it was; `admit` and
    `commit` of a second, equal instance replay to the same answers. Call it on a started plugin.
    """
    serve = sampler or ScriptedSampler()
    member = Member(type(plugin).__name__, "check_plugin", plugin, None, "test")
    cast = Cast([member])
    assert hooks_of(type(plugin)), f"{member.name} answers no hook: mark its methods with @hookimpl"
    problems = [problem(i, solution=f"\\boxed{{{i + 1}}}") for i in range(3)]
    cases = [Case(p, (), Counts(1, 1, 0), 0.5) for p in problems]
    calls: dict[str, dict[str, Any]] = {
        "propose": {"parents": problems},
        "screen": {"children": problems},
        "verify": {"trials": []},
        "describe": {"cases": cases},
    }
    for hook, arguments in calls.items():
        for _, caller in cast.each(hook):
            extra = {} if hook == "verify" else {"llm": Llm((0, 1, 1), hook, member.name, lambda _: serve)}
            rng = {"rng": Random(0)} if hook == "propose" else {}  # noqa: S311 -- a test
            (batch,) = arguments.values()
            before = repr(batch)
            answer = caller(**arguments, **extra, **rng)
            assert repr(batch) == before, f"{member.name}.{hook} changed its input"
            if hook != "propose":
                cast.aligned(hook, member, answer, len(batch))
    for _, commit in cast.each("commit"):
        children = tuple(
            Child(problem=p, outcome="kept", counts=c.counts) for p, c in zip(problems, cases, strict=True)
        )
        metrics = commit(step=Step(round=1, step=1, parents=(), children=children))
        assert metrics is None or all(isinstance(v, int | float) for v in metrics.values()), (
            f"{member.name}.commit must answer numbers"
        )
    for _, admit in cast.each("admit"):
        cast.aligned("admit", member, admit(children=problems), len(problems))
