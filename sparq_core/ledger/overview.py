"""What a run adds up to: the questions that the commands, the stop rules and the phases ask of a ledger."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import msgspec

from sparq_core.contract.niches import Axis, Niche
from sparq_core.contract.records import Outcome
from sparq_core.contract.tally import Tally
from sparq_core.ledger import afresh, totals
from sparq_core.ledger.afresh import Filled, Labels, Yield, axis_of
from sparq_core.ledger.intervals import Comparison, compare
from sparq_core.ledger.reader import GRADING, LATER, REASON, VIEW, PhaseRow, Reader

# -- the run -----------------------------------------------------------------------------------------------------------


def rounds(ledger: Reader) -> list[int]:
    """The rounds that have a committed step; round 0 ingests the seeds."""
    return [round_ for round_ in range(ledger.last_round() + 1) if ledger.steps_of(round_)]


def tally_after(ledger: Reader, round: int) -> Tally:
    """The counters after the last committed step of a round."""
    rows = ledger.query("SELECT tally FROM step WHERE round = ? ORDER BY step DESC LIMIT 1", round)
    return next((msgspec.json.decode(text, type=Tally) for (text,) in rows), Tally())


def phases(ledger: Reader) -> list[tuple[int, str, PhaseRow]]:
    """Every phase that is done with its round and name, in the order of the rounds."""
    rows = list(ledger.query("SELECT round, name, steps FROM phase ORDER BY round, steps"))
    found = ((round_, name, ledger.phase(round_, name, steps)) for round_, name, steps in rows)
    return [(round_, name, phase) for round_, name, phase in found if phase]


def compared(ledger: Reader) -> dict[int, list[Comparison]]:
    """Each benchmarked round's model against the base, task by task; round 0's is the one trained on the seeds."""
    scored = ledger.query("SELECT DISTINCT round FROM score WHERE round > 0 OR steps > 0 ORDER BY round")
    found = {round_: compare(ledger.scores(0), ledger.scores(round_, ledger.steps_of(round_))) for (round_,) in scored}
    return {round_: sorted(tasks, key=_in_order) for round_, tasks in found.items() if tasks}


def last_scores(ledger: Reader) -> dict[str, dict[str, float]]:
    """The last benchmarked model's value of each item by task; the base model's where no other was benchmarked."""
    last = max(compared(ledger), default=0)
    found: dict[str, dict[str, float]] = {}
    for score in ledger.scores(last, ledger.steps_of(last) if last else None) or ledger.scores(0):
        found.setdefault(score.task, {})[score.item] = score.value
    return found


def _in_order(task: Comparison) -> list[str | int]:
    """By name, with the numbers in it by their size: pass@4 before pass@16."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", task.task)]


# -- children ----------------------------------------------------------------------------------------------------------


class Accepted(NamedTuple):
    """A setting that was accepted to be another, after which step."""

    round: int
    step: int
    setting: str


def changes(ledger: Reader) -> list[Accepted]:
    """What of the run's identity was accepted to be another on resume, in that order."""
    return [Accepted(*row) for row in ledger.query("SELECT round, step, setting FROM change ORDER BY id")]


class Seeds(NamedTuple):
    """What can be trained on of the seeds."""

    given: int
    rejected: int
    unsolved: int
    """Not rejected, and without a solution of their own."""


class Unread(NamedTuple):
    """A child that could not be read from what its proposer wrote."""

    id: str
    why: str
    text: str
    cut_short: bool


def seeds(ledger: Reader) -> Seeds:
    """How many seeds there are, and why some cannot be trained on."""
    rows = ledger.query(
        "SELECT count(*), coalesce(sum(rejected_in IS NOT NULL), 0),"
        " coalesce(sum(rejected_in IS NULL AND solution = ''), 0) FROM problem WHERE round = 0"
    )
    return Seeds(*next(rows))


def seeds_left_out(ledger: Reader) -> dict[str, int]:
    """How many seeds are not among the parents, by the reason; the most frequent first."""
    rows = ledger.query(
        f"SELECT coalesce(p.rejected_by || ': ' || p.rejected_why, nullif({REASON}, ''), o.outcome), count(*) FROM problem p"
        " LEFT JOIN outcome o ON o.problem = p.id AND o.grading = ?"
        " WHERE p.round = 0 AND (p.rejected_in IS NOT NULL OR o.outcome <> 'kept') GROUP BY 1 ORDER BY 2 DESC, 1",
        ledger.grading,
    )
    return dict(rows)


def operators(ledger: Reader) -> dict[str, Yield]:
    """Children and kept ones by the operator that made them."""
    made, kept = totals.kept(ledger.query, "made"), totals.kept(ledger.query, "kept")
    if made is None or kept is None:
        return afresh.operators(ledger)
    of = {total.key: total.problems for total in kept}
    return {total.key: Yield(total.problems, of.get(total.key, 0)) for total in made}


def children_of(ledger: Reader, problem: str, most: int) -> list[str]:
    """The first children of a problem, at most so many, in the order they were committed."""
    rows = ledger.query(
        "SELECT p.id FROM parentage CROSS JOIN problem p ON p.id = parentage.child WHERE parent = ?"
        " ORDER BY p.round, p.step, p.child LIMIT ?",
        problem,
        most,
    )
    return [child for (child,) in rows]


def kept_after(ledger: Reader, most: int) -> Iterator[str]:
    """The kept children that come after the first `most`, in the order they were committed."""
    rows = ledger.query(
        "SELECT p.id FROM problem p JOIN outcome o ON o.problem = p.id AND o.grading = ? AND o.outcome = 'kept'"
        " WHERE p.round > 0 ORDER BY p.round, p.step, p.child LIMIT -1 OFFSET ?",
        ledger.grading,
        most,
    )
    return (id_ for (id_,) in rows)


def unread(ledger: Reader, most: int) -> list[Unread]:
    """The first children that could not be read, with what was written in their stead; at most so many."""
    rows = ledger.query(
        "SELECT p.id, p.rejected_why, coalesce(c.text, ''), coalesce(c.finish = 'length', 0) FROM problem p"
        " LEFT JOIN completion c ON c.round = p.round AND c.step = p.step AND c.hook = 'propose'"
        " AND c.plugin = p.rejected_by AND c.ordinal = p.ordinal"
        " WHERE p.rejected_in = 'propose' AND p.round > 0 ORDER BY p.round, p.step, p.child LIMIT ?",
        most,
    )
    return [Unread(id_, why, text, bool(cut)) for id_, why, text, cut in rows]


# -- completions and attempts ------------------------------------------------------------------------------------------


class Answer(NamedTuple):
    """A completion, and who asked for it."""

    hook: str
    plugin: str
    operator: str | None
    """Of a proposer's completion: by which it made a child."""
    seed: int
    text: str


def first_answers(ledger: Reader, round: int) -> list[Answer]:
    """The first completion of a round that each plugin asked for, of a proposer that of each operator."""
    rows = ledger.query(
        "SELECT c.hook, c.plugin, p.operator, c.seed, c.text, min(c.ordinal) FROM completion c"
        " LEFT JOIN problem p ON c.hook = 'propose' AND p.round = c.round AND p.step = c.step AND p.ordinal = c.ordinal"
        " WHERE c.round = ? GROUP BY c.hook, c.plugin, p.operator ORDER BY c.hook = 'describe', min(c.ordinal)",
        round,
    )
    return [Answer(*row[:5]) for row in rows]


def first_attempted(ledger: Reader, round: int) -> str | None:
    """A problem that was attempted in a round, or None."""
    rows = ledger.query("SELECT problem FROM attempt WHERE round = ? LIMIT 1", round)
    return next((problem for (problem,) in rows), None)


def attempted(ledger: Reader) -> list[str]:
    """Every problem with attempts, in the order in which it was first attempted."""
    rows = ledger.query("SELECT problem FROM attempt GROUP BY problem ORDER BY min(id)")
    return [problem for (problem,) in rows]


_ROUND = "coalesce(p.round = ?, p.round > 0)"


class Rated(NamedTuple):
    """A problem that got through the screens, with what its attempts said."""

    id: str
    outcome: Outcome
    solve_rate: float | None
    """None where no attempt was decided."""


def rated(ledger: Reader, round: int | None) -> list[Rated]:
    """The problems of a round, or of all but the seeds, that were not turned away before attempts, in order."""
    rows = ledger.query(
        "SELECT p.id, o.outcome, o.solve_rate FROM problem p JOIN outcome o ON o.problem = p.id AND o.grading = ?"
        f" WHERE p.rejected_in IS NULL AND {_ROUND} ORDER BY p.round, p.step, p.child",
        ledger.grading,
        round,
    )
    return [Rated(*row) for row in rows]


def turned_away(ledger: Reader, round: int | None) -> int:
    """How many children of a round, or of all, could not be read or were turned away before attempts."""
    rows = ledger.query(f"SELECT count(*) FROM problem p WHERE p.rejected_in IS NOT NULL AND {_ROUND}", round)
    return int(next(rows)[0])


# -- what was chosen ---------------------------------------------------------------------------------------------------


def curated(ledger: Reader) -> int:
    """How many problems the last choice of attempts has."""
    found = totals.kept(ledger.query, "chosen", str(ledger.curations()))
    return sum(total.problems for total in found) if found else afresh.curated(ledger)


def labelled(ledger: Reader) -> Labels:
    """How many children were attempted, and how many of them are described."""
    attempted, described = totals.kept(ledger.query, "attempted"), totals.kept(ledger.query, "described")
    if attempted is None or described is None:
        return afresh.labelled(ledger)
    return Labels(sum(total.problems for total in attempted), sum(total.problems for total in described))


def unlabelled(ledger: Reader) -> list[tuple[int, int, list[str]]]:
    """The problems, seeds included, that were attempted, not kept and not described, by the run or since, by round and step."""
    rows = ledger.query(
        "SELECT p.round, p.step, p.id FROM problem p"
        f" JOIN outcome o ON o.problem = p.id AND o.grading = {GRADING} AND o.outcome <> 'kept'"
        f" WHERE NOT EXISTS (SELECT 1 FROM descriptor d WHERE d.view IN ({VIEW}, {LATER}) AND d.problem = p.id)"
        " ORDER BY p.round, p.step, p.child"
    )
    return [(*place, [id_ for *_, id_ in some]) for place, some in groupby(rows, lambda row: (row[0], row[1]))]


def curated_niches(ledger: Reader, key: str, axis: Axis) -> dict[Niche, Filled]:
    """The problems of the last choice of attempts, by the niches that a list of labels makes."""
    chosen = totals.kept(ledger.query, "chosen", str(ledger.curations()))
    kept = _niches(ledger, "chosen niche", key, axis) if chosen else {}
    return kept or afresh.curated_niches(ledger, key, axis)


def labelled_niches(ledger: Reader, key: str, axis: Axis) -> dict[Niche, Filled]:
    """The children that are described, whatever became of them, by the niches that a descriptor makes."""
    return _niches(ledger, "niche", key, axis) or afresh.labelled_niches(ledger, key, axis)


def _niches(ledger: Reader, what: totals.What, key: str, axis: Axis) -> dict[Niche, Filled]:
    """The totals of a list of labels that makes niches as the run has it; empty where there are none of those."""
    if axis != axis_of(ledger, key):
        return {}
    found = totals.kept(ledger.query, what, key) or ()
    decode = msgspec.json.Decoder(Niche).decode
    return {decode(total.value): Filled(total.problems, total.best) for total in found}
