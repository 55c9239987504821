"""What a run asks of a plugin, hook by hook."""

import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice, product
from pathlib import Path
from random import Random
from typing import Any

from msgspec import Struct, field

from sparq_core import hookspecs
from sparq_core.contract.errors import NoParents
from sparq_core.contract.records import BenchmarkText, Counts, Message, Problem, Step
from sparq_core.contract.run import Run
from sparq_core.contract.sampling import Completion, Place, Request, Sampler, Sampling
from sparq_core.hookspecs import hookimpl
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.discovery import Member
from sparq_core.pipeline.guards import GuardedSampler, Rationing
from sparq_core.testing.asking import alike, answers_again, answers_at_once, parts
from sparq_core.testing.rehearsal import MODEL, AnyAssess, Rehearsal, member, rehearse, run_of
from sparq_core.testing.scripted import Scripted, ScriptedConfig, ScriptedSampler
from sparq_core.testing.trials import bad_models, boxed_is_right, cases, trials, with_and_without_answer
from sparq_core.testing.untried import unkept, untried

Spec = Callable[..., Any]
AskModel = Callable[[Sampler, Sequence[Any]], Sequence[Any]]
REPLAYED = (hookspecs.admit, hookspecs.commit, hookspecs.select)
"""The hooks that are asked again when a run is resumed, or that answer from what they were told in it."""
MOST = 20
"""Seeds and benchmark texts that are looked at."""


class Stage(Struct, frozen=True):
    """A plugin among stand-ins for what it needs."""

    plugin: Member
    cast: Cast
    run: Run
    untried: list[str] = field(default_factory=list)
    """What the plugin's answers have left open."""

    def answers(self, *specs: Spec) -> bool:
        """Whether the plugin, and no stand-in, answers one of these hooks."""
        return self.plugin.answers(*specs)

    def heard(self, spec: Spec, answers: Sequence[Any]) -> None:
        """Note what the plugin's answers to a hook leave open."""
        if self.answers(spec):
            self.untried.extend(untried(spec, answers))
        if spec is hookspecs.describe:
            self.untried.extend(unkept(self.plugin.describes() or (), answers))


def play(
    plugin: object, others: Sequence[object], problems: Sequence[Problem], sampler: Sampler | None, model: str | None
) -> list[str]:
    """
    Ask a plugin all that a run does, and say what its answers leave open.

    Of two `others` of its kind, if any, one is told what it would be when the run is resumed, one loads the plugin's state.
    """
    rehearsal = rehearse(problems)
    with closing(rehearsal.ledger):
        with _on_stage(plugin, model) as stage:
            _ask_seeds(stage)
            _ask_with_models(stage, problems, sampler or ScriptedSampler())
            _ask_of_attempts(stage, problems)
            _ask_for_examples(stage, rehearsal)
            if model is not None:
                _ask_for_a_model(stage, rehearsal)
            _show(stage, rehearsal)
            told = _tell(stage, rehearsal.steps)
            state = _saved(stage) if others else None
            more = _told_once_more(stage, rehearsal.steps)
        if others:
            with _on_stage(others[0], model) as other:
                again = _tell(other, rehearsal.steps)
            alike(
                told, again, "another of its kind, told the same steps, answers otherwise; a run could not be resumed"
            )
        if state is not None:
            with _on_stage(others[1], model) as other:
                other.cast.load_state(other.plugin.name, io.BytesIO(state))
                again = _told_once_more(other, rehearsal.steps)
            alike(more, again, "another of its kind that loads its state answers otherwise; a run could not be resumed")
        return stage.untried


@contextmanager
def _on_stage(plugin: object, model: str | None) -> Iterator[Stage]:
    """A plugin, started; stopped at the end, whatever happens."""
    samples = member(plugin).answers(hookspecs.sampler)
    played = member(plugin, MODEL) if samples else member(plugin)
    others = [] if samples else [member(Scripted(ScriptedConfig()), MODEL)]
    if not played.answers(hookspecs.assess):
        others.append(member(AnyAssess()))
    if played.answers(hookspecs.benchmark_texts):
        others.append(member(_TakesTexts()))
    stage = Stage(played, Cast([played, *others]), run_of(played.name, model=model or "scripted"))
    begun: list[Member] = []
    stage.cast.check(stage.run)
    try:
        stage.cast.start(stage.run, lambda _: None, begun)
        yield stage
    finally:
        stage.cast.stop(stage.run, begun, _fail)


class _TakesTexts:
    """Asks for the texts of benchmarks, as a plugin does that turns away what is like them."""

    @hookimpl
    def start(self, benchmark_texts: Callable[[], Iterable[BenchmarkText]]) -> None:
        list(islice(benchmark_texts(), MOST))


def _fail(message: str) -> None:
    raise AssertionError(message)


# -- in a step, concurrently -------------------------------------------------------------------------------------------


def _ask_with_models(stage: Stage, problems: Sequence[Problem], sampler: Sampler) -> None:
    """The hooks that may ask a model: with the one given, and with ones that answer badly, which is no exception."""
    cast, met = stage.cast, cases(problems)
    hooks: list[tuple[Spec, AskModel, Sequence[Any]]] = [
        (hookspecs.propose, lambda model, batch: cast.propose(_place(model), batch), problems),
        (hookspecs.screen, lambda model, batch: cast.screen(_place(model), batch), problems),
        (hookspecs.describe, lambda model, batch: cast.describe(_place(model), batch), met),
        (hookspecs.audit, partial(_audit, cast), with_and_without_answer(problems)),
    ]
    for spec, ask, batch in hooks:
        if stage.answers(spec):
            whole, *_ = answers_at_once(spec.__name__, [partial(ask, sampler, part) for part in parts(batch)])
            stage.heard(spec, whole)
            for does, model in bad_models():
                answers = _asked(ask, model, batch, does)
                if spec is hookspecs.propose:
                    _check_drafts([draft for _, draft in answers], len(whole), does)


def _place(sampler: Sampler) -> Place:
    return Place(0, 1, 1, lambda _: sampler)


def _audit(cast: Cast, sampler: Sampler, problems: Sequence[Problem]) -> Sequence[Any]:
    auditor = _place(sampler).llm(hookspecs.audit.__name__, "check")("auditor")
    return cast.audit("check", problems, auditor, boxed_is_right)


def _asked(ask: AskModel, model: Sampler, batch: Sequence[Any], does: str) -> Sequence[Any]:
    try:
        return ask(model, batch)
    except Exception as error:
        raise AssertionError(f"with a model that {does}: {error}") from error


def _check_drafts(drafts: Sequence[Any], expected: int, does: str) -> None:
    assert len(drafts) == expected, (
        f"{hookspecs.propose.__name__} gives {len(drafts)} drafts with a model that {does}, {expected} with another; one for "
        "every expected child, with `unparsed` where it cannot be read"
    )


def _ask_of_attempts(stage: Stage, problems: Sequence[Problem]) -> None:
    """The hooks that say what attempts are worth, from what they are given alone."""
    cast = stage.cast
    if stage.answers(hookspecs.verify):
        judge = partial(cast.verify, "check")
        whole, *_ = answers_at_once(hookspecs.verify.__name__, [partial(judge, p) for p in parts(trials(problems))])
        stage.heard(hookspecs.verify, whole)
    if stage.answers(hookspecs.assess):
        assess = partial(cast.assess, "check")
        answers_at_once(hookspecs.assess.__name__, [partial(assess, part) for part in parts(cases(problems))])
    if stage.answers(hookspecs.policy):
        policy = cast.policy(stage.run)
        answers_at_once(hookspecs.policy.__name__, [partial(_rationed, policy, stage.run.pipeline.attempts.k)])


def _rationed(rationing: Rationing, k: int) -> list[object]:
    """What a policy says of every way in which attempts may come out, at children of parents solved often or rarely."""
    said: list[object] = []
    for values, parents in product(product("ciu", repeat=k), (Counts(), Counts(7, 1), Counts(0, 8))):
        ration, counts = rationing.ration(k, parents), Counts()
        while n := ration.more(counts):
            seen = [values[i] for i in range(counts.drawn + n)]
            counts = Counts(seen.count("c"), seen.count("i"), seen.count("u"))
        said.append((counts.drawn, ration.gave_up(counts), ration.solve_rate(counts)))
    return said


# -- in the engine's thread --------------------------------------------------------------------------------------------


def _ask_seeds(stage: Stage) -> None:
    if stage.answers(hookspecs.load_seeds):
        ask = lambda: list(islice(stage.cast.load_seeds(stage.run), MOST))  # noqa: E731 -- a question
        (seeds,) = answers_again(hookspecs.load_seeds.__name__, [ask])
        stage.heard(hookspecs.load_seeds, seeds)


def _tell(stage: Stage, steps: Sequence[Step]) -> list[Any]:
    """What a plugin says of a run's steps, in their order: all that is asked again when the run is resumed."""
    cast, told, known = stage.cast, list[Any](), dict[str, Problem]()
    admitted, chosen = list[Any](), list[Problem]()
    for step in steps:
        read = [child.problem for child in step.children if not (child.rejection and child.rejection.unread)]
        rejections = cast.admit("check", read)
        told, admitted = [*told, rejections, cast.commit(step)], admitted + rejections
        known |= {child.problem.id: child.problem for child in step.children if child.outcome != "rejected"}
        if stage.answers(hookspecs.select):
            (parents,) = answers_again(hookspecs.select.__name__, [partial(_selected, cast, known)])
            told, chosen = [*told, parents], chosen + parents
    stage.heard(hookspecs.admit, admitted)
    stage.heard(hookspecs.select, chosen)
    return told


def _saved(stage: Stage) -> bytes | None:
    """The state of a plugin that can save it."""
    if not (stage.answers(hookspecs.admit, hookspecs.commit) and stage.cast.saves_state):
        return None
    file = io.BytesIO()
    stage.cast.save_state(stage.plugin.name, file)
    return file.getvalue()


def _told_once_more(stage: Stage, steps: Sequence[Step]) -> list[Any]:
    """What a plugin that knows these steps says when it is told the last one again: it shows what it remembers."""
    cast, children = stage.cast, [child for step in steps for child in step.children]
    read = [child.problem for child in steps[-1].children if not (child.rejection and child.rejection.unread)]
    said: list[Any] = [cast.admit("check", read), cast.commit(steps[-1])]
    known = {child.problem.id: child.problem for child in children if child.outcome != "rejected"}
    return [*said, _selected(cast, known)] if stage.answers(hookspecs.select) else said


def _selected(cast: Cast, known: dict[str, Problem]) -> list[Problem]:
    """Some parents; none where no problem may be one, which is an answer, too."""
    try:
        return cast.select(Place(0, 1, 1), 5, [], lambda ids: [known[id_] for id_ in ids])
    except NoParents:
        return []


def _ask_for_examples(stage: Stage, rehearsal: Rehearsal) -> None:
    if stage.answers(hookspecs.curate):
        ask = lambda: list(stage.cast.curate(rehearsal.ledger, 1, Random(0)))  # noqa: E731, S311 -- a question; not cryptography
        (examples,) = answers_again(hookspecs.curate.__name__, [ask])
        stage.heard(hookspecs.curate, examples)


def _show(stage: Stage, rehearsal: Rehearsal) -> None:
    tell = stage.cast.observers(_fail)
    for event in rehearsal.events:
        tell(event)


# -- with a model ------------------------------------------------------------------------------------------------------


def _ask_for_a_model(stage: Stage, rehearsal: Rehearsal) -> None:
    """The hooks that open, score or make a model."""
    cast, model = stage.cast, stage.run.models["student"]
    if stage.answers(hookspecs.sampler):
        with closing(cast.sampler(model)) as sampler:
            _sample(sampler)
    with tempfile.TemporaryDirectory() as folder:
        if stage.answers(hookspecs.benchmark):
            cast.benchmark(0, stage.run, model, Path(folder, "logs"))
        if stage.answers(hookspecs.train):
            dataset, out = Path(folder, "dataset.jsonl"), Path(folder, "model")
            turns = [{"role": "user", "content": "What is 1 + 1?"}, {"role": "assistant", "content": "\\boxed{2}"}]
            dataset.write_text(json.dumps({"messages": turns}) + "\n", encoding="utf-8")
            out.mkdir()
            cast.train(1, dataset, model, out, 0, stage.run, rehearsal.ledger)


def _sample(sampler: GuardedSampler) -> None:
    """Two requests, of which one asks twice; a sampler that calls itself deterministic answers the same again."""
    requests = [
        Request(messages=(Message("user", f"What is {i} + 1?"),), seed=i, n=1 + i, sampling=Sampling(max_tokens=8))
        for i in range(2)
    ]
    ask: Callable[[], list[list[Completion]]] = lambda: sampler.sample(requests)  # noqa: E731 -- a question
    assert not sampler.sample([]), f"{hookspecs.sampler.__name__}: no request is answered with something"
    if sampler.deterministic:
        answers_at_once(hookspecs.sampler.__name__, [ask])
    else:
        ask()
