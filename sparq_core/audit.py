"""How valid the problems of a run are: a sample of each solve rate, judged by a second model or a program."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sparq_core import hookspecs
from sparq_core.contract.config import ModelConfig, Pipeline
from sparq_core.contract.errors import PipelineError, nearest
from sparq_core.contract.events import Event, Warned
from sparq_core.contract.records import Outcome, Problem, Verdict
from sparq_core.contract.run import Run
from sparq_core.contract.sampling import Completion, Llm
from sparq_core.ledger import overview
from sparq_core.ledger.findings import VERDICTS, Audited, Findings
from sparq_core.ledger.overview import Rated
from sparq_core.ledger.reader import GRADING, Reader
from sparq_core.ledger.validity import EDGES, Overall, Stratum, by_bin, overall, sampled
from sparq_core.loop.serving import Samplers
from sparq_core.loop.session import started
from sparq_core.pipeline.assembly import load_graders
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.discovery import Member, build
from sparq_core.pipeline.file import given
from sparq_core.pipeline.identity import settings_of
from sparq_core.pipeline.prepare import Prepared, resolve_models, warnings_of, with_digests
from sparq_core.pipeline.settings import convert
from sparq_core.replay import alone_at

AUDITOR = "auditor"
"""The role that the second model plays, and its name where it has none."""
BATCH = 32
"""Problems that a plugin is given at once: a killed audit has lost what it learned of at most so many."""
ATTEMPTED: tuple[Outcome, ...] = ("kept", "out-of-band", "disputed", "unresolved")


class Sample(Struct, frozen=True, kw_only=True):
    """Which problems are audited."""

    edges: tuple[float, ...] = EDGES
    """Where the solve rates between 0 and 1 are cut, ascending."""
    per_bin: int = 100
    """Most problems of each bin."""
    outcomes: tuple[Outcome, ...] = ATTEMPTED
    round: int | None = None
    """All rounds where none is given; round 0 is the seeds, which are audited only where it is."""
    seed: int = 0
    grading: int = GRADING

    def __post_init__(self) -> None:
        bounds = [0.0, *self.edges, 1.0]
        if any(low >= high for low, high in pairwise(bounds)):
            told = ",".join(f"{edge:g}" for edge in self.edges)
            raise PipelineError(f"--bins {told}: edges must ascend and lie between 0 and 1, as in 0.25,0.5,0.75")


class Audit(Struct, frozen=True):
    """What an audit came to."""

    path: Path
    """The file of the findings."""
    strata: list[Stratum]
    overall: Overall
    left_out: dict[str, int]
    """Problems that are no part of it, by what became of them; `rejected` ones were never attempted."""
    asked: int
    """Problems that this call had judged; the others were in the file already."""
    tokens: int
    """Sampled for them."""
    warnings: list[str]


def audit(
    folder: Path,
    sample: Sample,
    use: str,
    settings: Sequence[str],
    model: str | None,
    tell: Callable[[int, int], None] = lambda _done, _of: None,
) -> Audit:
    """
    Have a sample of a run's problems judged by the plugin `use`, and estimate the validity of all.

    `settings` are its options as `name=value`; `model` names one of the run's models, or is an entry as `models` of a pipeline
    has it. Findings go to a file in the run folder; the same question goes on with its file, where nothing is asked twice.
    `tell` hears how many problems are judged, of how many. PipelineError for a wrong option, before anything is asked.
    """
    with Reader.open(folder, sample.grading) as ledger:
        auditor = Auditor(ledger, folder, use, settings, model)
        with ledger.snapshot():
            digest, population = ledger.last_digest(), overview.rated(ledger, sample.round)
            rejected = overview.turned_away(ledger, sample.round)
        strata = by_bin([problem for problem in population if problem.outcome in sample.outcomes], sample.edges)
        drawn = sampled(strata, sample.per_bin, sample.seed)
        if not drawn:
            raise PipelineError(f"{folder}: has no such problem to audit; " + _there(population))
        with Findings(folder, {"run": digest, "sample": sample, **auditor.settings()}) as findings:
            before = len(findings.rows)
            tell(before, len(drawn))
            if before < len(drawn):
                with auditor.at_work(sample.seed) as judge:
                    for rows in _judged(ledger, drawn, findings, judge):
                        findings.add(rows)
                        tell(len(findings.rows), len(drawn))
    judged = [Stratum(name, len(problems), findings.counts(name)) for name, problems in strata.items() if problems]
    others: dict[str, int] = {name: n for name, n in _by_outcome(population).items() if name not in sample.outcomes}
    return Audit(
        path=findings.path,
        strata=judged,
        overall=overall(judged),
        left_out=({"rejected": rejected} if rejected else {}) | others,
        asked=len(findings.rows) - before,
        tokens=auditor.tokens,
        warnings=auditor.warnings,
    )


def _there(population: Sequence[Rated]) -> str:
    return "it has " + (", ".join(f"{n:,} {name}" for name, n in _by_outcome(population).items()) or "none attempted")


def _by_outcome(population: Sequence[Rated]) -> dict[Outcome, int]:
    counts = Counter(problem.outcome for problem in population)
    return {name: counts[name] for name in ATTEMPTED if counts[name]}


Judge = Callable[[int, Sequence[Problem]], list[Verdict]]
"""Says of the problems of a batch, by its number, whether they are valid."""


def _judged(
    ledger: Reader, drawn: Sequence[tuple[str, Rated]], findings: Findings, judge: Judge
) -> Iterator[list[Audited]]:
    """The findings still missing, batch by batch; batches do not depend on where an audit was interrupted."""
    for first in range(0, len(drawn), BATCH):
        missing = [(name, rated) for name, rated in drawn[first : first + BATCH] if rated.id not in findings.rows]
        if not missing:
            continue
        problems = [ledger.child(rated.id).problem for _, rated in missing]
        verdicts = judge(first // BATCH + 1, problems)
        yield [
            Audited(
                id=problem.id,
                bin=name,
                solve_rate=rated.solve_rate,
                outcome=rated.outcome,
                verdict=VERDICTS[verdict.value],
                reason=verdict.reason,
                reference=problem.answer,
                answer=verdict.answer,
            )
            for (name, rated), problem, verdict in zip(missing, problems, verdicts, strict=True)
        ]


class Auditor:
    """The plugin that audits, the model it asks and the run's verifiers, as far as it names them."""

    def __init__(self, ledger: Reader, folder: Path, use: str, settings: Sequence[str], model: str | None) -> None:
        described, pipeline = ledger.run(), ledger.pipeline()
        member, alone = alone_at(use, settings, hookspecs.audit, "second-opinion", folder)
        asks_model, asks_verifiers = (
            alone.asks(hookspecs.audit, name) for name in (AUDITOR, hookspecs.verify.__name__)
        )
        if asks_model and model is None:
            raise PipelineError(
                f"--use {use}: asks a second model; name one of the run's by --model ({', '.join(pipeline.models)}), or give "
                "one: --model '{use: hf, model: path/to/model}'"
            )
        if model is not None and not asks_model:
            raise PipelineError(f"--model: '{use}' asks no model; leave it out")
        self.tokens, self.warnings = 0, list[str]()
        base = described.base_or(folder)
        self._graders = load_graders(pipeline, base) if asks_verifiers else None
        self._cast, self._run = alone, Run(pipeline=pipeline, base=base, folder=folder, models={})
        if model is not None:
            name, config, home = _named(model, pipeline, base)
            self._cast = Cast([member, _sampler(name, config, home)])
            models = resolve_models(replace(pipeline, models={name: config}), home)
            self._run = with_digests(replace(self._run, models=models), folder)
        self.warnings += [f"{f.place}: {f.message}" for f in warnings_of(Prepared(self._run, self._cast, ""))]

    def settings(self) -> dict[str, Any]:
        """What its verdicts depend on."""
        return {
            "auditor": settings_of(self._cast),
            "model": list(self._run.models.values()),
            "verifiers": settings_of(self._graders) if self._graders else {},
        }

    @contextmanager
    def at_work(self, seed: int) -> Iterator[Judge]:
        """The judge, while its plugins are started; the model is opened when it is first asked."""
        samplers = Samplers(self._cast, lambda _: None, lambda: None, self._drew)
        for model in self._run.models.values():
            samplers.roles[AUDITOR] = model
        verify = self._graders.verify if self._graders else NotImplemented
        (member,) = self._cast.answering(hookspecs.audit)

        def judge(number: int, problems: Sequence[Problem]) -> list[Verdict]:
            when = f"batch {number}"
            llm = Llm((seed, number), hookspecs.audit.__name__, member.name, samplers.serve)
            return self._cast.audit(when, problems, llm(AUDITOR), lambda trials: verify(when, trials))

        with ExitStack() as stack:
            for cast in (self._cast, self._graders):
                if cast:
                    stack.enter_context(started(self._run, cast, self._warn))
            stack.enter_context(closing(samplers))
            yield judge

    def _drew(self, _: str, answers: Sequence[Sequence[Completion]]) -> None:
        self.tokens += sum(completion.tokens for completions in answers for completion in completions)

    def _warn(self, event: Event) -> None:
        if isinstance(event, Warned):
            self.warnings.append(event.message)


def _named(model: str, pipeline: Pipeline, base: Path) -> tuple[str, ModelConfig, Path]:
    """The model that `--model` means: its name, its settings, and the folder that its paths start from."""
    value = given([f"{AUDITOR}={model}"], "--model")[AUDITOR]
    if isinstance(value, dict):
        return AUDITOR, convert(value, ModelConfig, "--model"), Path.cwd()
    if value not in pipeline.models:
        hint = nearest(str(value), pipeline.models)
        raise PipelineError(f"--model: the run has no model '{value}'; {hint}, or give one: {{use: hf, model: …}}")
    return value, pipeline.models[value], base


def _sampler(name: str, config: ModelConfig, base: Path) -> Member:
    """The plugin that serves a model."""
    place = f"models.{name}"
    member = build(config.use, config.options, place, base)
    if not member.answers(hookspecs.sampler):
        raise PipelineError(f"--model: plugin '{config.use}' is not a sampler; e.g. hf is one")
    return replace(member, name=place)
