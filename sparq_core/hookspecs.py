"""
The hooks: everything a plugin can answer.

Hooks are plain synchronous functions over a batch: a list in, an aligned list out. A plugin names only the arguments it
needs. Except where a hook says otherwise it may be called from several threads at once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from sparq_core.contract.events import Event
    from sparq_core.contract.records import (
        Assessment,
        BenchmarkText,
        Case,
        Draft,
        Example,
        Finding,
        Model,
        Problem,
        Score,
        Step,
        Trial,
        Verdict,
    )
    from sparq_core.contract.run import Run
    from sparq_core.contract.sampling import Llm, Sampler
    from sparq_core.ledger.reader import Reader

hookspec = pluggy.HookspecMarker("sparq")
hookimpl = pluggy.HookimplMarker("sparq")


# -- before anything is spent ------------------------------------------------------------------------------------------


@hookspec
def check(run: "Run", model: "Model | None") -> Iterable["Finding"]:
    """
    Notice what would go wrong, without spending anything.

    Called: by `sparq check`, and once before every run; must be quick and must not load a model. `model` is the model that
    names this plugin as its sampler, None for a plugin of the list.
    Answer: findings, each with its place and its remedy; nothing when all is well.
    Merged: all plugins, concatenated; one error stops the run.
    Errors: an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def start(run: "Run", benchmark_texts: "Callable[[], Iterable[BenchmarkText]]", warn: Callable[[str], None]) -> None:
    """
    Acquire what the run needs: processes, files, heavy imports.

    Called: once, in the engine's thread, before any other hook but `check`. Calling `benchmark_texts` asks the plugins that
    answer that hook; where a plugin names it, what benchmarks the run has belongs to the run's identity. `warn` shows the
    user a message, now or later, from any hook that is called in the engine's thread; also while a resumed run is replayed.
    Answer: nothing.
    Merged: all plugins, in YAML order.
    Errors: an exception stops the run; the plugins already started are stopped.
    """
    raise NotImplementedError


# -- problems ----------------------------------------------------------------------------------------------------------


@hookspec
def load_seeds(run: "Run") -> Iterable["Draft"]:
    """
    Give the seed problems.

    Called: once, in the engine's thread, before the first round; again on resume where the seeds were not all committed.
    Answer: drafts, lazily if there are many, the same ones in the same order every time.
    Merged: all plugins, concatenated in YAML order.
    Errors: a row that is no problem is a draft with `unparsed`; an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def select(rng: Random, n: int, round: int, step: int, pending: Sequence[str]) -> Sequence[str]:
    """
    Choose the parents of a step's children.

    Called: in the engine's thread, in step order, with exactly the steps up to the horizon folded in by `commit`.
    Answer: `n` problem ids, repeats allowed; `pending` are the parents of steps issued and not yet folded. It must change
    nothing in the plugin: on resume it is called for new steps only. A plugin whose answers depend on the seeds alone sets
    the class attribute `static = True`.
    Merged: exactly one plugin.
    Errors: an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def propose(parents: Sequence["Problem"], llm: "Llm", rng: Random) -> Sequence["Draft"]:
    """
    Write children from parents.

    Called: once a step, concurrently with other steps.
    Answer: one draft for every expected child, parsed or not.
    Merged: all plugins, concatenated in YAML order.
    Errors: a completion that cannot be read is a draft with `unparsed`; an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def admit(children: Sequence["Problem"]) -> Sequence[str | None]:
    """
    Turn children away before anything is paid for, knowing all that came before them.

    Called: in the engine's thread, in step order; again on resume with the recorded children, where the answers must be
    the recorded ones. They may depend on earlier children and on earlier ones of the same batch, on nothing else.
    Answer: a reason to reject, or None, one a child.
    Merged: all plugins in YAML order; each gets only the children still admitted.
    Errors: an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def screen(children: Sequence["Problem"], llm: "Llm") -> Sequence[str | None]:
    """
    Turn children away before they are attempted, by looking at each alone.

    Called: after `admit`, concurrently; stateless.
    Answer: a reason to reject, or None, one a child.
    Merged: all plugins in YAML order; each gets only the children still there.
    Errors: an exception stops the run.
    """
    raise NotImplementedError


# -- attempts ----------------------------------------------------------------------------------------------------------


@hookspec
def sampler(model: "Model") -> "Sampler":
    """
    Open a model for sampling.

    Called: once for each distinct model and weights of a round, on the plugin the model's `use` names. A plugin that serves
    local weights, so that training can change them, sets the class attribute `trainable = True`.
    Answer: the open sampler; it is closed before training.
    Merged: exactly the plugin named.
    Errors: an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def verify(trials: Sequence["Trial"]) -> Sequence["Verdict | None"]:
    """
    Judge whether each attempt's final answer is right.

    Called: after each wave of attempts, with the trials still undecided; concurrently.
    Answer: one verdict a trial, in the same order; None passes it on. A plugin whose verdicts may change from release to
    release sets the class attribute `version`: it belongs to the run's identity, so one ledger holds verdicts of one version.
    Merged: a chain in YAML order; the first correct or incorrect is final, else the last verdict given.
    Errors: a hopeless answer is a verdict with a reason; an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def assess(cases: Sequence["Case"]) -> Sequence["Assessment"]:
    """
    Say what the attempts mean: the outcome and the quality of each problem.

    Called: when all attempts of a step are judged; concurrently, stateless.
    Answer: one assessment a case.
    Merged: exactly one plugin; `band` where the pipeline names none.
    Errors: an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def describe(cases: Sequence["Case"], llm: "Llm") -> Sequence[Mapping[str, Any]]:
    """
    Describe kept problems: skills, lengths, topics, whatever niches and filters are made of.

    Called: for the problems kept, seeds included; concurrently, stateless.
    Answer: one mapping a case, of names to numbers, strings or lists of strings.
    Merged: all plugins, keys united; two plugins must not give the same key.
    Errors: an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def commit(step: "Step") -> Mapping[str, float] | None:
    """
    Fold a finished step into the plugin's own state.

    Called: in the engine's thread, in step order, live and again on resume with the recorded step.
    Answer: metrics to show and record, the same on replay as live; or None.
    Merged: all plugins, keys united.
    Errors: an exception stops the run.
    """
    raise NotImplementedError


# -- the end of a round ------------------------------------------------------------------------------------------------


@hookspec
def curate(ledger: "Reader", round: int, rng: Random) -> Iterable["Example"]:
    """
    Choose the attempts to train on.

    Called: when a round is drained, in the engine's thread, with the whole ledger to read.
    Answer: examples, in the order of the dataset.
    Merged: at most one plugin.
    Errors: an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def train(dataset: Path, weights: "Model", out: Path, seed: int) -> None:
    """
    Fine-tune `weights` on a JSONL file whose rows hold `messages`, and write the new model into the folder `out`.

    Called: after `curate`, with all samplers closed.
    Answer: nothing; `out` must then hold a whole model, tokenizer and all, that the model's sampler can open.
    Merged: at most one plugin.
    Errors: an exception stops the run; the half-written folder is dropped.
    """
    raise NotImplementedError


@hookspec
def benchmark(model: "Model", out: Path) -> Sequence["Score"]:
    """
    Score a model.

    Called: once for the base model before the first round and once for each trained one, with all samplers closed; a
    model already scored in this ledger is not scored again. `out` is a folder for logs.
    Answer: one score an item, so that two models can be compared item by item.
    Merged: all plugins, concatenated.
    Errors: an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def benchmark_texts(run: "Run") -> Iterable["BenchmarkText"]:
    """
    Give the texts that `benchmark` scores on, so that nothing like them is trained on.

    Called: in the engine's thread, when the `start` of another plugin asks, which may be before this plugin's own; never
    where none does.
    Answer: questions and answers, each with its task, lazily if there are many.
    Merged: all plugins, concatenated in YAML order.
    Errors: texts that cannot be had are an exception, which stops the run.
    """
    raise NotImplementedError


# -- around the run ----------------------------------------------------------------------------------------------------


@hookspec
def observe(event: "Event") -> None:
    """
    Watch the run.

    Called: with every event, in the engine's thread; replayed steps emit none.
    Answer: nothing.
    Merged: all plugins.
    Errors: an observer that raises is disabled with one warning.
    """
    raise NotImplementedError


@hookspec
def stop(run: "Run") -> None:
    """
    Release what `start` acquired.

    Called: once at the end, whatever the end; only for plugins whose `start` was called.
    Answer: nothing.
    Merged: all plugins, in reverse YAML order.
    Errors: an exception is shown as a warning.
    """
    raise NotImplementedError
