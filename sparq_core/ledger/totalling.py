"""How totals are kept in step with the ledger: each write adds its own, in its transaction."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any, get_args

import msgspec

from sparq_core.contract.niches import Axis, Niche, Niches
from sparq_core.ledger import afresh, totals
from sparq_core.ledger.afresh import Filled, axis_of
from sparq_core.ledger.entries import StepRecord
from sparq_core.ledger.reader import DESCRIBED, GRADING, Reader
from sparq_core.ledger.totals import What

Described = tuple[Mapping[str, Any], float]
"""What describes a child, and its quality."""
NONE = Filled(0, 0.0)
VALUES: tuple[What, What] = ("values", "lists")
NO_LABELS: Niche = ((),)
"""Where a problem without labels goes."""


class Sums:
    """Totals, or what is to be added to them."""

    def __init__(self) -> None:
        self.found: dict[tuple[What, str, str], Filled] = {}

    def add(self, what: What, key: str = "", value: str = "", problems: int = 1, best: float = 0.0) -> None:
        """Add problems to a total."""
        place = (what, key, value)
        self.found[place] = self.found.get(place, NONE).and_more(problems, best)

    def add_niches(self, what: What, key: str, niches: Iterable[tuple[Niche, Filled]]) -> None:
        """Add problems by the niches that a list of labels makes of them."""
        for niche, filled in niches:
            self.add(what, key, msgspec.json.encode(niche).decode(), *filled)

    def add_values(self, described: Mapping[str, Any]) -> None:
        """Add the values of a problem's descriptors."""
        for key, value in described.items():
            if key != DESCRIBED:
                self.add("values", key, problems=int(value is not None))
                self.add("lists", key, problems=int(_is_labels(value)))


class Totalling:
    """Adds to the totals of a ledger; every method is called within a transaction."""

    def __init__(self, ledger: Reader, connection: sqlite3.Connection) -> None:
        self._ledger, self._connection = ledger, connection
        self._niches: dict[str, Niches] = {}
        self._are_sound = False

    def begin(self) -> None:
        """
        Have totals to add to: count them where they are missing, as after an older version has written, or are damaged.

        Once they were found sound they stay so: nobody else writes, and to look at them takes as long as there are niches.
        """
        self._are_sound = self._are_sound or totals.are_sound(self._ledger.query)
        if not self._are_sound:
            self._connection.execute(_definition().replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"))
            self.count_anew()

    def count_anew(self) -> None:
        """Count everything from the rows."""
        self._niches.clear()
        self._connection.execute("DELETE FROM total")
        self._write(counted(self._ledger))

    def add_step(self, record: StepRecord) -> None:
        """Add the children of a step, once their rows are there."""
        sums, children = Sums(), [worked.child for worked in record.worked]
        sums.add("steps")
        for child in children:
            sums.add_values(child.descriptors)
            if record.round:
                sums.add("made", child.problem.operator)
                sums.add("kept", child.problem.operator, problems=int(child.outcome == "kept"))
                sums.add("attempted", problems=int(not child.rejection))
        if record.round:
            self._add_described(sums, [(child.descriptors, child.quality) for child in children if child.descriptors])
        self._write(sums)

    def add_labels(self, described: Mapping[str, Mapping[str, Any]]) -> None:
        """Add problems that are described by now, once their rows are there."""
        sums, children = Sums(), [id_ for id_ in described if not id_.startswith("0.")]
        for how in described.values():
            sums.add_values(how)
        qualities = self._ledger.query(
            "SELECT problem, quality FROM outcome WHERE grading = ? AND problem IN (SELECT value FROM json_each(?))",
            GRADING,
            msgspec.json.encode(children).decode(),
        )
        self._add_described(sums, [(described[id_], quality) for id_, quality in qualities])
        self._write(sums)
        if any(total.problems for total in totals.written(self._ledger.query, "chosen undescribed")):
            self._forget_choice()

    def add_choice(self) -> None:
        """Count the problems of the last choice of attempts, once its rows are there."""
        self._forget_choice()
        self._write(chosen(self._ledger))

    def _forget_choice(self) -> None:
        self._connection.execute("DELETE FROM total WHERE what IN ('chosen', 'chosen niche', 'chosen undescribed')")

    def _add_described(self, sums: Sums, described: Sequence[Described]) -> None:
        """Add described children; those before them have no labels under a key that is new here."""
        if not described:
            return
        every, lists = (self._with(sums, what) for what in VALUES)
        known = {total.key for total in totals.written(self._ledger.query, "values")}
        before = next((Filled(t.problems, t.best) for t in totals.written(self._ledger.query, "described")), NONE)
        for key in every:
            if every[key] == lists[key] and (axis := _axis(self._ledger, key)):
                if key not in known and before.problems:
                    sums.add_niches("niche", key, [(NO_LABELS, before)])
                niches = self._niches_of(key, axis)
                sums.add_niches("niche", key, _placed(niches, key, described))
        for _, quality in described:
            sums.add("described", best=quality)

    def _with(self, sums: Sums, what: What) -> dict[str, int]:
        """How many values there are by descriptor, with those that are to be added."""
        before = {total.key: total.problems for total in totals.written(self._ledger.query, what)}
        more = {key: filled.problems for (kind, key, _), filled in sums.found.items() if kind == what}
        return {key: before.get(key, 0) + more.get(key, 0) for key in sorted(before.keys() | more.keys())}

    def _niches_of(self, key: str, axis: Axis) -> Niches:
        """The niches of a list of labels, of which the seeds decide; those are all there before the first child."""
        if key not in self._niches:
            self._niches[key] = self._ledger.niches({key: axis})
        return self._niches[key]

    def _write(self, sums: Sums) -> None:
        self._connection.executemany(
            "INSERT INTO total VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
            " SET problems = problems + excluded.problems, best = max(best, excluded.best)",
            [(*place, *filled) for place, filled in sums.found.items()],
        )


def counted(ledger: Reader) -> Sums:
    """All totals, counted from the rows."""
    sums = Sums()
    (steps,) = next(ledger.query("SELECT count(*) FROM step"))
    sums.add("steps", problems=steps)
    for operator, made in afresh.operators(ledger).items():
        sums.add("made", operator, problems=made.children)
        sums.add("kept", operator, problems=made.kept)
    labelled = afresh.labelled(ledger)
    sums.add("attempted", problems=labelled.attempted)
    sums.add("described", problems=labelled.described, best=afresh.best_of_labelled(ledger))
    for key, (every, lists) in totals.values(ledger.query).items():
        sums.add("values", key, problems=every)
        sums.add("lists", key, problems=lists)
        if every == lists and (axis := _axis(ledger, key)):
            sums.add_niches("niche", key, afresh.labelled_niches(ledger, key, axis).items())
    sums.found |= chosen(ledger).found
    return sums


def chosen(ledger: Reader) -> Sums:
    """The totals of the last choice of attempts, counted from the rows."""
    sums = Sums()
    ledger.query(f"CREATE TEMP TABLE chosen AS SELECT problem FROM {afresh.CHOSEN}")
    try:
        sums.add("chosen", str(ledger.curations()), problems=afresh.curated(ledger, "temp.chosen"))
        sums.add("chosen undescribed", problems=afresh.curated_undescribed(ledger, "temp.chosen"))
        for key, is_labels in ledger.descriptors().items():
            if is_labels and (axis := _axis(ledger, key)):
                niches = afresh.curated_niches(ledger, key, axis, "temp.chosen")
                sums.add_niches("chosen niche", key, niches.items())
    finally:
        ledger.query("DROP TABLE temp.chosen")
    return sums


def wrong(ledger: Reader) -> list[What]:
    """The kinds of totals that are not what the rows add up to; those that nobody believes are left out."""
    found = counted(ledger).found
    lists = {key for key, (every, labels) in totals.values(ledger.query).items() if every == labels}
    kinds: list[What] = []
    for what in get_args(What):
        kept = totals.kept(ledger.query, what)
        shown = [t for t in kept or () if t.problems and ("niche" not in what or t.key in lists)]
        rows = {(t.key, t.value): (t.problems, t.best) for t in shown}
        wanted = {place[1:]: tuple(filled) for place, filled in found.items() if place[0] == what and filled.problems}
        if kept and rows != wanted:
            kinds.append(what)
    return kinds


def _is_labels(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list | tuple) and all(isinstance(label, str) for label in value)
    )


def _axis(ledger: Reader, key: str) -> Axis | None:
    """How the labels under a key make niches; None where the run cuts numbers there."""
    axis = axis_of(ledger, key)
    return axis if axis.bins is None else None


def _placed(niches: Niches, key: str, described: Sequence[Described]) -> Iterable[tuple[Niche, Filled]]:
    for how, quality in described:
        if (labels := how.get(key)) is None or _is_labels(labels):
            yield niches.of({key: labels}), Filled(1, quality)


def _definition() -> str:
    """How the table of totals is made."""
    schema = files("sparq_core.ledger").joinpath("schema.sql").read_text(encoding="utf-8")
    return schema[schema.index("CREATE TABLE total") :]
