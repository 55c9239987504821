"""
The hooks: everything a plugin can implement.

Hooks are plain synchronous functions over a batch: a list in, an aligned list out. A plugin names only the arguments it
needs. Except where a hook says otherwise it may be called from several threads at once.

The engine checks every answer: type, length, values. An answer that the contract does not allow stops the run with an error
that names the plugin, the hook and the step; committed steps are kept. A plugin must not change the batches it is given.

Six attributes of a plugin are read, each optional; all but `trainable` of its class:

- `requires`: a mapping of modules it imports later to what `pip install` must be given for them.
- `version`: of `verify` and other deciding plugins; it belongs to the run's identity.
- `static = True`: of `select`, if its answers depend only on the seeds.
- `trainable = True`: of `sampler`, if it serves local weights that training can change; its options may decide that.
- `dropout = True`: of `sampler`, if it heeds the `dropout` of `Sampling`; others are never asked for it.
- `describes`: the keys that `describe` gives, so that a misspelt one in another plugin's options is found at once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from sparq_core.contract.events import Event
    from sparq_core.contract.policy import Decide, Policy
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
    from sparq_core.contract.sampling import Llm, RoleModel, Sampler
    from sparq_core.ledger.reader import Reader

hookspec = pluggy.HookspecMarker("sparq")
hookimpl = pluggy.HookimplMarker("sparq")


# -- before anything is spent ------------------------------------------------------------------------------------------


@hookspec
def check(run: "Run", model: "Model | None") -> Iterable["Finding"]:
    """
    Find mistakes before anything is spent.

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
    implement that hook; if a plugin names it, the run's benchmarks belong to the run's identity. `warn` shows the user a
    message, now or later, from any hook that is called in the engine's thread, also while a resumed run is replayed.
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

    Called: once, in the engine's thread, before the first round; again on resume where the seeds were not all committed. With
    `train.seeds` once more before that, up to the first that has a solution.
    Answer: drafts without parents, lazily if there are many, the same ones in the same order every time.
    Merged: all plugins, concatenated in YAML order.
    Errors: a row that is not a problem is a draft with `unparsed`; an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def select(rng: Random, n: int, round: int, step: int, pending: Sequence[str]) -> Sequence[str]:
    """
    Choose the parents of a step's children.

    Called: in the engine's thread, in step order, with exactly the steps up to the horizon folded in by `commit`.
    Answer: `n` ids of problems in the ledger, repeats allowed. `pending` are the parents of steps issued and not yet folded.
    It must change nothing in the plugin: on resume it is called for new steps only. If no problem can be a parent, raise
    `NoParents` with the reason: the hook is called again after the steps in flight are folded, then the round ends.
    Merged: exactly one plugin.
    Errors: an exception other than `NoParents` stops the run.
    """
    raise NotImplementedError


@hookspec
def propose(parents: Sequence["Problem"], llm: "Llm", rng: Random) -> Sequence["Draft"]:
    """
    Write children from parents.

    Called: once per step, concurrently with other steps.
    Answer: a list of drafts, one for every expected child, parsed or not; their `parents` are among those given.
    Merged: all plugins, concatenated in YAML order.
    Errors: a completion that cannot be parsed is a draft with `unparsed`; an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def admit(children: Sequence["Problem"]) -> Sequence[str | None]:
    """
    Reject children before anything is paid for, knowing all earlier children.

    Called: in the engine's thread, in step order; again on resume with the recorded children, where the answers must be
    the recorded ones. They may depend only on earlier children, including those of the same batch.
    Answer: a list with a reason to reject, or None, for each child.
    Merged: all plugins in YAML order; each gets only the children still admitted.
    Errors: an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def screen(children: Sequence["Problem"], llm: "Llm") -> Sequence[str | None]:
    """
    Reject children before they are attempted, by looking at each alone.

    Called: after `admit`, concurrently; stateless.
    Answer: a list with a reason to reject, or None, for each child.
    Merged: all plugins in YAML order; each gets only the children still there.
    Errors: an exception stops the run.
    """
    raise NotImplementedError


# -- attempts ----------------------------------------------------------------------------------------------------------


@hookspec
def sampler(model: "Model") -> "Sampler":
    """
    Open a model for sampling.

    Called: once for each distinct model and weights of a round, on the plugin the model's `use` names.
    Answer: the open sampler (`Sampler`); it is closed before training. It gives `n` completions per request, in the order of
    the requests, with counts of tokens that are not negative and a finish of stop, length, too-long or refused.
    Merged: exactly the plugin named.
    Errors: an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def policy(run: "Run", decide: "Decide") -> "Policy":
    """
    Decide how many attempts each problem deserves.

    Called: once, after `start`, in the engine's thread. `decide` says what a problem is from the counts of its attempts alone:
    it is the method `decide` of the plugin that implements `assess`, which must have one.
    Answer: an object that says between waves how many further attempts a problem gets, and afterwards whether it was given up
    and what its unbiased solve rate is (`Policy`); thread-safe. All waves of a problem are at most K attempts.
    Merged: at most one plugin; where none, all K attempts at once.
    Errors: an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def verify(trials: Sequence["Trial"]) -> Sequence["Verdict | None"]:
    """
    Judge whether each attempt's final answer is correct.

    Called: after each wave of attempts, with the trials still undecided; concurrently.
    Answer: a list with a verdict for each trial, in the same order; None passes the trial on. A verdict's value is correct,
    incorrect or unknown. Verdicts that may change from release to release need the class attribute `version`.
    Merged: a chain in YAML order; the first correct or incorrect is final, else the last verdict given.
    Errors: a hopeless answer is a verdict with a reason; an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def assess(cases: Sequence["Case"]) -> Sequence["Assessment"]:
    """
    Decide the outcome and the quality of each problem from its attempts.

    Called: when all attempts of a step are judged; concurrently, stateless.
    Answer: a list with an assessment for each case: an outcome of unresolved, disputed, out-of-band or kept, a finite quality
    of at least 0, and revised verdicts for all attempts or none. A method `decide(counts)` of the same plugin gives the outcome
    from counts alone; policies that stop early need it.
    Merged: exactly one plugin; `band` where the pipeline names none.
    Errors: an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def describe(cases: Sequence["Case"], llm: "Llm") -> Sequence[Mapping[str, Any]]:
    """
    Describe problems: skills, lengths, topics, whatever niches and filters use.

    Called: for the problems kept and for all seeds that were not rejected; concurrently, stateless. By `sparq label`, after
    the run, for the others that were attempted.
    Answer: a list with a mapping for each case, of names to finite numbers, strings, lists of strings or None. A name must not
    be a column of the dataset. An attribute `describes` of the plugin, all its names, lets a misspelt one be reported
    before the run.
    Merged: all plugins, keys united; two plugins must not give the same key.
    Errors: an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def commit(step: "Step") -> Mapping[str, float] | None:
    """
    Fold a finished step into the plugin's own state.

    Called: in the engine's thread, in step order, live and again on resume with the recorded step.
    Answer: metrics to show and record, names to finite numbers, the same on replay as live; or None. Methods
    `save_state(file)` and `load_state(file)` beside it, or beside `admit`, write what the plugin remembers of the steps to a
    binary file and take it up again in a plugin that was told nothing yet; where all have them, long runs resume without
    replaying every step.
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
    Answer: examples, in the order of the dataset: attempts at the problem they name, each at most once.
    Merged: at most one plugin.
    Errors: an exception stops the run.
    """
    raise NotImplementedError


@hookspec
def train(
    dataset: Path, weights: "Model", out: Path, seed: int, round: int, run: "Run", ledger: "Reader"
) -> Mapping[str, float] | None:
    """
    Fine-tune `weights` on a JSONL file whose rows hold `messages`, and write the new model to the folder `out`.

    Called: after `curate`, with all samplers closed; with `train.seeds` also in round 0, on the seeds' own solutions. `ledger`
    is the whole ledger to read, for what the chosen attempts do not tell, such as the wrong ones at the same problems.
    Answer: metrics to show and record, names to finite numbers; or None. `out` must then contain a complete model, with weights
    and tokenizer, that the model's sampler can open.
    Merged: at most one plugin.
    Errors: an exception stops the run; the half-written folder is dropped.
    """
    raise NotImplementedError


@hookspec
def benchmark(
    run: "Run",
    model: "Model",
    out: Path,
    sampler: "Sampler",
    verify: "Callable[[Sequence[Trial]], Sequence[Verdict]]",
) -> Sequence["Score"]:
    """
    Score a model.

    Called: once for the model that training starts from, before the first round, and once for each trained one, with all
    samplers closed; a model already scored in this ledger is not scored again. `out` is a folder for logs. `sampler` is the
    model, opened by its own plugin for an answer that names it, and closed after it; what is drawn from it is not counted
    among the run's attempts, tokens and cost. `verify` asks the pipeline's verifiers for a verdict on each trial.
    Answer: a list with one finite score for each item of each task, so that two models can be compared item by item.
    Merged: all plugins, concatenated; no two may score the same item.
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
    Errors: raise an exception if the texts are not available; it stops the run.
    """
    raise NotImplementedError


# -- a finished run ----------------------------------------------------------------------------------------------------


@hookspec
def audit(
    problems: Sequence["Problem"], auditor: "RoleModel", verify: "Callable[[Sequence[Trial]], Sequence[Verdict]]"
) -> Sequence["Verdict | None"]:
    """
    Judge whether problems are valid: well posed, with a correct reference answer.

    Called: by `sparq audit`, never in a run, with some of the problems it samples; stateless. `auditor` asks the model that
    `--model` gives, so a plugin that names it needs one; `verify` judges attempts by the run's own verifiers.
    Answer: a list with a verdict for each problem: correct if it is valid, incorrect if it is not; unknown or None if
    that cannot be decided.
    Merged: exactly the plugin named.
    Errors: an exception stops the audit; what was found before is kept.
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

    Called: once at the end, however the run ends; only for plugins whose `start` was called.
    Answer: nothing.
    Merged: all plugins, in reverse YAML order.
    Errors: an exception is shown as a warning.
    """
    raise NotImplementedError


# -- facts about hooks -------------------------------------------------------------------------------------------------

HOOKS = tuple(name for name, spec in vars().items() if hasattr(spec, "sparq_spec"))
"""All hooks, in the order of a run."""
ONE_OWNER: tuple[Callable[..., Any], ...] = (select, policy, assess, curate, train)
"""Hooks that at most one plugin of a pipeline answers, and of which a plugin answers at most one."""
NEEDED: Mapping[Callable[..., Any], str] = {
    load_seeds: "jsonl-seeds",
    select: "static-uniform",
    propose: "mutate",
    verify: "sympy",
}
"""Hooks that some plugin of a pipeline must answer, each with a built-in that does."""
FREE: tuple[Callable[..., Any], ...] = (check, start, stop, observe, curate, train, benchmark, benchmark_texts, audit)
"""Hooks on which no step depends: a plugin that answers only these may change between a run and its resumption."""
