"""Reading a ledger: for resuming, curation, export and the commands that show a run."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec
import zstandard
from msgspec.structs import replace

from sparq_core.contract.config import Pipeline
from sparq_core.contract.decoding import learn
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.niches import Axis, Niches
from sparq_core.contract.records import Attempt, Child, Counts, Judged, Problem, Rejection, Score, Solved, Step, Verdict
from sparq_core.contract.tally import Tally, priced, prices_of
from sparq_core.contract.wording import AGREED
from sparq_core.ledger import storage, totals
from sparq_core.ledger.rows import as_json

GRADING = 1
"""The grading made by the run itself."""
VIEW = 1
"""The descriptors given by the run itself."""
LATER = 2
"""Those given after the run, to problems that had none."""
DESCRIBED = ""
"""The key that marks a problem as described later, whatever it was described by."""
REASON = f"iif(o.outcome = 'disputed', '{AGREED}', o.reason)"
"""Why a problem with the outcome `o` was not kept: disputed ones, which have an answer each in it, have one in common."""
_PROBLEM = "p.id, p.operator, p.statement, p.answer, p.solution, p.extra, p.ordinal"
_PARENTS = "(SELECT json_group_array(parent) FROM (SELECT parent FROM parentage WHERE child = p.id ORDER BY ordinal))"
_DESCRIPTORS = (
    "(SELECT json_group_object(key, json(value)) FROM descriptor"
    f" WHERE view IN ({{views}}) AND key <> '{DESCRIBED}' AND problem = p.id)"
)
_OWN, _EVERY = f"{VIEW}", f"{VIEW}, {LATER}"
"""The views of descriptors: those a run has made, and all there are."""
OWN = "a.round = p.round AND a.step = p.step"
"""The attempts `a` that a problem `p` is judged by: those of its own step, not those it got later as a parent."""
_ATTEMPTS = (
    "(SELECT json_group_array(json_array(a.id, v.value)) FROM"
    f" (SELECT a.id FROM attempt a WHERE a.problem = p.id AND {OWN} ORDER BY a.k) a"
    " JOIN verdict v ON v.attempt = a.id AND v.grading = {grading})"
)
_NO_ATTEMPTS = "'[]'"


class RunRow(NamedTuple):
    """What run a ledger is of; all empty before it is described."""

    name: str = ""
    base: str = ""
    """The pipeline file's folder; empty where an older version made the ledger."""
    pipeline: str = ""
    """As resolved, JSON."""
    identity: str = ""
    """What may not change on resume, JSON."""

    @property
    def weights_version(self) -> int:
        """In which of the engine's ways the digests of models are made; the first one was not written down."""
        version: int = msgspec.json.decode(self.identity or "{}").get("weights_version", 1)
        return version

    def base_or(self, folder: Path) -> Path:
        """Where the pipeline's relative paths start: its own folder, as long as that is there, else another."""
        base = Path(self.base)
        return base if self.base and base.is_dir() else folder


class PhaseRow(NamedTuple):
    """A phase of a round that is done."""

    config: str
    """The plugins that did it and their options, JSON."""
    digest: str
    """Of what it made."""
    detail: str


def made_by(round: int, name: str, steps: int) -> str:
    """How the ledger's changes call what a phase of a round of so many steps has made."""
    return f"what {name} made of round {round} with {steps} steps"


class StepRow(NamedTuple):
    """What a step began with and what the plugins' `commit` answered in the end."""

    parents: tuple[str, ...]
    metrics: dict[str, float]
    horizon: int
    """Up to which step of its round `select` saw."""


learn(Pipeline, Tally, Axis, StepRow)


class Drawn(NamedTuple):
    """An attempt as the dataset has it."""

    k: int
    text: str
    model: str
    """Digest of the weights that drew it."""


class Reader:
    """A ledger that is read; open one with `Reader.open(folder)`."""

    def __init__(self, connection: sqlite3.Connection, grading: int = GRADING) -> None:
        self._connection = connection
        self.grading = grading
        self._decompress = zstandard.ZstdDecompressor().decompress

    @classmethod
    def open(cls, folder: Path, grading: int = GRADING) -> "Reader":
        """The ledger of a run folder, by default in the run's own grading; PipelineError where there is no such."""
        connection = storage.open_readonly(folder / storage.DATABASE)
        with storage.closed_on_error(connection):
            ledger = cls(connection, grading)
            known = [id_ for (id_,) in ledger.query("SELECT id FROM grading ORDER BY id")]
            if grading not in known and known:
                raise PipelineError(f"{folder}: has no grading {grading}; it has {', '.join(map(str, known))}")
        return ledger

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def query(self, sql: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Rows of a query of your own; the tables are described in `schema.sql`."""
        return iter(self._connection.execute(sql, values))

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """While it lasts, the ledger is read as it was at the first query, whatever a run writes meanwhile."""
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("COMMIT")

    @property
    def is_readable_while_written(self) -> bool:
        """Whether a reader and the writer do not wait for each other."""
        mode: str = self._one("PRAGMA journal_mode")
        return mode == "wal"

    def _one(self, sql: str, *values: Any) -> Any:
        row = self._connection.execute(sql, values).fetchone()
        return row[0] if row else None

    # -- the run -------------------------------------------------------------------------------------------------------

    def run(self) -> RunRow:
        """What run this is, as it is described in the ledger."""
        row = self._connection.execute("SELECT name, base, pipeline, identity FROM run").fetchone()
        return RunRow(*row or ())

    def pipeline(self) -> Pipeline:
        """The pipeline the ledger was made with, as resolved."""
        return msgspec.json.decode(self.run().pipeline, type=Pipeline)

    def last_digest(self) -> str:
        """The run's digest: of all that was committed; empty before the first step."""
        return self._one("SELECT digest FROM step ORDER BY round DESC, step DESC LIMIT 1") or ""

    def tally(self) -> Tally:
        """The counters after the last committed step, with their money at the prices that the run has now."""
        text = self._one("SELECT tally FROM step ORDER BY round DESC, step DESC LIMIT 1")
        return priced(msgspec.json.decode(text, type=Tally), prices_of(self.pipeline())) if text else Tally()

    def last_round(self) -> int:
        """The last round that has a committed step; 0 while the seeds are ingested."""
        return self._one("SELECT max(round) FROM step") or 0

    def graded_by(self, config: Mapping[str, Any]) -> int | None:
        """The last grading that was made in this way and holds every problem that the run's own does."""
        found: int | None = self._one(
            "SELECT max(id) FROM grading g WHERE config = ? AND (SELECT count(*) FROM outcome WHERE grading = g.id)"
            " = (SELECT count(*) FROM outcome WHERE grading = ?)",
            as_json(config),
            GRADING,
        )
        return found

    def curations(self) -> int:
        """How many choices of attempts were recorded."""
        return self._one("SELECT count(*) FROM curation") or 0

    def steps_of(self, round: int) -> int:
        """How many steps of a round are committed."""
        return self._one("SELECT max(step) FROM step WHERE round = ?", round) or 0

    def _extent(self, round: int, steps: int | None) -> int:
        """What tells the phases of a round that was extended from those before: the steps it had then."""
        if steps is None:
            return self.steps_of(round) if round else 0
        return steps

    def phase(self, round: int, name: str, steps: int | None = None) -> PhaseRow | None:
        """
        Config, digest and detail of a phase that is done for so many steps of its round, by default for all it has.

        Round 0 is by default the base model, which is benchmarked before its first step.
        """
        row = self._connection.execute(
            "SELECT config, digest, detail FROM phase WHERE round = ? AND name = ? AND steps = ?",
            (round, name, self._extent(round, steps)),
        ).fetchone()
        return self._as_made_last(PhaseRow(*row), made_by(round, name, self._extent(round, steps))) if row else None

    def _as_made_last(self, phase: PhaseRow, made: str) -> PhaseRow:
        """A phase with the digest of what it made when it was last done."""
        digest = self._one("SELECT after FROM change WHERE setting = ? ORDER BY id DESC LIMIT 1", made)
        return phase._replace(digest=msgspec.json.decode(digest, type=str)) if digest else phase

    def scores(self, round: int, steps: int | None = None) -> list[Score]:
        """A round's benchmark rows; round 0 is the base model, after its last step the one trained on the seeds."""
        rows = self.query(
            "SELECT task, item, value FROM score WHERE round = ? AND steps = ? ORDER BY task, item",
            round,
            self._extent(round, steps),
        )
        return [Score(task=task, item=item, value=value) for task, item, value in rows]

    def descriptors(self) -> dict[str, bool]:
        """What problems are described by, in the order of names, and whether it is labels: one, or a list of them."""
        every, lists = totals.kept(self.query, "values"), totals.kept(self.query, "lists")
        if every is None or lists is None:
            return {key: found == labels for key, (found, labels) in totals.values(self.query).items()}
        labels_of = {total.key: total.problems for total in lists}
        return {total.key: total.problems == labels_of.get(total.key) for total in every if total.problems}

    def axes(self) -> dict[str, Axis]:
        """What the run's own niches are made of: the option `niches` of its selector; empty where that has none."""
        for member in msgspec.json.decode(self.run().identity or "{}").get("plugins", {}).values():
            with suppress(msgspec.ValidationError):  # a stranger's plugin may mean something else by that name
                return msgspec.convert(member["with"].get("niches"), dict[str, Axis])
        return {}

    def niches(self, axes: Mapping[str, Axis]) -> Niches:
        """The niches of these axes, as selection makes them: of labels, the most common ones of the seeds count."""
        niches = Niches(axes)
        for (described,) in self.query(
            "SELECT json_group_object(d.key, json(d.value)) FROM problem p CROSS JOIN descriptor d ON d.problem = p.id"
            " WHERE d.view = ? AND p.round = 0 AND d.key IN (SELECT value FROM json_each(?)) GROUP BY p.id",
            VIEW,
            msgspec.json.encode(list(axes)).decode(),
        ):
            niches.learn(msgspec.json.decode(described))
        return niches

    # -- steps and problems --------------------------------------------------------------------------------------------

    def step(self, round: int, step: int) -> Step:
        """A committed step as `commit` gets it."""
        parents = self.step_row(round, step).parents
        solved = self._solved("p.round = ? AND p.step = ?", round, step, attempts=False, views=_OWN)
        children = tuple(s.child for s in solved)
        return Step(round=round, step=step, parents=parents, children=children, again=tuple(self._again(round, step)))

    def _again(self, round: int, step: int) -> Iterator[Child]:
        for id_, correct, incorrect, unknown, rate, outcome, reason, quality in self.query(
            "SELECT problem, correct, incorrect, unknown, solve_rate, outcome, reason, quality FROM again"
            " WHERE round = ? AND step = ? ORDER BY problem",
            round,
            step,
        ):
            yield replace(
                self.solved_one(id_).child,
                counts=Counts(correct, incorrect, unknown),
                solve_rate=rate,
                outcome=outcome,
                reason=reason,
                quality=quality,
            )

    def step_row(self, round: int, step: int) -> StepRow:
        """What a committed step began with, and its metrics."""
        parents, metrics, horizon = self._connection.execute(
            "SELECT parents, metrics, horizon FROM step WHERE round = ? AND step = ?", (round, step)
        ).fetchone()
        return msgspec.convert((msgspec.json.decode(parents), msgspec.json.decode(metrics), horizon), StepRow)

    def proposed(self, round: int, step: int) -> list[tuple[Problem, Rejection | None]]:
        """A step's children as they were proposed, with the rejections of those turned away."""
        rows = self._connection.execute(
            f"SELECT {_PROBLEM}, {_PARENTS}, rejected_in, rejected_by, rejected_why FROM problem p"
            " WHERE round = ? AND step = ? ORDER BY child",
            (round, step),
        )
        return [(_problem(row[:8]), Rejection(*row[8:]) if row[8] else None) for row in rows]

    def last_attempt(self) -> int:
        """The id of the attempt that was recorded last; 0 where there is none."""
        return self._one("SELECT max(id) FROM attempt") or 0

    def problems_of(self, attempts: Iterable[int]) -> dict[int, str]:
        """The problem that each of these attempts is one at; those that are not there are left out."""
        rows = self._connection.execute(
            "SELECT a.id, problem FROM json_each(?) j CROSS JOIN attempt a ON a.id = j.value",
            (msgspec.json.encode(list(attempts)).decode(),),
        )
        return dict(rows.fetchall())

    def problems(self, ids: Sequence[str]) -> list[Problem]:
        """Problems by id, in the order asked; KeyError for one that is not there."""
        rows = self._connection.execute(
            f"SELECT {_PROBLEM}, {_PARENTS} FROM json_each(?) j CROSS JOIN problem p ON p.id = j.value",
            (msgspec.json.encode(list(dict.fromkeys(ids))).decode(),),
        )
        found = {problem.id: problem for problem in map(_problem, rows)}
        return [found[id_] for id_ in ids]

    def solved(self, rounds: Sequence[int] | None = None, outcome: str | None = "kept") -> Iterator[Solved]:
        """Problems in the order they were committed, by default the kept ones of all rounds; seeds are round 0."""
        where = "1"
        values: list[str | int] = []
        if outcome is not None:
            where, values = "o.outcome = ?", [outcome]
        if rounds is not None:
            where += f" AND p.round IN ({', '.join('?' * len(rounds))})"
            values += rounds
        return self._solved(where, *values, attempts=True)

    def counts(self, problem: str) -> Counts:
        """How the attempts a problem is judged by came out; none for one that was not attempted."""
        row = self._connection.execute(
            "SELECT correct, incorrect, unknown FROM outcome WHERE grading = ? AND problem = ?", (self.grading, problem)
        ).fetchone()
        return Counts(*row) if row else Counts()

    def solved_one(self, problem: str) -> Solved:
        """One problem with what its attempts came to; KeyError where there is none."""
        for solved in self._solved("p.id = ?", problem, attempts=True):
            return solved
        raise KeyError(problem)

    def child(self, problem: str) -> Child:
        """What became of one problem; KeyError where there is none."""
        for solved in self._solved("p.id = ?", problem, attempts=False):
            return solved.child
        raise KeyError(problem)

    def correct(self) -> Iterator[tuple[str, int]]:
        """Every correct attempt at every kept problem, as (problem, attempt id), in the order they were committed."""
        return self.query(
            "SELECT p.id, a.id FROM problem p"
            " CROSS JOIN outcome o ON o.problem = p.id AND o.grading = ? AND o.outcome = 'kept'"
            f" CROSS JOIN attempt a ON a.problem = p.id AND {OWN}"
            " CROSS JOIN verdict v ON v.attempt = a.id AND v.grading = o.grading AND v.value = 'correct'"
            " ORDER BY p.round, p.step, p.child, a.k",
            self.grading,
        )

    def children(self, problems: Iterable[str]) -> dict[str, Child]:
        """What became of these problems, by id; those that are not there are left out."""
        ids = msgspec.json.encode(list(problems)).decode()
        found = self._solved("p.id IN (SELECT value FROM json_each(?))", ids, attempts=False)
        return {solved.child.problem.id: solved.child for solved in found}

    def attempts(self, ids: Iterable[int]) -> dict[int, tuple[str, Drawn]]:
        """These attempts by id, each with the problem that it is one at; those that are not there are left out."""
        rows = self._connection.execute(
            "SELECT a.id, problem, round, step, k, digest FROM json_each(?) j CROSS JOIN attempt a ON a.id = j.value"
            " JOIN model m ON m.id = a.model",
            (msgspec.json.encode(list(ids)).decode(),),
        ).fetchall()
        texts = {place: self._texts(*place) for place in {row[1:4] for row in rows}}
        return {id_: (place[0], Drawn(k, texts[tuple(place)][k], model)) for id_, *place, k, model in rows}

    def _solved(self, where: str, *values: Any, attempts: bool, views: str = _EVERY) -> Iterator[Solved]:
        listed = _ATTEMPTS.format(grading=self.grading) if attempts else _NO_ATTEMPTS
        rows = self._connection.execute(
            f"SELECT {_PROBLEM}, {_PARENTS}, {_DESCRIPTORS.format(views=views)}, {listed},"
            " p.rejected_in, p.rejected_by, p.rejected_why,"
            " o.answer, o.correct, o.incorrect, o.unknown, o.solve_rate, o.outcome, o.reason, o.quality"
            f" FROM problem p LEFT JOIN outcome o ON o.problem = p.id AND o.grading = {self.grading}"
            f" WHERE {where} ORDER BY p.round, p.step, p.child",
            values,
        )
        return (_solved(row) for row in rows)

    # -- attempts ------------------------------------------------------------------------------------------------------

    def attempt(self, attempt: int) -> Drawn:
        """Number k, text and model digest of one attempt."""
        problem, round_, step, k, model = self._connection.execute(
            "SELECT problem, round, step, k, digest FROM attempt a JOIN model m ON m.id = a.model WHERE a.id = ?",
            (attempt,),
        ).fetchone()
        return Drawn(k, self._texts(problem, round_, step)[k], model)

    def written(self, problem: str) -> str | None:
        """What the generator wrote of which a problem was read, where that was recorded."""
        text: str | None = self._one(
            "SELECT c.text FROM problem p JOIN completion c ON c.round = p.round AND c.step = p.step"
            " AND c.hook = 'propose' AND c.ordinal = p.ordinal WHERE p.id = ?",
            problem,
        )
        return text

    def completions_of(self, round: int, step: int, hook: str, plugin: str) -> int:
        """How many completions a plugin has had for a hook in a step."""
        return (
            self._one(
                "SELECT count(*) FROM completion WHERE round = ? AND step = ? AND hook = ? AND plugin = ?",
                round,
                step,
                hook,
                plugin,
            )
            or 0
        )

    def judged(self, problem: str) -> list[Judged]:
        """The attempts a problem is judged by with their verdicts, in the order they were drawn."""
        return self.judged_at(problem, *_place(problem))

    def judged_at(self, problem: str, round: int, step: int) -> list[Judged]:
        """The attempts a problem got in one step."""
        return self._judged("(a.round, a.step) = (?, ?)", problem, round, step)

    def judged_again(self, problem: str) -> list[Judged]:
        """The attempts a problem got later, as a parent."""
        return self._judged("(a.round, a.step) > (?, ?)", problem, *_place(problem))

    def judged_in(self, problem: str, round: int, until: int) -> list[Judged]:
        """All attempts a problem got in a round up to a step."""
        return self._judged("a.round = ? AND a.step <= ?", problem, round, until)

    def _judged(self, where: str, problem: str, *values: int) -> list[Judged]:
        rows = self._connection.execute(
            "SELECT a.round, a.step, a.k, a.seed, a.tokens, a.prompt_tokens, a.finish, v.value, v.reason, v.plugin, v.answer"
            " FROM attempt a JOIN verdict v ON v.attempt = a.id AND v.grading = ?"
            f" WHERE a.problem = ? AND {where} ORDER BY a.round, a.step, a.k",
            (self.grading, problem, *values),
        ).fetchall()
        texts = {place: self._texts(problem, *place) for place in {(r, s) for r, s, *_ in rows}}
        return [
            Judged(
                Attempt(k=k, seed=seed, text=texts[r, s][k], finish=finish, tokens=tokens, prompt_tokens=prompt),
                Verdict(value=value, reason=reason, by=plugin, answer=answer),
            )
            for r, s, k, seed, tokens, prompt, finish, value, reason, plugin, answer in rows
        ]

    def _texts(self, problem: str, round: int, step: int) -> list[str]:
        blob = self._one("SELECT blob FROM text WHERE problem = ? AND round = ? AND step = ?", problem, round, step)
        return msgspec.msgpack.decode(self._decompress(blob), type=list[str])


def _place(id_: str) -> tuple[int, int]:
    """The round and step of a problem."""
    round_, step, _ = id_.split(".")
    return int(round_), int(step)


def _problem(row: Sequence[Any]) -> Problem:
    id_, operator, statement, answer, solution, extra, ordinal, parents = row
    return Problem(
        id=id_,
        operator=operator,
        statement=statement,
        answer=answer,
        solution=solution,
        extra=msgspec.json.decode(extra),
        ordinal=ordinal,
        parents=tuple(msgspec.json.decode(parents)),
    )


def _solved(row: Sequence[Any]) -> Solved:
    descriptors, attempts, hook, plugin, why, answer, correct, incorrect, unknown, rate, outcome, reason, quality = row[
        8:
    ]
    problem = _problem(row[:8])
    if hook:
        rejection = Rejection(hook, plugin, why)
        return Solved(child=Child(problem=problem, outcome="rejected", reason=why, rejection=rejection), attempts=())
    child = Child(
        problem=replace(problem, answer=answer),
        outcome=outcome,
        reason=reason,
        counts=Counts(correct, incorrect, unknown),
        solve_rate=rate,
        quality=quality,
        descriptors=msgspec.json.decode(descriptors),
    )
    return Solved(child=child, attempts=tuple((id_, value) for id_, value in msgspec.json.decode(attempts)))
