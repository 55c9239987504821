"""
The end of a round: choose the examples, train on them, benchmark the result. Each is done once and recorded.

Round 0 ends like this only where the seeds' own solutions are trained on; the base model was benchmarked before its first step.
"""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from sparq_core import hookspecs
from sparq_core.contract.errors import NothingToTrainOn, PipelineError, SparqError
from sparq_core.contract.events import Event, PhaseFinished, PhaseStarted, Warned
from sparq_core.contract.randomness import derive, generator
from sparq_core.contract.records import Example, Model, Score
from sparq_core.contract.run import Run
from sparq_core.contract.weights import weights_digest
from sparq_core.ledger import dataset, overview
from sparq_core.ledger.files import PARTIAL, make_folder, sync, sync_all, whole
from sparq_core.ledger.intervals import compare
from sparq_core.ledger.reader import PhaseRow, Reader
from sparq_core.ledger.writer import Ledger
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.identity import phase_config
from sparq_core.publish.model_card import describe_model

PHASES: dict[str, Callable[..., Any]] = {
    "curate": hookspecs.curate,
    "train": hookspecs.train,
    "benchmark": hookspecs.benchmark,
}
"""The phases by the name they have in the ledger, each with the hook that does it."""


class Phase(NamedTuple):
    """One phase of a run."""

    round: int
    steps: int
    """How many the round has, since it may be extended; none for the base model."""
    name: str

    @property
    def is_of_base(self) -> bool:
        """Whether it is the benchmark of the base model, which comes before the first step."""
        return (self.round, self.steps) == (0, 0)


class Phases:
    """The phases of one run."""

    def __init__(self, run: Run, folder: Path, cast: Cast, ledger: Ledger, emit: Callable[[Event], None]) -> None:
        self._run, self._folder, self._cast, self._ledger, self._emit = run, folder, cast, ledger, emit

    @property
    def trains(self) -> bool:
        """Whether the pipeline trains."""
        return self._cast.owner(hookspecs.train) is not None

    def expect_solutions(self) -> None:
        """PipelineError, before anything is spent, where the seeds are to be trained on and none has a solution."""
        if not self._run.pipeline.train.seeds or self._ledger.steps_of(0):
            return
        if not any(draft.solution for _, draft in self._cast.load_seeds(self._run)):
            raise PipelineError(
                "train.seeds: no seed has a solution to train on; name the column of solutions (jsonl-seeds: with.solution), "
                "or omit train.seeds"
            )

    def seeds(self) -> Path | None:
        """The seeds' own solutions as a dataset, or None where they are not trained on."""
        if not self._run.pipeline.train.seeds:
            return None
        path = self._folder / "dataset" / "round-0.jsonl"
        phase = self._phase(0, "seeds")
        if self._done(phase) and path.exists():
            return path
        began = self._begin(phase)
        with whole(path) as partial:
            count = dataset.write_jsonl(partial, dataset.seed_rows(self._ledger))
        found = overview.seeds(self._ledger)
        left_out = f"{found.unsolved:,} have no solution, {found.rejected:,} were rejected"
        if not count:
            raise SparqError(f"train.seeds: none of {found.given:,} seeds can be trained on: {left_out}")
        if count < found.given:
            self._emit(Warned(f"train.seeds: {count:,} of {found.given:,} seeds are trained on: {left_out}"))
        self._end(phase, dataset.file_digest(path), f"{count:,} of {found.given:,} seeds", began)
        return path

    def curate(self, round: int) -> Path | None:
        """The round's dataset, or None where the pipeline curates nothing."""
        if self._cast.owner(hookspecs.curate) is None:
            return None
        path = self._folder / "dataset" / f"round-{round}.jsonl"
        phase = self._phase(round, "curate")
        if self._done(phase) and path.exists():
            return path
        began = self._begin(phase)
        rng = generator(self._run.pipeline.seed, round, "curate")
        with Reader.open(self._folder) as ledger:
            examples = list(self._within_budget(self._cast.curate(ledger, round, rng)))
        with whole(path) as partial:
            count = dataset.write_jsonl(partial, dataset.rows(self._ledger, examples))
        problems = len({e.problem for e in examples})
        told = f"{count:,} examples of {problems:,} problems"
        self._end(phase, dataset.file_digest(path), told, began, chosen=examples)
        return path

    def _within_budget(self, examples: Iterable[Example]) -> Iterator[Example]:
        """`budget.kept` is met to the problem: steps that were in flight may have kept more, which are left out here."""
        most = self._run.pipeline.budget.kept
        beyond = set(overview.kept_after(self._ledger, most)) if most else set()
        return (example for example in examples if example.problem not in beyond)

    def train(self, round: int, dataset: Path | None, start: Model) -> Model | None:
        """The round's new model, or None where the pipeline trains none."""
        if dataset is None or not self.trains:
            return None
        out = self._folder / "models" / f"round-{round}"
        partial = out.with_name(out.name + PARTIAL)
        phase = self._phase(round, "train")
        done = self._done(phase)
        if done and partial.is_dir() and weights_digest(str(partial), self._run.weights_version) == done.digest:
            _put(partial, out)  # which a kill has kept from being done
        if done and out.is_dir():
            _check_weights(out, done.digest, self._run.weights_version)
            return self._trained(start, out, done.digest)
        if not dataset.stat().st_size:
            raise NothingToTrainOn(
                f"round {round}: nothing to train on: no attempt at a kept problem was chosen; see `sparq status`, then widen "
                "band.correct, raise attempts.k or steps, or change the prompts"
            )
        began = self._begin(phase)
        with _half_made(partial):
            with Reader.open(self._folder) as ledger:
                metrics = self._cast.train(round, dataset, start, partial, self._seed(round), self._run, ledger)
            sync_all(partial)
        digest = weights_digest(str(partial), self._run.weights_version)
        detail = "; ".join(filter(None, (f"new weights {digest}", _listed(metrics))))
        self._record(phase, digest, detail)  # before they are there: weights that the ledger does not know are refused
        _put(partial, out)
        self._tell(phase, detail, began, metrics)
        return self._trained(start, out, digest)

    def _seed(self, round: int) -> int:
        """The seed of a training; that on the seeds is a part of generation, and follows from the run's."""
        pipeline = self._run.pipeline
        return derive(pipeline.train_seed if round else pipeline.seed, round, "train") % 2**31

    def _trained(self, start: Model, out: Path, digest: str) -> Model:
        return Model(name=start.name, path=str(out), digest=digest, chat_template=start.chat_template)

    def benchmark_base(self, model: Model) -> None:
        """Score the model that training starts from, unless this ledger has it scored."""
        self._benchmark(Phase(0, 0, "benchmark"), model)

    def benchmark(self, round: int, model: Model) -> None:
        """Score what a round has trained, unless this ledger has it scored; round 0 trains on the seeds."""
        self._benchmark(self._phase(round, "benchmark"), model)

    def describe(self, round: int, model: Model) -> None:
        """Have a card beside the weights that a round has trained."""
        describe_model(self._run, self._ledger, round, Path(model.path))

    def _benchmark(self, phase: Phase, model: Model) -> None:
        if not self._cast.owner(hookspecs.benchmark) or self._done(phase):
            return
        began = self._begin(phase)
        which = phase.round if phase.round or phase.is_of_base else "seeds"
        scores = self._cast.benchmark(phase.round, self._run, model, self._folder / "logs" / f"benchmark-{which}")
        if not scores:
            self._emit(Warned(f"benchmark: no task gave a score for round {phase.round}"))
        digest = hashlib.blake2b(msgspec.json.encode(scores), digest_size=8).hexdigest()
        self._end(phase, digest, _told(scores), began, scores)

    def _phase(self, round: int, name: str) -> Phase:
        """A phase of a drained round."""
        return Phase(round, self._ledger.steps_of(round), name)

    def _config(self, phase: Phase) -> str:
        spec = PHASES.get(phase.name)
        return phase_config(self._run, phase.round, self._cast.answering(spec)) if spec else "{}"

    def _done(self, phase: Phase) -> PhaseRow | None:
        return self._ledger.phase(phase.round, phase.name, phase.steps)

    def _begin(self, phase: Phase) -> float:
        self._ledger.check_home()
        self._emit(PhaseStarted(phase.round, phase.name, phase.is_of_base))
        return time.monotonic()

    def _end(
        self,
        phase: Phase,
        digest: str,
        detail: str,
        began: float,
        scores: Sequence[Score] = (),
        chosen: Sequence[Example] | None = None,
    ) -> None:
        self._record(phase, digest, detail, scores, chosen)
        self._tell(phase, detail, began)

    def _record(
        self,
        phase: Phase,
        digest: str,
        detail: str,
        scores: Sequence[Score] = (),
        chosen: Sequence[Example] | None = None,
    ) -> None:
        """Record a phase; one that is recorded, whose work was lost and is done once more, where that came out otherwise."""
        done = self._done(phase)
        if not done:
            self._ledger.commit_phase(*phase, self._config(phase), digest, detail, scores, chosen)
        elif done.digest != digest:
            self._ledger.redo_phase(*phase, self._config(phase), digest, chosen)
            self._emit(
                Warned(
                    f"round {phase.round}: what '{phase.name}' had made was gone; done once more, it made something else "
                    f"({done.digest} → {digest}), which what follows goes by"
                )
            )

    def _tell(self, phase: Phase, detail: str, began: float, metrics: Mapping[str, float] | None = None) -> None:
        seconds = time.monotonic() - began
        self._emit(PhaseFinished(phase.round, phase.name, detail, seconds, phase.is_of_base, metrics or {}))


@contextmanager
def _half_made(partial: Path) -> Iterator[None]:
    """An empty folder to make something in; where that fails or is ended, nothing of it stays."""
    shutil.rmtree(partial, ignore_errors=True)
    make_folder(partial)
    try:
        yield
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def check_unchanged(run: Run, cast: Cast, ledger: Reader) -> None:
    """PipelineError where a phase that is done was done with other settings than the pipeline has now."""
    extents = [(0, 0), *((round_, ledger.steps_of(round_)) for round_ in range(run.pipeline.rounds + 1))]
    for round_, steps in extents:
        for name, spec in PHASES.items():
            done, members = ledger.phase(round_, name, steps), cast.answering(spec)
            if done and members and done.config != (now := phase_config(run, round_, members)):
                raise PipelineError(
                    f"{run.folder}: round {round_} is already through '{name}' with other settings ({done.config}, now {now}); "
                    "restore them, or choose another --out"
                )


def _listed(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())


def _told(scores: Sequence[Score]) -> str:
    return ", ".join(f"{c.task} {c.after.mean:.1%}" for c in compare(scores, scores))


def _put(partial: Path, out: Path) -> None:
    """New weights in their place, where a shorter round's may be."""
    shutil.rmtree(out, ignore_errors=True)
    partial.rename(out)
    sync(out.parent)


def _check_weights(out: Path, recorded: str, version: int) -> None:
    if (digest := weights_digest(str(out), version)) != recorded:
        raise SparqError(
            f"{out}: the weights are not the ones that were trained (digest {digest}, recorded {recorded}); put those back, or "
            "delete the folder, and they are trained once more"
        )
