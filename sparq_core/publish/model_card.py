"""The card of a model that a round has trained: from what, on what, how, and what a benchmark says of it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from sparq_core.contract.run import Run
from sparq_core.ledger import overview
from sparq_core.ledger.files import whole
from sparq_core.ledger.intervals import Interval
from sparq_core.ledger.reader import PhaseRow, Reader
from sparq_core.publish.facts import ModelFacts, model_facts
from sparq_core.publish.markdown import card, code, is_card_of_ours, table

README = "README.md"
LIMITS = """\
## Limits

It was trained on text that models wrote and that was checked by its final answers alone, so its reasoning may be wrong. What
the benchmark does not cover was not measured. The terms of the base model also apply to this one.\
"""
_WORD = re.compile(r"[\w.+-]{1,64}\Z")


class Trained(NamedTuple):
    """A model that was trained."""

    run: Run
    ledger: Reader
    round: int
    training: PhaseRow
    base: ModelFacts


def describe_model(run: Run, ledger: Reader, round: int, folder: Path) -> None:
    """
    Have a card in the folder of a round's trained model, as its training and benchmark are recorded.

    A README.md that is another's, such as the trainer's, or that was edited, stays. It is no part of the weights' digest.
    """
    path, training = folder / README, ledger.phase(round, "train")
    if training is None or (path.exists() and not is_card_of_ours(path)):
        return
    config = run.pipeline.models[run.pipeline.trained()]
    base = model_facts(config.model, run.base, [], run.trained.digest)
    text = model_card(Trained(run, ledger, round, training, base))
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        with whole(path) as partial:
            partial.write_text(text, encoding="utf-8")


def model_card(model: Trained) -> str:
    """The card; the same ledger, the same text."""
    name = model.run.pipeline.name
    head = {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        **({"license": model.base.licence} if model.base.licence else {}),
        **({"base_model": model.base.hub_id} if model.base.hub_id else {}),
        "tags": ["sparq"],
    }
    title = f"# {name}, round {model.round}" if model.round else f"# {name}, trained on the seeds"
    sections = (_origin, _training, _benchmark)
    return card(head, [title, *("\n\n".join(section(model)) for section in sections), LIMITS])


def _origin(model: Trained) -> Iterator[str]:
    yield "A language model that was fine-tuned on problems and solutions which it, or its predecessor, was asked to write."
    licence = code(model.base.licence) if model.base.licence else "not known: see where the base model is from"
    yield table(
        ["", ""],
        [
            ["base model", code(model.base.name)],
            ["licence of the base model", licence],
            ["digest of the base weights", code(model.base.weights)],
            ["digest of these weights", code(model.training.digest)],
        ],
    )


def _training(model: Trained) -> Iterator[str]:
    yield "## Training"
    data = model.ledger.phase(model.round, "curate" if model.round else "seeds")
    if data:
        file = code(f"dataset/round-{model.round}.jsonl")
        yield f"Trained on {code(data.detail)}: the file {file} of the run, digest {code(data.digest)}."
    if model.round > 1 and model.run.pipeline.train.start == "current":
        yield f"Training started from the weights of round {model.round - 1}."
    options = list(_options(model.training.config))
    if options:
        yield table(["plugin", "option", "value"], options)


def _options(config: str) -> Iterator[tuple[str, str, str]]:
    """The hyper-parameters of the plugins that trained: numbers, switches and words, but no paths and no prompts."""
    for plugin, how in msgspec.json.decode(config).items():
        options: Mapping[str, Any] = how.get("with", {}) if isinstance(how, dict) else {}
        for option, value in options.items():
            if isinstance(value, bool | int | float) or (isinstance(value, str) and _WORD.match(value)):
                yield code(plugin), code(option), code(value)


def _benchmark(model: Trained) -> Iterator[str]:
    yield "## Benchmark"
    compared = overview.compared(model.ledger).get(model.round)
    if not compared:
        yield "This model was not benchmarked."
        return
    yield (
        "The base model before, this model after, in percent, with 95% intervals; the difference is paired item by item. If "
        "the interval of a difference includes 0, the change is not significant."
    )
    yield table(
        ["task", "items", "before", "after", "difference"],
        [
            [code(task.task), task.items, _told(task.before), _told(task.after), _told(task.difference, "+")]
            for task in compared
        ],
    )


def _told(found: Interval, sign: str = "") -> str:
    mean, low, high = (f"{100 * value:{sign}.1f}" for value in (found.mean, found.low, found.high))
    return f"{mean} ({low} to {high})"
