"""
The cast of a run: its plugins in YAML order, called through one typed method a hook.

This is the one place that calls plugins (`calls`). Each method merges what several plugins answer as the hook's page says, and
holds every answer to the contract of its hook (`checks`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from inspect import signature
from pathlib import Path
from random import Random
from typing import IO, Any

import pluggy
from msgspec.structs import replace

from sparq_core import hookspecs
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.events import Event
from sparq_core.contract.messages import raised
from sparq_core.contract.policy import Decide
from sparq_core.contract.records import (
    Assessment,
    BenchmarkText,
    Case,
    Draft,
    Example,
    Finding,
    Model,
    Problem,
    Rejection,
    Score,
    Step,
    Trial,
    Verdict,
)
from sparq_core.contract.run import Run
from sparq_core.contract.sampling import Place, RoleModel
from sparq_core.contract.weights import weights_files
from sparq_core.ledger.reader import Reader
from sparq_core.pipeline.calls import Call
from sparq_core.pipeline.checks import (
    Kinds,
    Untouched,
    aligned,
    as_dicts,
    batches,
    check_assessment,
    checked_draft,
    contents_of,
    extra_of,
    extra_of_case,
    finite,
    metrics_in,
    nothing,
    proposed,
    records,
    rejection_for,
    streamed,
    unite,
)
from sparq_core.pipeline.discovery import Member
from sparq_core.pipeline.guards import GuardedSampler, Rationing

Spec = Callable[..., Any]
Verify = Callable[[Sequence[Trial]], list[Verdict]]
UNVERIFIED = Verdict(value="unknown", reason="unverified")
UNAUDITED = Verdict(value="unknown", reason="no opinion")


def _misfit(member: Member, error: Exception) -> str:
    """What a method asks for that its hook has not; pluggy's own words where it is something else."""
    for hook in member.hooks():
        given = list(signature(getattr(hookspecs, hook)).parameters)
        strange = [name for name in signature(getattr(member.plugin, hook)).parameters if name not in given]
        if strange:
            return f"`{hook}` may name {', '.join(given)}; it names '{strange[0]}'"
    return str(error)


class Cast:
    """The plugins of one run."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = list(members)
        self._manager = pluggy.PluginManager("sparq")
        self._manager.add_hookspecs(hookspecs)
        for member in members:
            try:
                self._manager.register(member.plugin, name=member.name)
            except pluggy.PluginValidationError as error:
                raise PipelineError(
                    f"{member.place}: plugin '{member.name}' does not fit its hook: {_misfit(member, error)}"
                ) from error
        self._kinds = Kinds()
        self._relays = {
            hook: [(m, self._relay(hook, m)) for m in members if hook in m.hooks()] for hook in hookspecs.HOOKS
        }

    def _relay(self, hook: str, member: Member) -> Callable[..., Any]:
        """Calls one plugin alone, with those of the arguments that it names."""
        return self._manager.subset_hook_caller(hook, [m.plugin for m in self.members if m is not member])

    def _calls(self, spec: Spec, when: str = "") -> list[tuple[Member, Call]]:
        """Who answers a hook, in YAML order, each with the call to make."""
        return [(m, Call(m.name, m.place, spec, when, relay)) for m, relay in self._relays[spec.__name__]]

    def answering(self, spec: Spec) -> list[Member]:
        """Who answers a hook, in YAML order."""
        return [member for member, _ in self._relays[spec.__name__]]

    def owner(self, spec: Spec) -> Member | None:
        """Who answers a one-owner hook, or None."""
        return next(iter(self.answering(spec)), None)

    def asks(self, spec: Spec, argument: str, member: Member | None = None) -> bool:
        """Whether somebody's answer to a hook, or that of one plugin, names an argument."""
        answers = getattr(self._manager.hook, spec.__name__).get_hookimpls()
        asked = {id(m.plugin) for m in self.answering(spec) if member is None or m is member}
        return any(argument in a.argnames for a in answers if id(a.plugin) in asked)

    def deciding(self) -> list[Member]:
        """The plugins that steps depend on: those that answer more than hooks which are free to change."""
        names = {spec.__name__ for spec in hookspecs.FREE}
        if self.asks(hookspecs.start, hookspecs.benchmark_texts.__name__):
            names.discard(hookspecs.benchmark_texts.__name__)
        return [member for member in self.members if not set(member.hooks()) <= names]

    @property
    def selects_statically(self) -> bool:
        """Whether parents are chosen without looking at what became of children."""
        return all(getattr(type(member.plugin), "static", False) for member in self.answering(hookspecs.select))

    @property
    def proposers(self) -> int:
        """How many plugins write children of each parent."""
        return len(self.answering(hookspecs.propose))

    # -- before anything is spent --------------------------------------------------------------------------------------

    def check(self, run: Run) -> list[Finding]:
        """What the plugins notice, each with its place in the pipeline."""
        found: list[Finding] = []
        for member, call in self._calls(hookspecs.check):
            model = run.models.get(member.name.removeprefix("models.")) if member.place.startswith("models.") else None
            answer = call.answer(run=run, model=model)
            findings = streamed(call, answer, Finding) if answer is not None else ()
            found += [replace(finding, place=f"{member.place}.{finding.place}") for finding in findings]
        return found

    def start(self, run: Run, warn: Callable[[str], None], begun: list[Member]) -> None:
        """Start all plugins; `begun` is filled with those that need to be stopped."""
        calls = {member.name: call for member, call in self._calls(hookspecs.start)}
        for member in self.members:
            if call := calls.get(member.name):
                nothing(call, call.answer(run=run, benchmark_texts=partial(self._benchmark_texts, run), warn=warn))
            begun.append(member)

    def _benchmark_texts(self, run: Run) -> Iterator[BenchmarkText]:
        for _, call in self._calls(hookspecs.benchmark_texts):
            yield from streamed(call, call.answer(run=run), BenchmarkText)

    def stop(self, run: Run, begun: Sequence[Member], warn: Callable[[str], None]) -> None:
        """Stop the plugins that were started, in reverse; one that fails is a warning."""
        for member, call in reversed(self._calls(hookspecs.stop)):
            if member in begun:
                try:
                    call.answer(run=run)
                except Exception as error:  # noqa: BLE001 -- the run is over, the rest must still be stopped
                    warn(f"plugin '{member.name}' did not stop cleanly: {_cause(error)}")

    def observers(self, warn: Callable[[str], None]) -> Callable[[Event], None]:
        """Tells every observer; one that raises is disabled with one warning."""
        watching = {call.plugin: call for _, call in self._calls(hookspecs.observe)}

        def tell(event: Event) -> None:
            for name, call in list(watching.items()):
                try:
                    call.answer(event=event)
                except Exception as error:  # noqa: BLE001 -- watching must not stop the run
                    watching.pop(name, None)
                    warn(f"observer '{name}' is disabled: {_cause(error)}")

        return tell

    # -- problems ------------------------------------------------------------------------------------------------------

    def load_seeds(self, run: Run) -> Iterator[tuple[str, Draft]]:
        """All seeds as given, each with the plugin that loads it."""
        for member, call in self._calls(hookspecs.load_seeds, "the seeds"):
            for draft in streamed(call, call.answer(run=run), Draft):
                yield member.name, checked_draft(call, draft, (), 0)

    def select(
        self, place: Place, n: int, pending: Sequence[str], find: Callable[[Sequence[str]], list[Problem]]
    ) -> list[Problem]:
        """The parents of a step; `find` gives the problems of these ids, KeyError for one that the ledger does not hold."""
        ((member, call),) = self._calls(hookspecs.select, str(place))
        given, rng = list(pending), place.rng(call.hook, member.name)
        answer = call.answer(rng=rng, n=n, round=place.round, step=place.step, pending=given)
        if given != list(pending):
            raise call.wrong(given, "it changed the list of pending parents")
        ids: list[str] = aligned(call, answer, str, n)
        try:
            return find(ids)
        except KeyError as missing:
            raise call.wrong(missing.args[0], "the ledger holds no problem of this id") from None

    def propose(self, place: Place, parents: Sequence[Problem]) -> list[tuple[str, Draft]]:
        """The children that all plugins write, each with who wrote it."""
        drafts: list[tuple[str, Draft]] = []
        ids = tuple(parent.id for parent in parents)
        for member, call in self._calls(hookspecs.propose, str(place)):
            given, llm = list(parents), place.llm(call.hook, member.name)
            untouched = Untouched(given, extra_of)
            answer = records(call, call.answer(parents=given, llm=llm, rng=place.rng(call.hook, member.name)), Draft)
            untouched.check(call)
            drafts += [(member.name, proposed(call, draft, ids, len(llm.recorded))) for draft in answer]
        return drafts

    def admit(self, when: str, children: Sequence[Problem]) -> list[Rejection | None]:
        """Who turns each child away before anything is paid for it, knowing all that came before, or None."""
        return self._rejections(self._calls(hookspecs.admit, when), children, lambda _: {})

    def screen(self, place: Place, children: Sequence[Problem]) -> list[Rejection | None]:
        """Who turns each child away before it is attempted, by looking at it alone, or None."""
        calls = self._calls(hookspecs.screen, str(place))
        return self._rejections(calls, children, lambda call: {"llm": place.llm(call.hook, call.plugin)})

    def _rejections(
        self,
        calls: Sequence[tuple[Member, Call]],
        children: Sequence[Problem],
        more: Callable[[Call], dict[str, Any]],
    ) -> list[Rejection | None]:
        rejections: list[Rejection | None] = [None] * len(children)
        for _, call in calls:
            left = [i for i, rejection in enumerate(rejections) if rejection is None]
            if not left:
                break
            batch = [children[i] for i in left]
            untouched = Untouched(batch, extra_of)
            reasons = aligned(call, call.answer(children=batch, **more(call)), str | None, len(left))
            untouched.check(call)
            for i, reason in zip(left, reasons, strict=True):
                rejections[i] = rejection_for(call, reason)
        return rejections

    # -- attempts ------------------------------------------------------------------------------------------------------

    def sampler(self, model: Model) -> GuardedSampler:
        """The open sampler of a model."""
        calls = {member.name: (member, call) for member, call in self._calls(hookspecs.sampler)}
        member, call = calls[f"models.{model.name}"]
        return GuardedSampler(call, call.answer(model=model), getattr(member.plugin, "dropout", False))

    def policy(self, run: Run) -> Rationing:
        """What gives each problem its ration of attempts; to be asked once a run."""
        for _, call in self._calls(hookspecs.policy):
            policy = call.answer(run=run, decide=self.decide())
            for name in ("more", "gave_up", "solve_rate"):
                if not callable(getattr(policy, name, None)):
                    raise call.wrong(policy, f"it has no method `{name}`")
            return Rationing(policy, call)
        return Rationing()

    def decide(self) -> Decide:
        """How the assessing plugin decides from counts alone; PipelineError where a policy needs that and it does not say."""
        (assessing,), (member,) = self.answering(hookspecs.assess), self.answering(hookspecs.policy)
        decide: Decide | None = getattr(assessing.plugin, "decide", None)
        if not callable(decide):
            raise PipelineError(
                f"{member.place}: '{member.name}' may stop early, but '{assessing.name}' needs all attempts to decide; leave "
                f"'{member.name}' out"
            )
        return decide

    def verify(self, when: str, trials: Sequence[Trial]) -> list[Verdict]:
        """The chain's verdict on each trial."""
        verdicts = [UNVERIFIED] * len(trials)
        for member, call in self._calls(hookspecs.verify, when):
            left = [i for i, verdict in enumerate(verdicts) if verdict.value == "unknown"]
            if not left:
                break
            batch = [trials[i] for i in left]
            untouched = Untouched(batch, lambda trial: trial.problem.extra)
            answers = aligned(call, call.answer_each("trials", batch, _name_of_trial), Verdict | None, len(left))
            untouched.check(call)
            for i, verdict in zip(left, answers, strict=True):
                if verdict is not None:
                    verdicts[i] = replace(verdict, by=member.name)
        return verdicts

    def assess(self, when: str, cases: Sequence[Case]) -> list[Assessment]:
        """What the attempts at each problem mean."""
        ((_, call),) = self._calls(hookspecs.assess, when)
        batch = list(cases)
        untouched = Untouched(batch, extra_of_case)
        answers = aligned(call, call.answer_each("cases", batch, _name_of_case), Assessment, len(cases))
        untouched.check(call)
        for case, assessment in zip(cases, answers, strict=True):
            check_assessment(call, case, assessment)
        return answers

    def describe(self, place: Place, cases: Sequence[Case]) -> list[dict[str, Any]]:
        """The descriptors of each problem."""
        descriptors: list[dict[str, Any]] = [{} for _ in cases]
        for member, call in self._calls(hookspecs.describe, str(place)) if cases else ():
            batch = list(cases)
            untouched = Untouched(batch, extra_of_case)
            answer = call.answer(cases=batch, llm=place.llm(call.hook, member.name))
            answers = aligned(call, as_dicts(call, answer), dict[str, Any], len(cases))
            untouched.check(call)
            said = member.describes()
            for case, united, given in zip(cases, descriptors, answers, strict=True):
                if said is not None and (more := given.keys() - set(said)):
                    raise call.wrong(given, f"'{min(more)}' is not among its `describes`")
                self._kinds.check(call, case.problem.id, given)
                unite(call, united, given)
        return descriptors

    def commit(self, step: Step) -> dict[str, float]:
        """Fold a step into the plugins' state; their metrics."""
        metrics: dict[str, float] = {}
        for _, call in self._calls(hookspecs.commit, f"step {step.round}.{step.step}"):
            untouched = Untouched([step], contents_of)
            answer = call.answer(step=step)
            untouched.check(call)
            metrics |= metrics_in(call, answer)
        return metrics

    @property
    def stateful(self) -> list[Member]:
        """The plugins that remember something of each step."""
        return [member for member in self.members if member.answers(hookspecs.admit, hookspecs.commit)]

    @property
    def saves_state(self) -> bool:
        """Whether all of these can save what they remember, and take it up again."""
        methods = ("save_state", "load_state")
        return all(callable(getattr(m.plugin, name, None)) for m in self.stateful for name in methods)

    def save_state(self, plugin: str, file: IO[bytes]) -> None:
        """Let a plugin write down what it remembers."""
        with self._about_state(plugin) as member:
            member.save_state(file)

    def load_state(self, plugin: str, file: IO[bytes]) -> None:
        """Let a plugin that was told nothing yet take up what it has written down."""
        with self._about_state(plugin) as member:
            member.load_state(file)

    @contextmanager
    def _about_state(self, plugin: str) -> Iterator[Any]:
        """A plugin, whose mistakes have its name."""
        member = next(member for member in self.stateful if member.name == plugin)
        spec = hookspecs.commit if member.answers(hookspecs.commit) else hookspecs.admit
        with Call(member.name, member.place, spec, "its state"):
            yield member.plugin

    # -- the end of a round --------------------------------------------------------------------------------------------

    def curate(self, ledger: Reader, round: int, rng: Random) -> Iterator[Example]:
        """The chosen examples: attempts at the problems they name, each at most once."""
        for _, call in self._calls(hookspecs.curate, f"round {round}"):
            seen = bytearray(1 + ledger.last_attempt())  # a set of millions would take a gigabyte
            for some in batches(call, call.answer(ledger=ledger, round=round, rng=rng), Example):
                problems = ledger.problems_of(example.attempt for example in some)
                names = {name: name for name in problems.values()}  # one text for all examples of a problem
                for example in some:
                    if problems.get(example.attempt) != example.problem:
                        raise call.wrong(
                            example, f"the ledger holds no attempt {example.attempt} at problem {example.problem}"
                        )
                    if seen[example.attempt]:
                        raise call.wrong(example, f"attempt {example.attempt} is chosen twice")
                    seen[example.attempt] = 1
                    yield Example(problem=names[example.problem], attempt=example.attempt)

    def train(
        self, round: int, dataset: Path, weights: Model, out: Path, seed: int, run: Run, ledger: Reader
    ) -> dict[str, float]:
        """Fine-tune weights into the folder `out`; the trainer's metrics."""
        metrics: dict[str, float] = {}
        for _, call in self._calls(hookspecs.train, f"round {round}"):
            answer = call.answer(
                dataset=dataset, weights=weights, out=out, seed=seed, round=round, run=run, ledger=ledger
            )
            metrics = metrics_in(call, answer)
            if not weights_files(out):
                raise call.wrong(sorted(file.name for file in out.iterdir()), f"it left no model in {out}")
        return metrics

    def benchmark(self, round: int, run: Run, model: Model, logs: Path) -> list[Score]:
        """All scores of a model; each plugin gets a folder of its own for logs, whose name begins as `logs` does."""
        scores: dict[tuple[str, str], Score] = {}
        for member, call in self._calls(hookspecs.benchmark, f"round {round}"):
            out = logs.parent / f"{logs.name}-{member.name}"
            out.mkdir(parents=True, exist_ok=True)
            with self._opened_for(member, model) as sampler:
                verify = partial(self._verify_for, call)
                answer = call.answer(run=run, model=model, out=out, sampler=sampler, verify=verify)
            for score in records(call, answer, Score):
                finite(call, score, score.value, "the value")
                if (score.task, score.item) in scores:
                    raise call.wrong(score, f"item '{score.item}' of task '{score.task}' is scored twice")
                scores[score.task, score.item] = score
        return list(scores.values())

    @contextmanager
    def _opened_for(self, member: Member, model: Model) -> Iterator[GuardedSampler | None]:
        """The model, open while a plugin benchmarks that asks for it; others may need its memory."""
        if not self.asks(hookspecs.benchmark, hookspecs.sampler.__name__, member):
            yield None
            return
        with closing(self.sampler(model)) as sampler:
            yield sampler

    def _verify_for(self, call: Call, trials: Sequence[Trial]) -> list[Verdict]:
        """The chain's verdicts on what another plugin asks about."""
        return self.verify(call.when, records(call, trials, Trial))

    # -- a finished run ------------------------------------------------------------------------------------------------

    def audit(self, when: str, problems: Sequence[Problem], auditor: RoleModel, verify: Verify) -> list[Verdict]:
        """Whether each problem is valid: correct, incorrect or unknown."""
        ((member, call),) = self._calls(hookspecs.audit, when)
        batch = list(problems)
        untouched = Untouched(batch, extra_of)
        answer = call.answer(problems=batch, auditor=auditor, verify=verify)
        answers = aligned(call, answer, Verdict | None, len(problems))
        untouched.check(call)
        return [replace(verdict or UNAUDITED, by=member.name) for verdict in answers]


def _name_of_trial(trial: Trial) -> str:
    return f"attempt {trial.attempt.k} at problem {trial.problem.id}"


def _name_of_case(case: Case) -> str:
    return f"problem {case.problem.id}"


def _cause(error: Exception) -> str:
    cause = error.__cause__ or error
    return raised(cause)
