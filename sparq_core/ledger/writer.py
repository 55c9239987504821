"""The ledger's one writer: a step is one transaction, and its digest is chained to the one before."""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from sparq_core.contract.records import Assessment, Child, Counts, Example, Score
from sparq_core.contract.tally import Tally
from sparq_core.ledger import storage
from sparq_core.ledger.entries import Graded, StepRecord
from sparq_core.ledger.reader import GRADING, OWN, VIEW, Reader


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

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def describe_run(
        self, name: str, base: str, pipeline: str, identity: str, cast: Mapping[str, str], grading: Mapping[str, Any]
    ) -> None:
        """Write what run this is: the ledger's first rows."""
        with self._transaction():
            self._connection.execute(
                "INSERT INTO run VALUES (1, ?, ?, ?, ?, ?)", (name, base, pipeline, identity, _json(cast))
            )
            self._connection.execute(
                "INSERT INTO grading VALUES (?, ?, ?)", (GRADING, _json(list(grading)), _json(grading))
            )

    def accept(
        self, changes: Iterable[tuple[str, Any, Any]], pipeline: str, identity: str, cast: Mapping[str, str]
    ) -> None:
        """Let the run be of another identity from here on, and keep which settings changed: (setting, before, after)."""
        last = self.last_round()
        steps = self.steps_of(last)
        with self._transaction():
            self._connection.execute(
                'UPDATE run SET pipeline = ?, identity = ?, "cast" = ?', (pipeline, identity, _json(cast))
            )
            self._connection.executemany(
                "INSERT INTO change (round, step, setting, before, after) VALUES (?, ?, ?, ?, ?)",
                [(last, steps, setting, _json(before), _json(after)) for setting, before, after in changes],
            )

    def commit_step(self, record: StepRecord, metrics: Mapping[str, float], tally: Tally) -> None:
        """Add a step with everything it made, or nothing of it."""
        digest = hashlib.blake2b(self.last_digest().encode() + record.canonical(), digest_size=16).hexdigest()
        with self._transaction():
            self._insert(
                "step",
                [
                    (
                        record.round,
                        record.step,
                        record.horizon,
                        record.in_flight,
                        _json(record.parents),
                        _json(metrics),
                        _json(tally),
                        digest,
                    )
                ],
            )
            self._insert_children(record)
            self._insert_attempts(record)
            self._insert(
                "completion",
                [
                    (
                        record.round,
                        record.step,
                        c.hook,
                        c.plugin,
                        c.ordinal,
                        c.role,
                        self._model(c.model),
                        c.seed,
                        c.tokens,
                        c.prompt_tokens,
                        c.finish,
                        c.text,
                    )
                    for c in record.completions
                ],
            )

    def _insert_children(self, record: StepRecord) -> None:
        problems, parentage, outcomes, descriptors = [], [], [], []
        for number, worked in enumerate(record.worked):
            child, problem = worked.child, worked.proposed
            rejection = child.rejection
            problems.append(
                (
                    problem.id,
                    record.round,
                    record.step,
                    number,
                    problem.operator,
                    problem.statement,
                    problem.answer,
                    problem.solution,
                    _json(problem.extra),
                    problem.ordinal,
                    rejection.hook if rejection else None,
                    rejection.plugin if rejection else None,
                    rejection.reason if rejection else None,
                    content_digest(problem.statement, problem.answer),
                )
            )
            parentage += [(problem.id, i, parent) for i, parent in enumerate(problem.parents)]
            if not rejection:
                came_to = _came_to(child.counts, child.solve_rate, child)
                outcomes.append((GRADING, problem.id, child.problem.answer, *came_to))
            descriptors += [(VIEW, problem.id, key, _json(value)) for key, value in sorted(child.descriptors.items())]
        self._insert("problem", problems)
        self._insert("parentage", parentage)
        self._insert("outcome", outcomes)
        self._insert("descriptor", descriptors)

    def _insert_attempts(self, record: StepRecord) -> None:
        attempts, verdicts, texts = [], [], []
        for problem, every in record.attempted:
            for judged in every:
                self._last_attempt += 1
                attempt, verdict = judged.attempt, judged.verdict
                attempts.append(
                    (
                        self._last_attempt,
                        problem,
                        record.round,
                        record.step,
                        attempt.k,
                        self._model(record.model),
                        attempt.seed,
                        attempt.tokens,
                        attempt.prompt_tokens,
                        attempt.finish,
                    )
                )
                verdicts.append(
                    (GRADING, self._last_attempt, verdict.value, verdict.reason, verdict.by, verdict.answer)
                )
            blob = self._compress(msgspec.msgpack.encode([j.attempt.text for j in every]))
            texts.append((problem, record.round, record.step, blob))
        self._insert("attempt", attempts)
        self._insert("verdict", verdicts)
        self._insert("text", texts)
        again = [
            (record.round, record.step, r.child.problem.id, *_came_to(r.child.counts, r.child.solve_rate, r.child))
            for r in record.again
        ]
        self._insert("again", again)

    def add_curation(self, round: int, config: Mapping[str, Any], examples: Iterable[Example]) -> int:
        """Add a choice of attempts; gives its id."""
        with self._transaction():
            (last,) = self._connection.execute("SELECT coalesce(max(id), 0) FROM curation").fetchone()
            self._insert("curation", [(last + 1, round, _json(config))])
            self._connection.executemany(
                "INSERT INTO curated VALUES (?, ?, ?, ?)",
                ((last + 1, i, e.problem, e.attempt) for i, e in enumerate(examples)),
            )
        return int(last) + 1

    def add_grading(self, grading: Mapping[str, Any], graded: Iterable[Graded]) -> int:
        """Add a grading of all stored attempts, in the order they were drawn; gives its id."""
        with self._transaction():
            (last,) = self._connection.execute("SELECT max(id) FROM grading").fetchone()
            self._connection.execute(
                "INSERT INTO grading VALUES (?, ?, ?)", (last + 1, _json(list(grading)), _json(grading))
            )
            for case, assessment in graded:
                ids = self._connection.execute(
                    f"SELECT a.id FROM attempt a JOIN problem p ON p.id = a.problem WHERE p.id = ? AND {OWN} ORDER BY k",
                    (case.problem.id,),
                ).fetchall()
                verdicts = [
                    (last + 1, attempt, v.value, v.reason, v.by, v.answer)
                    for (attempt,), v in zip(ids, (j.verdict for j in case.judged), strict=True)
                ]
                self._insert("verdict", verdicts)
                came_to = _came_to(case.counts, case.solve_rate, assessment)
                self._insert("outcome", [(last + 1, case.problem.id, case.problem.answer, *came_to)])
        return int(last) + 1

    def commit_phase(
        self, round: int, name: str, config: str, digest: str, detail: str, scores: Sequence[Score] = ()
    ) -> None:
        """Record that a phase of a drained round is done, with the scores it gave."""
        steps = self._extent(round)
        with self._transaction():
            self._insert("phase", [(round, steps, name, config, digest, detail)])
            self._insert("score", [(round, steps, s.task, s.item, s.value) for s in scores])

    def _insert(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self._connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)

    def _model(self, digest: str) -> int:
        if digest not in self._models:
            self._models[digest] = len(self._models) + 1
            self._insert("model", [(self._models[digest], digest)])
        return self._models[digest]


def _came_to(counts: Counts, solve_rate: float | None, said: Child | Assessment) -> tuple[Any, ...]:
    """The columns that `outcome` and `again` share."""
    return counts.correct, counts.incorrect, counts.unknown, solve_rate, said.outcome, said.reason, said.quality


@contextmanager
def writing(folder: Path) -> Iterator[Ledger]:
    """The ledger of a finished run, to add views to; RunLockedError while it runs."""
    lock = storage.Lock(folder)
    try:
        with closing(storage.open_writable(folder / storage.DATABASE)) as connection:
            yield Ledger(connection)
    finally:
        lock.release()


def content_digest(statement: str, answer: str | None) -> str:
    """Names a problem by its content."""
    return hashlib.blake2b(f"{statement}\x1f{answer}".encode(), digest_size=12).hexdigest()


def _json(value: Any) -> str:
    return msgspec.json.encode(value, order="deterministic").decode()
