"""
Help for testing plugins and pipelines without a model.

`use: scripted` is a real sampler plugin: it answers from a table, or, without one, plays a model that writes and solves sums.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice, product, zip_longest
from pathlib import Path
from random import Random
from typing import Annotated, Any

import yaml
from msgspec import Meta, Struct, field
from msgspec.structs import replace

from sparq_core import hookspecs
from sparq_core.contract.config import ModelConfig, Pipeline, PluginConfig
from sparq_core.contract.errors import PipelineError, PluginError
from sparq_core.contract.events import Event
from sparq_core.contract.randomness import generator
from sparq_core.contract.records import (
    Assessment,
    Attempt,
    Case,
    Child,
    Counts,
    Judged,
    Outcome,
    Problem,
    Step,
    Trial,
    Verdict,
)
from sparq_core.contract.run import Run
from sparq_core.contract.sampling import Completion, Place, Request
from sparq_core.hookspecs import hookimpl
from sparq_core.ledger.reader import Reader
from sparq_core.loop import session
from sparq_core.loop.rounds import Ending
from sparq_core.pipeline import prepare
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.discovery import Member, check_hooks
from sparq_core.pipeline.guards import Rationing

_SUM = re.compile(r"What is (\d{1,18}) \+ (\d{1,18})\?")


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


def run_pipeline(
    pipeline: Mapping[str, Any], folder: Path, *, resume: bool = False, accept_changes: bool = False
) -> Ran:
    """Run a pipeline given as a mapping; its file is written to `folder`, its run folder is `folder / "run"`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pipeline.yaml"
    path.write_text(yaml.safe_dump(dict(pipeline), sort_keys=False), encoding="utf-8")
    events: list[Event] = []
    ending = session.execute(prepare.load(path), folder / "run", resume, [events.append], lambda: False, accept_changes)
    return Ran(ending, folder / "run", events)


def problem(number: int = 0, **fields: Any) -> Problem:
    """A small valid problem for tests; any field may be given."""
    return Problem(
        **{"id": f"1.1.{number}", "statement": f"What is {number} + 1?", "answer": str(number + 1), **fields}
    )


TEXTS = (
    "So the answer is \\boxed{1}.",
    "It is \\boxed{2}, or rather \\boxed{7}.",
    "I do not know.",
    "",
    "#### 1",
    "\\boxed{",
    "La réponse est \\boxed{１}，也就是一。 𝟙 \x00 \u202e",
)
"""Attempts that any verifier may meet."""


def check_plugin(plugin: object, *, problems: Sequence[Problem] = (), sampler: ScriptedSampler | None = None) -> None:
    """
    Hold a plugin to the contract of the hooks it answers; AssertionError names what is broken.

    It is started and stopped as a run does it, and played real trials: right and wrong answers, none, an empty text, one cut
    short, other alphabets, a problem without a reference answer. `problems` of your own, with the `extra` it needs, are played
    in place of the built-in ones. Answers must be those the contract allows, the same again for the same input, and leave the
    input as it was. `sampler` answers what the plugin asks a model. Samplers, `curate`, `train` and `benchmark` need a run:
    see `run_pipeline`.
    """
    assert not isinstance(plugin, type), f"give an object, not the class {plugin.__name__}"
    played = problems or [problem(i, solution=f"\\boxed{{{i + 1}}}") for i in range(3)]
    try:
        check_hooks(type(plugin), type(plugin).__name__, "check_plugin")
        _play(plugin, list(played), sampler)
    except (PipelineError, PluginError) as error:
        raise AssertionError(str(error)) from error.__cause__


class _AnyAssess:
    """Stands for the plugin that assesses where none is tested."""

    @hookimpl
    def assess(self, cases: Sequence[Case]) -> list[Assessment]:
        return [Assessment(outcome="kept") for _ in cases]

    def decide(self, counts: Counts) -> Outcome:
        return "kept" if counts.correct and counts.incorrect else "out-of-band"


def _play(plugin: object, problems: list[Problem], sampler: ScriptedSampler | None) -> None:
    member = Member(type(plugin).__name__, "check_plugin", plugin, None, "test")
    needed = [] if member.answers(hookspecs.assess) else [Member("any", "check_plugin", _AnyAssess(), None, "test")]
    cast, serve = Cast([member, *needed]), sampler or ScriptedSampler()
    model = ModelConfig(use="scripted", model="scripted")
    pipeline = Pipeline(name="check", steps=1, models={"student": model}, plugins=[PluginConfig(use=member.name)])
    run = Run(pipeline=pipeline, base=Path.cwd(), folder=None, models={})
    begun: list[Member] = []
    cast.check(run)
    try:
        cast.start(run, lambda _: None, begun)
        _play_hooks(cast, run, problems, lambda: Place(0, 1, 1, lambda _: serve))
    finally:
        cast.stop(run, begun, _fail)


def _fail(message: str) -> None:
    raise AssertionError(message)


def _play_hooks(cast: Cast, run: Run, problems: list[Problem], place: Callable[[], Place]) -> None:
    cases = [_case(problem, texts) for problem in problems for texts in (TEXTS, ())]
    trials = [Trial(p, j.attempt) for p in _variants(problems) for j in _case(p, TEXTS).judged]
    list(islice(cast.load_seeds(run), 10))
    _same(cast, hookspecs.propose, lambda: cast.propose(place(), problems))
    _same(cast, hookspecs.screen, lambda: cast.screen(place(), problems))
    _same(cast, hookspecs.verify, lambda: cast.verify("check", trials))
    _same(cast, hookspecs.describe, lambda: cast.describe(place(), cases))
    _same(cast, hookspecs.assess, lambda: cast.assess("check", cases))
    auditor = place().llm(hookspecs.audit.__name__, "check")("auditor")
    _same(cast, hookspecs.audit, lambda: cast.audit("check", _variants(problems), auditor, _first_is_right))
    cast.admit("check", problems)
    if cast.owner(hookspecs.policy):
        _play_policy(cast.policy(run), run.pipeline.attempts.k)
    seeds = tuple(Child(problem=replace(p, id=f"0.1.{i}"), outcome="kept", quality=0.0) for i, p in enumerate(problems))
    cast.commit(Step(round=0, step=1, parents=(), children=seeds))
    if cast.owner(hookspecs.select):
        known = {seed.problem.id: seed.problem for seed in seeds}
        _same(cast, hookspecs.select, lambda: cast.select(place(), 5, [], lambda ids: [known[id_] for id_ in ids]))
    children = tuple(Child(problem=p, outcome="kept", counts=Counts(1, 1), solve_rate=0.5) for p in problems)
    cast.commit(Step(round=1, step=1, parents=tuple(seed.problem.id for seed in seeds), children=children))


def _same(cast: Cast, spec: Callable[..., Any], ask: Callable[[], Sequence[object]]) -> None:
    """Hooks other than `admit` and `commit` keep no state, so the same question has the same answer."""
    if cast.owner(spec):
        first, second = list(ask()), list(ask())
        differ = [(one, other) for one, other in zip_longest(first, second) if one != other]
        assert not differ, (
            f"{spec.__name__} answers the same input in two ways: {differ[0][0]!r}, then {differ[0][1]!r}"
        )


def _first_is_right(trials: Sequence[Trial]) -> list[Verdict]:
    """Stands for the run's verifiers where a plugin that audits asks them."""
    return [Verdict(value="incorrect" if trial.attempt.k else "correct", answer="1") for trial in trials]


def _play_policy(rationing: Rationing, k: int) -> None:
    for values in product("ciu", repeat=min(k, 5)):
        ration, counts, drawn = rationing.ration(k), Counts(), 0
        while n := ration.more(counts):
            drawn += n
            seen = [values[i % len(values)] for i in range(drawn)]
            counts = Counts(seen.count("c"), seen.count("i"), seen.count("u"))
        ration.gave_up(counts)
        ration.solve_rate(counts)


def _variants(problems: Sequence[Problem]) -> list[Problem]:
    """The problems as given, and without a reference answer."""
    return [*problems, *(replace(p, answer=None) for p in problems)]


def _case(problem: Problem, texts: Sequence[str]) -> Case:
    attempts = [
        Attempt(k=k, seed=k, text=text, finish="length" if text.endswith("{") else "stop", tokens=len(text.split()))
        for k, text in enumerate(texts)
    ]
    verdicts = [Verdict(value="incorrect" if attempt.k else "correct", answer="1") for attempt in attempts]
    counts = Counts(min(1, len(texts)), max(0, len(texts) - 1))
    return Case(problem, tuple(map(Judged, attempts, verdicts)), counts, counts.solve_rate)
