"""The ledger's one writer: a step is one transaction, and its digest is chained to the one before."""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec
import zstandard
from msgspec.structs import replace

from sparq_core.contract.config import ModelConfig
from sparq_core.contract.records import Example, Judged, Score
from sparq_core.contract.sampling import Place
from sparq_core.contract.tally import Tally
from sparq_core.ledger import rows, storage
from sparq_core.ledger.entries import Graded, StepRecord, chained
from sparq_core.ledger.reader import DESCRIBED, GRADING, LATER, OWN, VIEW, Reader, made_by
from sparq_core.ledger.rows import Row, Values
from sparq_core.ledger.totalling import Totalling


class Ledger(Reader):
    """Reads like any `Reader`; writes steps, phases, curations and scores."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._compress = zstandard.ZstdCompressor(level=3).compress
        self._models: dict[str, int] = {
            digest: id_ for id_, digest in connection.execute("SELECT id, digest FROM model")
        }
        (last,) = connection.execute("SELECT max(id) FROM attempt").fetchone()
        self._last_attempt: int = last or 0
        self._accepted: Callable[[], None] | None = None
        self._home = storage.Home(connection)
        self._totals = Totalling(self, connection)

    def check_home(self) -> None:
        """RunMovedError where the ledger's file is no longer where it was opened."""
        self._home.check()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.check_home()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._totals.begin()
            if self._accepted:
                self._accepted()
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # SQLite itself rolls back where the disk is full or fails
                self._connection.execute("ROLLBACK")
            raise
        self._accepted = None

    def describe_run(
        self, name: str, base: str, pipeline: str, identity: str, cast: Mapping[str, str], grading: Mapping[str, Any]
    ) -> None:
        """Write what run this is: the ledger's first rows."""
        described = {"id": 1, "name": name, "base": base, "pipeline": pipeline, "identity": identity}
        with self._transaction():
            self._insert("run", [{**described, "cast": rows.as_json(cast)}])
            self._insert("grading", [rows.grading(GRADING, grading)])

    def become(self, name: str, base: str, pipeline: str, cast: Mapping[str, str]) -> None:
        """Be the ledger of another run of the same identity, which goes on from what is here."""
        with self._transaction():
            self._connection.execute(
                'UPDATE run SET name = ?, base = ?, pipeline = ?, "cast" = ?',
                (name, base, pipeline, rows.as_json(cast)),
            )

    def reprice(self, models: Mapping[str, ModelConfig]) -> None:
        """Let all tokens of the run have these models' prices, which are no part of its identity."""
        before = self.pipeline()
        asked = {
            name: replace(m, prices=models[name].prices) if name in models else m for name, m in before.models.items()
        }
        if asked != before.models:
            pipeline = msgspec.json.encode(replace(before, models=asked)).decode()
            with self._transaction():
                self._connection.execute("UPDATE run SET pipeline = ?", (pipeline,))

    def accept(
        self, changes: Iterable[tuple[str, Any, Any]], pipeline: str, identity: str, cast: Mapping[str, str]
    ) -> None:
        """
        Let the run be of another identity from here on, and keep which settings changed: (setting, before, after).

        It is written together with whatever is written next, so a run that gets no further is still the one it was.
        """
        changed = [self._place() | rows.change(*change) for change in changes]

        def write() -> None:
            axes = self.axes()
            self._connection.execute(
                'UPDATE run SET pipeline = ?, identity = ?, "cast" = ?', (pipeline, identity, rows.as_json(cast))
            )
            if self.axes() != axes:
                self._totals.count_anew()
            self._insert("change", changed)

        self._accepted = write

    def commit_step(self, record: StepRecord, metrics: Mapping[str, float], tally: Tally) -> None:
        """Add a step with everything it made, or nothing of it."""
        digest = chained(self.last_digest(), record)
        with self._transaction():
            self._insert("step", [rows.step(record, metrics, tally, digest)])
            self._insert_children(record)
            self._insert_attempts(record)
            self._insert("completion", [rows.completion(record, c, self._model(c.model)) for c in record.completions])
            self._totals.add_step(record)

    def _insert_children(self, record: StepRecord) -> None:
        children = [worked.child for worked in record.worked]
        self._insert("problem", [rows.problem(record, i, worked) for i, worked in enumerate(record.worked)])
        self._insert("parentage", [row for worked in record.worked for row in rows.parentage(worked.proposed)])
        self._insert(
            "outcome",
            [rows.outcome(GRADING, c.problem, c.counts, c.solve_rate, c) for c in children if not c.rejection],
        )
        described = [(child.problem.id, child.descriptors) for child in children]
        self._insert("descriptor", [row for id_, how in described for row in rows.descriptors(VIEW, id_, how)])

    def _insert_attempts(self, record: StepRecord) -> None:
        attempted = record.attempted
        if drawn := [(problem, judged) for problem, every in attempted for judged in every]:
            ids = range(self._last_attempt + 1, self._last_attempt + len(drawn) + 1)
            self._last_attempt += len(drawn)
            made = [(problem, judged.attempt) for problem, judged in drawn]
            said = [judged.verdict for _, judged in drawn]
            self._insert_values("attempt", rows.ATTEMPT, rows.attempts(record, ids, self._model(record.model), made))
            self._insert_values("verdict", rows.VERDICT, rows.verdicts(GRADING, ids, said))
        self._insert("text", [rows.text(record, problem, self._blob(every)) for problem, every in attempted])
        self._insert("again", [rows.again(record, retried) for retried in record.again])

    def _blob(self, every: Sequence[Judged]) -> bytes:
        return self._compress(msgspec.msgpack.encode([judged.attempt.text for judged in every]))

    def add_curation(self, round: int, config: Mapping[str, Any], examples: Iterable[Example]) -> None:
        """Add a choice of attempts."""
        with self._transaction():
            self._add_curation(round, config, examples)

    def _add_curation(self, round: int, config: Mapping[str, Any], examples: Iterable[Example]) -> None:
        curation = 1 + self.curations()
        self._insert("curation", [{"id": curation, "round": round, "config": rows.as_json(config)}])
        self._insert_values("curated", rows.CURATED, rows.curated(curation, examples))
        self._totals.add_choice()

    def add_grading(self, config: Mapping[str, Any], graded: Iterable[Graded]) -> int:
        """Add a grading of all stored attempts, in the order they were drawn; gives its id."""
        with self._transaction():
            grading = 1 + int(self._one("SELECT max(id) FROM grading"))
            self._insert("grading", [rows.grading(grading, config)])
            for case, assessment in graded:
                ids, said = self._attempts_of(case.problem.id), [judged.verdict for judged in case.judged]
                self._insert_values("verdict", rows.VERDICT, rows.verdicts(grading, ids, said))
                self._insert("outcome", [rows.outcome(grading, case.problem, case.counts, case.solve_rate, assessment)])
        return grading

    def add_labels(self, place: Place, described: Mapping[str, Mapping[str, Any]]) -> None:
        """Add how problems of a step that were not kept are described, by id, and what was paid for it."""
        made = [row for id_, how in described.items() for row in rows.descriptors(LATER, id_, {DESCRIBED: None, **how})]
        with self._transaction():
            self._insert("descriptor", made)
            self._insert("completion", [rows.completion(place, c, self._model(c.model)) for c in place.completions])
            self._totals.add_labels(described)

    def _attempts_of(self, problem: str) -> list[int]:
        """The attempts a problem is judged by, in the order they were drawn."""
        found = self.query(
            f"SELECT a.id FROM attempt a JOIN problem p ON p.id = a.problem WHERE p.id = ? AND {OWN} ORDER BY k",
            problem,
        )
        return [attempt for (attempt,) in found]

    def commit_phase(
        self,
        round: int,
        steps: int,
        name: str,
        config: str,
        digest: str,
        detail: str,
        scores: Sequence[Score] = (),
        chosen: Iterable[Example] | None = None,
    ) -> None:
        """Record that a phase of a round of so many steps is done, with the scores it gave or the attempts it chose."""
        at = {"round": round, "steps": steps}
        with self._transaction():
            self._insert("phase", [{**at, "name": name, "config": config, "digest": digest, "detail": detail}])
            self._insert("score", [{**at, "task": s.task, "item": s.item, "value": s.value} for s in scores])
            if chosen is not None:
                self._add_curation(round, msgspec.json.decode(config), chosen)

    def redo_phase(
        self, round: int, steps: int, name: str, config: str, digest: str, chosen: Iterable[Example] | None = None
    ) -> None:
        """Record that what a phase had made was lost, and that it made something else when it was done once more."""
        before = self.phase(round, name, steps)
        assert before  # noqa: S101 -- it was done
        with self._transaction():
            self._insert("change", [self._place() | rows.change(made_by(round, name, steps), before.digest, digest)])
            if chosen is not None:
                self._add_curation(round, msgspec.json.decode(config), chosen)

    def _place(self) -> Row:
        """The last step that was made before a change."""
        last = self.last_round()
        return {"round": last, "step": self.steps_of(last)}

    def _insert(self, table: str, made: Sequence[Row]) -> None:
        """Rows by the names of their columns, all alike."""
        if made:
            self._insert_values(table, made[0], map(itemgetter(*made[0]), made))

    def _insert_values(self, table: str, names: Collection[str], values: Iterable[Values]) -> None:
        marks = ", ".join("?" * len(names))
        self._connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", values)

    def _model(self, digest: str) -> int:
        if digest not in self._models:
            self._models[digest] = len(self._models) + 1
            self._insert("model", [{"id": self._models[digest], "digest": digest}])
        return self._models[digest]


@contextmanager
def writing(folder: Path) -> Iterator[Ledger]:
    """The ledger of a finished run, to add views to; RunLockedError while it runs."""
    path = folder / storage.DATABASE
    storage.check_there(path)
    with storage.locked(folder), closing(storage.open_writable(path)) as connection:
        yield Ledger(connection)
