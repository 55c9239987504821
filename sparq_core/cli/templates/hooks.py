"""
Every hook answered once, as `sparq new-plugin` writes it: the methods that are asked for, with what they use and no more.

A method's docstring says what this body does; the contract, from `hookspecs`, is put before it.
"""

import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

import sparq_core as sparq

log = logging.getLogger(__name__)
PROMPT = """\
Write a problem like this one, inside <problem> tags, and its final answer inside <answer> tags.

<problem>{{ parent.statement }}</problem>"""


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options."""

    prompt: Annotated[str, Meta(description="Template of a proposal; may use `parent`.")] = PROMPT
    max_tokens: Annotated[sparq.Positive, Meta(description="Most tokens of a proposal.")] = 512
    role: Annotated[sparq.Role, Meta(description="Who writes.")] = "generator"
    problems: Annotated[sparq.Positive, Meta(description="How many problems there are.")] = 20
    min_words: Annotated[sparq.NonNegative, Meta(description="Fewest words of a statement.")] = 2
    ignore_case: Annotated[bool, Meta(description="Whether A is the same as a.")] = True
    newest: Annotated[sparq.Positive, Meta(description="Parents are drawn from so many of the last problems kept.")] = (
        100
    )
    answer: Annotated[str, Meta(description="What the model says to everything.")] = "\\boxed{1}"
    wave: Annotated[sparq.Positive, Meta(description="Attempts drawn at once.")] = 4
    low: Annotated[float, Meta(ge=0, le=1, description="Lowest solve rate worth keeping.")] = 0.1
    high: Annotated[float, Meta(ge=0, le=1, description="Highest solve rate worth keeping.")] = 0.9
    letters: Annotated[sparq.Positive, Meta(description="Letters of a long word.")] = 7
    solutions: Annotated[sparq.Positive, Meta(description="Most correct attempts that a problem gives.")] = 1
    epochs: Annotated[sparq.Positive, Meta(description="Passes over the dataset.")] = 1
    every: Annotated[sparq.Positive, Meta(description="Tell of every so many steps.")] = 1
    prefix: Annotated[str, Meta(description="What the name of the scratch folder begins with.")] = "scratch-"


class Plugin:
    """Answers every hook."""

    describes: ClassVar[tuple[str, ...]] = ("long_words",)

    def __init__(self, config: Config) -> None:
        self._config = config
        self._scratch: Path | None = None
        self._seen: set[str] = set()
        self._kept: list[str] = []

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        """Warn of an option that can hardly be meant."""
        if self._config.min_words <= 100:
            return []
        message = f"hardly any statement has {self._config.min_words} words; set a lower number"
        return [sparq.Finding(level="warning", place="with.min_words", message=message)]

    @sparq.hookimpl
    def start(self) -> None:
        """Make a folder for what the plugin needs while the run goes on; heavy imports belong here, too."""
        self._scratch = Path(tempfile.mkdtemp(prefix=self._config.prefix))

    @sparq.hookimpl
    def load_seeds(self) -> Iterator[sparq.Draft]:
        """Give some sums."""
        for number in range(self._config.problems):
            yield sparq.Draft(statement=f"What is {number} + {number + 3}?", answer=str(2 * number + 3))

    @sparq.hookimpl
    def select(self, rng: Random, n: int) -> list[str]:
        """Draw parents from the problems kept last, as `commit` remembers them."""
        if not self._kept:
            raise sparq.NoParents("no problem was kept yet; make the seeds easier, or attempts.k larger")
        newest = self._kept[-self._config.newest :]
        return [rng.choice(newest) for _ in range(n)]

    @sparq.hookimpl
    def propose(self, parents: Sequence[sparq.Problem], llm: sparq.Llm) -> list[sparq.Draft]:
        """Ask a model for one child of each parent."""
        prompts = [sparq.render(self._config.prompt, "with.prompt", parent=parent) for parent in parents]
        answers = llm(self._config.role).complete(prompts, sparq.Sampling(max_tokens=self._config.max_tokens))
        return [read_draft(parent, answer) for parent, answer in zip(parents, answers, strict=True)]

    @sparq.hookimpl
    def admit(self, children: Sequence[sparq.Problem]) -> list[str | None]:
        """Turn away what was stated before."""
        return [self._admit(child.statement) for child in children]

    def _admit(self, statement: str) -> str | None:
        key = statement.casefold() if self._config.ignore_case else statement
        if key in self._seen:
            return "duplicate"
        self._seen.add(key)
        return None

    @sparq.hookimpl
    def screen(self, children: Sequence[sparq.Problem]) -> list[str | None]:
        """Turn away statements of too few words."""
        least = self._config.min_words
        return ["too few words" if len(child.statement.split()) < least else None for child in children]

    @sparq.hookimpl
    def sampler(self, model: sparq.Model) -> sparq.Sampler:
        """Open a model that says the same to everything."""
        return Parrot(model.path, self._config.answer)

    @sparq.hookimpl
    def policy(self, run: sparq.Run) -> sparq.Policy:
        """Draw all K attempts, a few at once."""
        return InWaves(run.pipeline.attempts.k, self._config.wave)

    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict | None]:
        r"""Compare the text in the last `\boxed{}` with the reference answer."""
        return [self._verify(trial) for trial in trials]

    def _verify(self, trial: sparq.Trial) -> sparq.Verdict | None:
        reference, answer = trial.problem.answer, sparq.last_boxed(trial.attempt.text)
        if reference is None:
            return None
        if answer is None and trial.attempt.finish != "stop":
            return sparq.Verdict(value="unknown", reason="truncated")
        if answer is None:
            return sparq.Verdict(value="incorrect", reason="no-answer")
        same = answer.casefold() == reference.casefold() if self._config.ignore_case else answer == reference
        return sparq.Verdict(value="correct" if same else "incorrect", reason="text", answer=answer)

    @sparq.hookimpl
    def assess(self, cases: Sequence[sparq.Case]) -> list[sparq.Assessment]:
        """Keep what is solved neither too rarely nor too often; the harder, the better."""
        return [
            sparq.Assessment(outcome=self.decide(case.counts), quality=1 - (case.counts.solve_rate or 0.0))
            for case in cases
        ]

    def decide(self, counts: sparq.Counts) -> sparq.Outcome:
        """What a problem is by its counts alone, for policies that stop early."""
        if counts.solve_rate is None:
            return "unresolved"
        return "kept" if self._config.low <= counts.solve_rate <= self._config.high else "out-of-band"

    @sparq.hookimpl
    def describe(self, cases: Sequence[sparq.Case]) -> list[dict[str, int]]:
        """Count the long words of a statement."""
        return [{"long_words": self._long_words(case.problem.statement)} for case in cases]

    def _long_words(self, statement: str) -> int:
        return sum(len(word) >= self._config.letters for word in statement.split())

    @sparq.hookimpl
    def commit(self, step: sparq.Step) -> dict[str, float]:
        """Remember what was kept; tell how many that are."""
        self._kept += [child.problem.id for child in step.children if child.outcome == "kept"]
        return {"kept_so_far": float(len(self._kept[-self._config.newest :]))}

    @sparq.hookimpl
    def curate(self, ledger: sparq.Reader) -> Iterator[sparq.Example]:
        """Take some correct attempts at each kept problem."""
        for solved in ledger.solved():
            for attempt in solved.correct[: self._config.solutions]:
                yield sparq.Example(problem=solved.child.problem.id, attempt=attempt)

    @sparq.hookimpl
    def train(self, dataset: Path, weights: sparq.Model, out: Path) -> None:
        """Stand for a training: the weights are copied as they are, with a note of what they were to be trained on."""
        shutil.copytree(weights.path, out, dirs_exist_ok=True)
        with dataset.open(encoding="utf-8") as rows:
            note = {"rows": sum(1 for _ in rows), "epochs": self._config.epochs}
        (out / "trained.json").write_text(json.dumps(note), encoding="utf-8")

    @sparq.hookimpl
    def benchmark(
        self, sampler: sparq.Sampler, verify: Callable[[Sequence[sparq.Trial]], Sequence[sparq.Verdict]]
    ) -> list[sparq.Score]:
        """Ask the model some sums once each, and the pipeline's verifiers what its answers are worth."""
        problems = [
            sparq.Problem(id=str(i), statement=f"What is {i} + {i}?", answer=str(2 * i))
            for i in range(self._config.problems)
        ]
        verdicts = verify([attempted(problem, sampler) for problem in problems])
        return [
            sparq.Score(task="sums", item=problem.id, value=float(verdict.value == "correct"))
            for problem, verdict in zip(problems, verdicts, strict=True)
        ]

    @sparq.hookimpl
    def benchmark_texts(self) -> Iterator[sparq.BenchmarkText]:
        """Give the statements of a benchmark, which must not be trained on."""
        for i in range(self._config.problems):
            yield sparq.BenchmarkText(task="sums", text=f"What is {i} + {i}?")

    @sparq.hookimpl
    def audit(self, problems: Sequence[sparq.Problem]) -> list[sparq.Verdict | None]:
        """Find statements invalid that are too short to ask anything, and have no opinion of others."""
        short = sparq.Verdict(value="incorrect", reason="too few words")
        return [short if len(p.statement.split()) < self._config.min_words else None for p in problems]

    @sparq.hookimpl
    def observe(self, event: sparq.Event) -> None:
        """Log the steps."""
        if isinstance(event, sparq.StepCommitted) and event.step % self._config.every == 0:
            log.info("step %d.%d is in the ledger", event.round, event.step)

    @sparq.hookimpl
    def stop(self) -> None:
        """Remove the folder that `start` made."""
        if self._scratch is not None:
            shutil.rmtree(self._scratch)


def read_draft(parent: sparq.Problem, answer: sparq.Recorded) -> sparq.Draft:
    """The problem in a completion, or why there is none."""
    statement, reference = (
        between(answer.text, "<problem>", "</problem>"),
        between(answer.text, "<answer>", "</answer>"),
    )
    unparsed = "" if statement and reference else "no <problem> or no <answer>"
    return sparq.Draft(
        statement=statement,
        answer=reference or None,
        parents=(parent.id,),
        operator="rewritten",
        ordinal=answer.ordinal,
        unparsed=unparsed,
    )


def between(text: str, opening: str, closing: str) -> str:
    """What stands between two marks, empty where one of them is missing."""
    _, opened, rest = text.partition(opening)
    inside, closed, _ = rest.partition(closing)
    return inside.strip() if opened and closed else ""


class Parrot:
    """A model that says the same to everything."""

    deterministic = True

    def __init__(self, path: str, answer: str) -> None:
        self.digest = f"{path} says {answer}"
        self._answer = answer

    def sample(self, requests: Sequence[sparq.Request]) -> list[list[sparq.Completion]]:
        """`n` completions a request, in the order of the requests."""
        answer = sparq.Completion(text=self._answer, finish="stop", tokens=len(self._answer.split()))
        return [[answer] * request.n for request in requests]

    def close(self) -> None:
        """Nothing to free."""


class InWaves:
    """All K attempts, some at a time, so that no rate is biased."""

    of_parents = False

    def __init__(self, k: int, wave: int) -> None:
        self._k, self._wave = k, wave

    def more(self, counts: sparq.Counts, parents: sparq.Counts) -> int:  # noqa: ARG002 -- as the protocol has it
        """Attempts of the next wave; 0 when there were enough."""
        return min(self._wave, self._k - counts.drawn)

    def gave_up(self, counts: sparq.Counts, parents: sparq.Counts) -> bool:  # noqa: ARG002 -- as the protocol has it
        """Never: nothing ends early."""
        return False

    def solve_rate(self, counts: sparq.Counts, parents: sparq.Counts) -> float | None:  # noqa: ARG002 -- as the protocol has it
        """Correct of decided, since no attempt was left out for how others came out."""
        return counts.solve_rate


def attempted(problem: sparq.Problem, sampler: sparq.Sampler) -> sparq.Trial:
    """One greedy attempt at a problem."""
    sampling = sparq.Sampling(temperature=0.0, max_tokens=512)
    request = sparq.Request(messages=(sparq.Message("user", problem.statement),), seed=0, sampling=sampling)
    ((said,),) = sampler.sample([request])
    attempt = sparq.Attempt(k=0, seed=0, text=said.text, finish=said.finish, tokens=said.tokens)
    return sparq.Trial(problem, attempt)
