"""The card of a dataset: what is in it, how it was made, what was left out and why, and how to load it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, NamedTuple

from sparq_core.contract.texts import shortened
from sparq_core.contract.wording import funnel
from sparq_core.ledger import overview, spread
from sparq_core.ledger.dataset_columns import Column
from sparq_core.ledger.reader import GRADING
from sparq_core.publish.facts import ModelFacts, models_of, plugins_of
from sparq_core.publish.markdown import LONGEST, block, card, code, table
from sparq_core.publish.selection import Selection

MOST_REASONS = 30
"""Reasons for leaving problems out that a card tells of a run."""
WIDEST = 40
"""Marks of a histogram's longest bar."""
DECONTAMINATES = "decontaminate"
"""The plugin that turns away problems which repeat a benchmark."""
SIZES = (("n<1K", 10**3), ("1K<n<10K", 10**4), ("10K<n<100K", 10**5), ("100K<n<1M", 10**6), ("1M<n<10M", 10**7))
"""What the Hub calls a dataset of fewer rows than that."""
LARGEST_SIZE = "10M<n<100M"


class Files(NamedTuple):
    """The files of a dataset, seen from where its card is."""

    patterns: Mapping[str, str]
    """Those of each split."""
    loaded_by: str
    """The arguments by which `load_dataset` finds them."""


class Dataset(NamedTuple):
    """A dataset that was written."""

    selections: Sequence[Selection]
    columns: Sequence[Column]
    places: int
    """The scale that its solve rates were counted by."""
    rows: int
    files: Files
    licence: str | None
    """As its maker says."""
    summary: str | None = None
    """What its rows are; None for solutions."""
    head: Mapping[str, Any] = MappingProxyType({})
    """What the head of the card has besides."""
    away: str = "chosen, but another problem of this dataset came first"
    """Why problems were turned away that were chosen."""
    written: bool = True
    """Whether language models wrote what is in the rows; otherwise they only measured given problems."""

    @property
    def name(self) -> str:
        """That of its pipelines."""
        return shortened(" + ".join(dict.fromkeys(s.ledger.pipeline().name for s in self.selections)), LONGEST)

    @property
    def problems(self) -> int:
        """All problems."""
        return sum(selection.problems for selection in self.selections)

    @property
    def given(self) -> int:
        """The problems that no model wrote: seeds."""
        return sum(selection.given for selection in self.selections)

    @property
    def generated(self) -> bool:
        """Whether models wrote problems in one of its runs."""
        return any(selection.generates for selection in self.selections)


def dataset_card(made: Dataset) -> str:
    """Its card; the same ledgers, the same text."""
    sections = (_loading, _columns, _making, _models, _solve_rates, _left_out, _limits)
    return card(_head(made), [f"# {made.name}", _summary(made), *("\n\n".join(section(made)) for section in sections)])


def _head(made: Dataset) -> dict[str, Any]:
    return {
        "pretty_name": made.name,
        **({"license": made.licence} if made.licence else {}),
        "task_categories": ["text-generation"],
        "tags": ["synthetic", "sparq"] if made.written else ["sparq"],
        "size_categories": [next((size for size, most in SIZES if made.rows < most), LARGEST_SIZE)],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": pattern} for split, pattern in made.files.patterns.items()],
            }
        ],
        **made.head,
    }


def _summary(made: Dataset) -> str:
    if made.summary is not None:
        return made.summary
    wrote, where = ("Language models wrote both", " Where its `round` is 0, the problem is a seed, which was given.")
    if made.given == made.problems:
        wrote, where = ("The problems were given, language models wrote the solutions", "")
    return (
        f"{made.rows:,} solutions of {made.problems:,} problems. {wrote}: each problem was attempted several times, each "
        "attempt was checked, and the share of correct attempts measures how hard the problem is. Each row is one attempt."
        + where
    )


def _loading(made: Dataset) -> Iterator[str]:
    yield "## How to load it"
    calls = [f'{split} = load_dataset({made.files.loaded_by}, split="{split}")' for split in made.files.patterns]
    yield block("\n".join(["from datasets import load_dataset", "", *calls]), "python")


def _columns(made: Dataset) -> Iterator[str]:
    yield "## Columns"
    yield table(
        ["column", "type", "meaning"], [[code(column.name), column.kind, column.meaning] for column in made.columns]
    )


def _making(made: Dataset) -> Iterator[str]:
    yield "## How it was made"
    how = "writes new problems from given ones, attempts each of them, and plugins screen the problems and judge the attempts"
    if not made.generated:
        how = "attempts each of the given problems several times, and plugins judge the attempts"
    yield (
        f"With `sparq-engine` {version('sparq-engine')}, which implements SPARQ (arXiv 2506.06499): a model {how}. A run's "
        "digest names everything that was committed in it."
    )
    yield table(
        ["origin", "digest", "seed", "rounds", "seed problems", "attempts a problem", "problems here"],
        [_run(selection) for selection in made.selections],
    )
    used = dict.fromkeys(
        (code(plugin.name), code(plugin.distribution), _options(plugin.options))
        for selection in made.selections
        for plugin in plugins_of(selection.ledger)
    )
    yield table(["plugin", "from", "options that are numbers"], list(used))


def _run(selection: Selection) -> list[object]:
    ledger = selection.ledger
    pipeline, seeds = ledger.pipeline(), overview.seeds(ledger)
    rounds = ledger.last_round()
    origin, digest = code(selection.origin), code(ledger.last_digest())
    return [origin, digest, str(pipeline.seed), rounds, seeds.given, pipeline.attempts.k, selection.problems]


def _options(options: dict[str, object]) -> str:
    return ", ".join(f"{code(name)}: {value}" for name, value in options.items())


def _models(made: Dataset) -> Iterator[str]:
    yield "## Models and their licences"
    yield (
        "A licence is given as the model's own card names it, where that card was at hand. Some licences say what may be "
        "trained on a model's output, and some that it must be named."
    )
    models = dict.fromkeys(
        (code(model.name), ", ".join(map(code, model.roles)), _licence(model), code(model.weights))
        for selection in made.selections
        for model in models_of(selection.ledger, selection.folder)
    )
    yield table(["model", "plays", "licence", "digest of the weights"], list(models))


def _licence(model: ModelFacts) -> str:
    return code(model.licence) if model.licence else "not known"


def _solve_rates(made: Dataset) -> Iterator[str]:
    yield "## How hard the problems are"
    yield "Problems by solve rate: the share of the decided attempts that were correct, at the nearest place of this scale."
    counts = sum((selection.solve_rates for selection in made.selections), Counter[int]())
    tallest = max(counts.values(), default=1)
    bars = (
        f"{i / made.places:<6.4g} {counts[i]:>9,} {_bar(counts[i], tallest)}".rstrip() for i in range(made.places + 1)
    )
    yield block("\n".join(bars))


def _bar(count: int, tallest: int) -> str:
    return "#" * max(count > 0, round(WIDEST * count / tallest))


def _left_out(made: Dataset) -> Iterator[str]:
    yield f"## What was {'proposed' if made.generated else 'given'}, and what was left out"
    for selection in made.selections:
        counts, why = _proposed(selection) if selection.generates else _given(selection)
        yield counts
        away = Counter(selection.turned_away.values()).most_common()
        why += [(f"{made.away}: {code(reason)}", number) for reason, number in away]
        if why:
            yield table(["left out because", "number"], why)


Why = list[tuple[str, int]]


def _proposed(selection: Selection) -> tuple[str, Why]:
    """What became of the problems that models wrote."""
    ledger = selection.ledger
    tally = ledger.tally()
    rejected = sorted(tally.reasons.items(), key=lambda item: (-item[1], item[0]))[:MOST_REASONS]
    later = [(f"{b.outcome}: {code(b.reason)}", b.children) for b in spread.because(ledger, MOST_REASONS) if b.reason]
    counts = table([f"problems proposed in {code(selection.origin)}", "number"], funnel(tally))
    return counts, [*((f"rejected: {code(reason)}", number) for reason, number in rejected), *later]


def _given(selection: Selection) -> tuple[str, Why]:
    """What became of given problems, where no others were written."""
    given, left_out = overview.seeds(selection.ledger).given, overview.seeds_left_out(selection.ledger)
    counts = [("given", given), ("left out", sum(left_out.values())), ("kept", given - sum(left_out.values()))]
    why = [(code(reason), number) for reason, number in list(left_out.items())[:MOST_REASONS]]
    return table([f"problems given in {code(selection.origin)}", "number"], counts), why


def _limits(made: Dataset) -> Iterator[str]:
    yield "## Limits"
    yield "\n".join(f"- {limit}" for limit in _limits_of(made))


def _limits_of(made: Dataset) -> Iterator[str]:
    if not made.written:
        yield "Problems and reference answers are those that were given. A wrong reference makes its problem look hard."
    elif made.given == made.problems:
        yield "Solutions were written by language models. One with a correct final answer may still contain errors."
    else:
        yield (
            "Problems, solutions and reference answers were written by language models. A solution with a correct final "
            "answer may still contain errors, and a problem that is solved often enough may still be badly posed."
        )
    yield "A solve rate is an estimate from few attempts by one model; its 95% interval is in the columns next to it."
    plain = [s for s in made.selections if all(p.name != DECONTAMINATES for p in plugins_of(s.ledger))]
    if plain:
        yield (
            f"The plugin {code(DECONTAMINATES)} was not used{_where(plain, made)}: nothing compared the problems with "
            "benchmarks, unless another plugin named above did."
        )
    else:
        yield (
            f"The plugin {code(DECONTAMINATES)} rejected problems that share a sequence of words with the benchmarks it was "
            "given. Problems that repeat a benchmark in other words are not found in this way."
        )
    if any(selection.ledger.grading != GRADING for selection in made.selections):
        yield "The attempts were graded again after the run; the numbers of omitted problems are those of the run itself."
    if not made.licence:
        yield "No licence was given for this dataset."


def _where(some: Sequence[Selection], made: Dataset) -> str:
    if len(some) == len(made.selections):
        return ""
    return " in " + ", ".join(code(selection.origin) for selection in some)
