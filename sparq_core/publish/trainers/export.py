"""A dataset for a trainer: a folder with the lines, a card, and what else the trainer needs."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple

from msgspec import Struct

from sparq_core.contract.errors import PipelineError
from sparq_core.contract.files import absolute
from sparq_core.contract.thinking import without_thinking
from sparq_core.ledger import dataset, outputs
from sparq_core.ledger.dataset import file_digest
from sparq_core.ledger.reader import GRADING, Reader
from sparq_core.publish.dataset_card import Dataset, Files, dataset_card
from sparq_core.publish.export import README
from sparq_core.publish.facts import head_of
from sparq_core.publish.markdown import code, is_card_of_ours
from sparq_core.publish.selection import Selection, scale, selected
from sparq_core.publish.trainers.format import Format
from sparq_core.publish.trainers.row import Given, Grade, Row
from sparq_core.publish.trainers.sides import TRAIN, sides

DIGESTS = "sparq_files"
"""Where the head of a card names the files beside it, with their digests."""
LEFT_OUT = "chosen, but left out"
"""How a card tells of problems that make no line."""


class Order(Struct, frozen=True, kw_only=True):
    """What is to be exported, and how."""

    run: Path
    format: Format
    grading: int = GRADING
    licence: str | None = None
    holdout: float | None = None
    """The share of the run's lineages that goes into a file of its own."""
    thinking: Literal["keep", "strip"] = "keep"
    """What becomes of what a reasoning model thought, in attempts."""
    system: str | None = None
    """A system message before each prompt."""
    pairs: int = 1
    """Most pairs of a problem."""


class Exported(NamedTuple):
    """What was written."""

    place: str
    rows: dict[str, int]
    """By file."""
    left_out: dict[str, int]
    """Problems by the reason why they make no line."""
    use: str
    """What to tell the trainer."""


def export(order: Order, to: Path, grade: Grade) -> Exported:
    """
    Write the dataset of a run for a trainer into a folder; `grade` is the reward that the trainer will use.

    PipelineError where something else than an earlier export is there, and where the run has nothing of the kind.
    """
    format_ = order.format
    with (
        outputs.folder(to, "--to", is_earlier) as partial,
        Reader.open(order.run, order.grading) as ledger,
        ledger.snapshot(),
    ):
        given = _given(order, ledger, grade)
        name = identifier(ledger.pipeline().name)
        ids = [chosen.problem for chosen in dataset.kept_problems(ledger)]
        files = {
            f"{format_.folder(name)}{side}.{format_.kind}": _write(order, given, partial, side, some, name)
            for side, some in sides(ledger, ids, order.holdout).items()
        }
        for file, text in format_.code(name).items():
            (partial / file).write_text(text, encoding="utf-8")
        left_out = dict(Counter(given.left_out.values()).most_common())
        (partial / README).write_text(_card(order, given, files, partial), encoding="utf-8")
    use = format_.use.format(folder=to, run=absolute(order.run), name=name)
    return Exported(str(to), files, left_out, use)


def identifier(name: str) -> str:
    """A run's name as one of Python."""
    return "sparq_" + re.sub(r"\W", "_", name.lower())


def is_earlier(folder: Path) -> bool:
    """Whether a folder holds an earlier export of ours and nothing else, in which no file was edited."""
    card = folder / README
    if not (card.is_file() and is_card_of_ours(card)):
        return False
    digests = head_of(card).get(DIGESTS)
    there = (path for path in folder.rglob("*") if path != card and (path.is_symlink() or not path.is_dir()))
    return isinstance(digests, dict) and all(
        path.is_file() and digests.get(path.relative_to(folder).as_posix()) == file_digest(path) for path in there
    )


def _given(order: Order, ledger: Reader, grade: Grade) -> Given:
    return Given(
        ledger=ledger,
        say=without_thinking if order.thinking == "strip" else str,
        system=order.system,
        pairs=order.pairs,
        carries_extra=order.format.carries_extra,
        grade=grade,
        left_out={},
    )


def _write(order: Order, given: Given, folder: Path, side: str, ids: Sequence[str], name: str) -> int:
    """Write the lines of these problems; gives how many. PipelineError where there are none."""
    format_ = order.format
    run = given.ledger.pipeline().name
    lines = (row._replace(run=run, split=side, place=i) for i, row in enumerate(format_.source(given, ids)))
    first = next(lines, None)
    if first is None:
        raise PipelineError(_why_nothing(format_, given, side))
    path = folder / f"{format_.folder(name)}{side}.{format_.kind}"
    path.parent.mkdir(exist_ok=True)
    made = _filled(format_, chain([first], lines))
    if format_.kind == "parquet":
        return dataset.write_parquet(path, made, format_.columns)
    return dataset.write_jsonl(path, made)


def _filled(format_: Format, lines: Iterator[Row]) -> Iterator[dict[str, object]]:
    return ({column.name: column.fill(line) for column in format_.columns} for line in lines)


def _why_nothing(format_: Format, given: Given, side: str) -> str:
    reasons = Counter(given.left_out.values()).most_common(3)
    told = ", ".join(f"{reason} ({count:,})" for reason, count in reasons) or "no problem was kept"
    where = "" if side == TRAIN else " to hold out"
    return f"{format_.name}: the run has no {format_.what}{where}: {told}"


def _card(order: Order, given: Given, rows: Mapping[str, int], folder: Path) -> str:
    format_, ledger = order.format, given.ledger
    places = scale([ledger])
    found = [selected(order.run, ledger, places, given.left_out, dataset.kept_problems(ledger))]
    files = Files({Path(file).stem: file for file in rows}, repr("FOLDER"))
    made = Dataset(found, format_.columns, places, sum(rows.values()), files, order.licence)
    written = sorted(path for path in folder.rglob("*") if path.is_file())
    digests = {path.relative_to(folder).as_posix(): file_digest(path) for path in written}
    summary = _summary(order, rows, found[0])
    by_models = not (format_.rewarded and made.given == made.problems)
    return dataset_card(made._replace(summary=summary, head={DIGESTS: digests}, away=LEFT_OUT, written=by_models))


def _summary(order: Order, rows: Mapping[str, int], selection: Selection) -> str:
    told = " and ".join(f"{count:,} in {code(file)}" for file, count in rows.items())
    format_ = order.format
    return f"For {format_.name}: {sum(rows.values()):,} {format_.what}, {told}. {_written(format_, selection)}" + (
        " Each reference was graded by the run's own verifiers, as the reward of the trainer: what states it is correct, and a "
        "wrong answer is not."
        if format_.rewarded
        else ""
    )


def _written(format_: Format, selection: Selection) -> str:
    """Who wrote the lines."""
    if not (format_.rewarded and selection.given):
        return "Language models wrote them."
    if selection.given == selection.problems:
        return "They were given; a language model's attempts measured how hard they are."
    return f"Language models wrote them, except for {selection.given:,} that were given as seeds."
