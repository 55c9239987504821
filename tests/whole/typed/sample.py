"""
The public API as a stranger's type checker sees it: every public name is used, and each mistake must be one to the checker.

Never run: tests/whole/test_public_types.py checks a copy of it outside of the repository, by mypy and pyright, both strict.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Annotated, Any, assert_type

from msgspec import Meta, Struct

import sparq_core as sparq
from sparq_core.testing import Ran, ScriptedSampler, SimulatedSampler, check_plugin, problem, run_pipeline


class Config(sparq.Sampling, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of every kind."""

    file: sparq.InputFile
    role: sparq.Role = "labeller"
    key: sparq.Descriptor = "skills"
    count: Annotated[sparq.Positive, sparq.FREE, Meta(description="Some.")] = 1
    more: sparq.NonNegative = 0
    share: sparq.Share = 0.5
    axes: Mapping[str, sparq.Axis] = {}


class Every:
    """Answers hooks with all that they exchange."""

    _run: sparq.Run

    def __init__(self, config: Config) -> None:
        self._config = config

    @sparq.hookimpl
    def check(self, run: sparq.Run, model: sparq.Model | None) -> Iterable[sparq.Finding]:
        assert_type(run.model_of("solver"), sparq.Model)
        assert_type(run.pipeline, sparq.Pipeline)
        if model is not None:
            yield from sparq.folder_findings(model)
            yield from sparq.hub_findings(model)
        sparq.check_template("{{ problem.statement }}", "place", problem=sparq.DUMMY_PROBLEM)

    @sparq.hookimpl
    def sampler(self, model: sparq.Model) -> sparq.Sampler:
        inner = sparq.InnerSampler("scripted", {"delay": 0.0}, model, self._run)
        assert_type(inner.check(), list[sparq.Finding])
        assert_type(sparq.InnerSampler.heeds_dropout("hf"), bool)
        with inner.opened(print) as sampler:
            return sampler

    @sparq.hookimpl
    def load_seeds(self) -> Iterator[sparq.Draft]:
        for line in sparq.json_lines(self._config.file):
            assert_type(line, sparq.Line)
            yield sparq.Draft(statement=str(line.row), answer=sparq.marked_answer("#### 1"))
        assert_type(sparq.text_lines(self._config.file), Iterator[tuple[int, str]])

    @sparq.hookimpl
    def propose(self, parents: Sequence[sparq.Problem], llm: sparq.Llm, rng: Random) -> list[sparq.Draft]:
        model = llm("generator")
        assert_type(model, sparq.RoleModel)
        answers = model.complete([parent.statement for parent in parents], self._config)
        assert_type(answers, list[sparq.Recorded])
        assert_type(answers[0].finish, sparq.Finish)
        return [sparq.Draft(parents=(parents[0].id,), ordinal=answer.ordinal, unparsed="no") for answer in answers]

    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict | None]:
        attempts = [trial.attempt for trial in trials]
        assert_type(attempts, list[sparq.Attempt])
        value: sparq.Value = "correct"
        return [
            sparq.Verdict(value=value, answer=sparq.last_boxed(attempt.text) or sparq.last_code_block(attempt.text))
            for attempt in attempts
        ]

    @sparq.hookimpl
    def assess(self, cases: Sequence[sparq.Case]) -> list[sparq.Assessment]:
        assert_type(cases[0].judged, tuple[sparq.Judged, ...])
        return [sparq.Assessment(outcome=self.decide(case.counts)) for case in cases]

    def decide(self, counts: sparq.Counts) -> sparq.Outcome:
        assert_type(counts.solve_rate, float | None)
        return "kept"

    @sparq.hookimpl
    def policy(self, decide: sparq.Decide) -> sparq.Policy:
        assert_type(decide(sparq.Counts(1, 2, 3)), sparq.Outcome)
        return Waves()

    @sparq.hookimpl
    def commit(self, step: sparq.Step) -> dict[str, float]:
        child = step.children[0]
        assert_type(child, sparq.Child)
        assert_type(child.rejection, sparq.Rejection | None)
        niches = sparq.Niches({"words": sparq.Axis(bins=3)})
        niche = niches.of(child.descriptors)
        assert_type(niche, sparq.Niche)
        return {"labels": float(len(sparq.labels_of(niche)))}

    @sparq.hookimpl
    def curate(self, ledger: sparq.Reader) -> Iterator[sparq.Example]:
        for solved in ledger.solved():
            assert_type(solved, sparq.Solved)
            yield sparq.Example(problem=solved.child.problem.id, attempt=solved.correct[0])
            for pair in sparq.matched_pairs(ledger.judged(solved.child.problem.id), most=1):
                assert_type(pair, sparq.Pair)

    @sparq.hookimpl
    def benchmark(
        self, sampler: sparq.Sampler, verify: Callable[[Sequence[sparq.Trial]], Sequence[sparq.Verdict]]
    ) -> list[sparq.Score]:
        request = sparq.Request(messages=(sparq.Message("user", "1?"),), seed=1, sampling=sparq.Sampling())
        assert_type(sampler.sample([request]), Sequence[Sequence[sparq.Completion]])
        interval = sparq.proportion([0.0, 1.0])
        assert_type(interval, sparq.Interval)
        return [sparq.Score(task="t", item="1", value=interval.low)]

    @sparq.hookimpl
    def benchmark_texts(self) -> list[sparq.BenchmarkText]:
        return [sparq.BenchmarkText(task="t", text=text) for text in sparq.strings_in({"a": ["b"]})]

    @sparq.hookimpl
    def train(self, dataset: Path, weights: sparq.Model, out: Path, ledger: sparq.Reader) -> dict[str, float]:
        assert_type(sparq.weights_digest(weights.path), str)
        assert_type(sparq.is_named(weights.path, "x"), bool)
        if folder := sparq.folder_of(weights.path):
            tensors = sparq.tensors_of(folder / "model.safetensors")
            assert_type(tensors, dict[str, sparq.Tensor])
            assert_type(tensors["a"].shape, tuple[int, ...])
        sparq.run_worker("worker", {"dataset": str(dataset)}, out / "log")
        assert_type(sparq.descendants(1), set[int])
        sparq.end_descendants(1)
        assert_type(sparq.template_names("{{ seed }}", "with.run"), set[str])
        with sparq.output(out / "rows.jsonl", "--out", ["a"]) as path:
            assert_type(path, Path)
        if not list(ledger.solved()):
            raise sparq.NothingToTrainOn("round 1: nothing; widen the band")
        return {"loss": 0.5}

    @sparq.hookimpl
    def observe(self, event: sparq.Event) -> None:
        match event:
            case sparq.RunStarted(tally=tally) | sparq.StepCommitted(tally=tally) | sparq.RunEnded(tally=tally):
                assert_type(tally, sparq.Tally)
            case sparq.RoundStarted() | sparq.PhaseStarted() | sparq.PhaseFinished():
                assert_type(event.round, int)
            case sparq.Warned():
                assert_type(event.message, str)


class Waves:
    """A policy, by its methods alone."""

    of_parents = False

    def more(self, counts: sparq.Counts, parents: sparq.Counts) -> int:
        return counts.drawn + parents.drawn

    def gave_up(self, counts: sparq.Counts, parents: sparq.Counts) -> bool:
        return counts.drawn > parents.drawn

    def solve_rate(self, counts: sparq.Counts, parents: sparq.Counts) -> float | None:
        return (counts + parents).solve_rate


def helpers() -> None:
    """Functions and errors."""
    assert_type(sparq.derive("a", 1), int)
    assert_type(sparq.generator("a", 1), Random)
    assert_type(sparq.near_mean([0.1, 0.9], 0.5, 0.1, Random(1), most=1), list[int])
    assert_type(sparq.curriculum([0.1, 0.9], 2, 1, 0.9, 0.1, 0.1, Random(1)), list[list[int]])
    assert_type(sparq.render("{{ x }}", "place", x=1), str)
    assert_type(sparq.named_template("paper", {"paper": "x"}), str)
    assert_type(sparq.inert("x") + sparq.shortened("x") + sparq.nearest("x", ["y"]), str)
    assert_type(sparq.from_settings(["a=1"], Options, "--option"), Options)
    assert_type(sparq.Vocabulary(object(), [0]).left_out(1, 0.1, ["END"]), list[int])
    errors: list[type[sparq.SparqError]] = [sparq.PipelineError, sparq.PluginError, sparq.NoParents]
    raise errors[0]("place: thing; remedy")


def main(job: dict[str, Any]) -> None:
    """What a worker does."""
    del job


class Options(Struct, frozen=True):
    """Options of a command."""

    a: int = 1


sparq.serve(main)


def tests(folder: Path, sampler: ScriptedSampler | SimulatedSampler) -> None:
    """Help for tests."""
    check_plugin(Every(Config(file="x")), problems=[problem(1, extra={"a": 1})], sampler=sampler, model="x")
    ran = run_pipeline({"name": "x"}, folder, resume=True)
    assert_type(ran, Ran)
    assert_type(ran.read(), sparq.Reader)


def mistakes(problem: sparq.Problem) -> None:
    """What a checker must not let pass."""
    sparq.Problem(statement="no id")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    sparq.Verdict(value="right")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    sparq.Draft("by position")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    sparq.Score(task="t", item="1", value="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    problem.statement = "frozen"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    policy: sparq.Policy = Every(Config(file="x"))  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    del policy
