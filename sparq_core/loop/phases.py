"""The end of a round: choose the examples, train on them, benchmark the result. Each is done once and recorded."""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sparq_core import hookspecs
from sparq_core.contract.errors import NothingToTrainOn, PipelineError, SparqError
from sparq_core.contract.events import Event, PhaseFinished, PhaseStarted, Warned
from sparq_core.contract.randomness import derive, generator
from sparq_core.contract.records import Example, Model, Score
from sparq_core.contract.run import Run
from sparq_core.contract.weights import weights_digest
from sparq_core.ledger import dataset
from sparq_core.ledger.intervals import compare
from sparq_core.ledger.overview import kept_after
from sparq_core.ledger.reader import Reader
from sparq_core.ledger.writer import Ledger
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.identity import phase_config

PHASES: dict[str, Callable[..., Any]] = {
    "curate": hookspecs.curate,
    "train": hookspecs.train,
    "benchmark": hookspecs.benchmark,
}
"""The phases by the name they have in the ledger, each with the hook that does it."""


class Phases:
    """The phases of one run."""

    def __init__(self, run: Run, folder: Path, cast: Cast, ledger: Ledger, emit: Callable[[Event], None]) -> None:
        self._run, self._folder, self._cast, self._ledger, self._emit = run, folder, cast, ledger, emit

    @property
    def trains(self) -> bool:
        """Whether the pipeline trains."""
        return self._cast.owner(hookspecs.train) is not None

    def curate(self, round: int) -> Path | None:
        """The round's dataset, or None where the pipeline curates nothing."""
        if self._cast.owner(hookspecs.curate) is None:
            return None
        path = self._folder / "dataset" / f"round-{round}.jsonl"
        if self._is_done(round, "curate") and path.exists():
            return path
        began = self._begin(round, "curate")
        rng = generator(self._run.pipeline.seed, round, "curate")
        with Reader.open(self._folder) as ledger:
            examples = list(self._within_budget(self._cast.curate(ledger, round, rng)))
        config = self._config("curate")
        count = dataset.write_jsonl(path, dataset.rows(self._ledger, examples))
        problems = len({e.problem for e in examples})
        if not self._is_done(round, "curate"):
            self._ledger.add_curation(round, msgspec.json.decode(config), examples)
        self._end(round, "curate", _file_digest(path), f"{count:,} examples of {problems:,} problems", began)
        return path

    def _within_budget(self, examples: Iterable[Example]) -> Iterator[Example]:
        """`budget.kept` is met to the problem: steps that were in flight may have kept more, which are left out here."""
        most = self._run.pipeline.budget.kept
        beyond = set(kept_after(self._ledger, most)) if most else set()
        return (example for example in examples if example.problem not in beyond)

    def train(self, round: int, dataset: Path | None, start: Model) -> Model | None:
        """The round's new model, or None where the pipeline trains none."""
        if dataset is None or not self.trains:
            return None
        out = self._folder / "models" / f"round-{round}"
        done = self._ledger.phase(round, "train")
        if done and out.is_dir():
            return self._trained(start, out, done.digest)
        if not dataset.stat().st_size:
            raise NothingToTrainOn(
                f"round {round}: nothing to train on: no attempt at a kept problem was chosen; see `sparq status`, then widen "
                "band.correct, raise attempts.k or steps, or change the prompts"
            )
        began = self._begin(round, "train")
        partial = out.with_name(out.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        self._cast.train(round, dataset, start, partial, derive(self._run.pipeline.train_seed, round, "train") % 2**31)
        shutil.rmtree(out, ignore_errors=True)
        partial.rename(out)
        model = self._trained(start, out, None)
        if not done:
            self._end(round, "train", model.digest, f"new weights {model.digest}", began)
        return model

    def _trained(self, start: Model, out: Path, recorded: str | None) -> Model:
        digest = weights_digest(str(out))
        if recorded and digest != recorded:
            raise SparqError(
                f"{out}: the weights are not the ones that were trained (digest {digest}, recorded {recorded})"
            )
        return Model(name=start.name, path=str(out), digest=digest, chat_template=start.chat_template)

    def benchmark(self, round: int, model: Model) -> None:
        """Score a model, unless this ledger has it scored; round 0 is the base."""
        if not self._cast.owner(hookspecs.benchmark) or self._is_done(round, "benchmark"):
            return
        began = self._begin(round, "benchmark")
        scores = self._cast.benchmark(round, self._run, model, self._folder / "logs")
        if not scores:
            self._emit(Warned(f"benchmark: no task gave a score for round {round}"))
        digest = hashlib.blake2b(msgspec.json.encode(scores), digest_size=8).hexdigest()
        self._end(round, "benchmark", digest, _told(scores), began, scores)

    def _config(self, name: str) -> str:
        return phase_config(self._run, self._cast.answering(PHASES[name]))

    def _is_done(self, round: int, name: str) -> bool:
        return self._ledger.phase(round, name) is not None

    def _begin(self, round: int, name: str) -> float:
        self._emit(PhaseStarted(round, name))
        return time.monotonic()

    def _end(self, round: int, name: str, digest: str, detail: str, began: float, scores: Sequence[Score] = ()) -> None:
        if not self._is_done(round, name):
            self._ledger.commit_phase(round, name, self._config(name), digest, detail, scores)
        self._emit(PhaseFinished(round, name, detail, time.monotonic() - began))


def check_unchanged(run: Run, cast: Cast, ledger: Ledger) -> None:
    """PipelineError where a phase that is done was done with other settings than the pipeline has now."""
    for round_ in range(run.pipeline.rounds + 1):
        for name, spec in PHASES.items():
            done, members = ledger.phase(round_, name), cast.answering(spec)
            if done and members and done.config != (now := phase_config(run, members)):
                raise PipelineError(
                    f"{run.folder}: round {round_} is already through '{name}' with other settings ({done.config}, now {now}); "
                    "set them back, or give another --out"
                )


def _told(scores: Sequence[Score]) -> str:
    return ", ".join(f"{c.task} {c.after.mean:.1%}" for c in compare(scores, scores))


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()
