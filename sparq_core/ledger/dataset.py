"""The dataset: one row for each (problem, chosen attempt), in columns users know."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, chain
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from sparq_core.contract.config import AttemptsConfig
from sparq_core.contract.errors import PipelineError, SparqError
from sparq_core.contract.records import Child, Example
from sparq_core.contract.templates import attempt_prompt
from sparq_core.ledger.dataset_columns import Asked, Column, Row, chat, columns_of
from sparq_core.ledger.intervals import solve_rate_interval
from sparq_core.ledger.reader import GRADING, Drawn, Reader

BATCH = 10_000
"""Most rows of a Parquet row group."""
LETTERS = 2**22
"""Letters of solutions after which a row group ends: it is in memory as a whole."""
NEAR = 32
"""Problems read at once, with the texts of their attempts: the rows of one need not come in one piece, but nearly."""
COMMON = {"problem", "solution", "answer", "messages", "solve_rate", "num_attempts", "num_correct", "model", "id"}
"""Columns by which a dataset is known as one of ours, of whatever version."""
TURN = ("role", "content")
"""What a turn of a chat has."""
BUFFER = 2**20
"""Bytes handed to the file system at once."""

_dumps = json.JSONEncoder(ensure_ascii=False).encode
_text = lru_cache(64)(msgspec.json.Encoder().encode)


def rows(ledger: Reader, examples: Iterable[Example]) -> Iterator[dict[str, Any]]:
    """The dataset's rows for these examples, in their order; all have the same columns."""
    columns, before, shared = columns_of(ledger), None, dict[str, Any]()
    own = [column for column in columns if column.of_attempt]
    for row in drawn(ledger, examples):
        if row.asked is not before:
            before, shared = row.asked, {column.name: column.fill(row) for column in columns}
        yield shared | {column.name: column.fill(row) for column in own}


def drawn(ledger: Reader, examples: Iterable[Example]) -> Iterator[Row]:
    """These examples, in their order, with what the columns of a dataset are filled from."""
    config = ledger.pipeline().attempts
    for some in _near(examples):
        attempts = ledger.attempts(example.attempt for example in some)
        children = ledger.children({example.problem for example in some})
        problems = {id_: asked(config, child) for id_, child in children.items()}
        for example in some:
            yield Row(problems[example.problem], _drawn(attempts, example))


def _near(examples: Iterable[Example]) -> Iterator[list[Example]]:
    """The examples in their order, in batches of few problems."""
    batch, problems = list[Example](), set[str]()
    for example in examples:
        if len(problems) == NEAR and example.problem not in problems:
            yield batch
            batch, problems = [], set()
        batch.append(example)
        problems.add(example.problem)
    yield batch


def seed_rows(ledger: Reader) -> Iterator[dict[str, Any]]:
    """The seeds that have a solution of their own as rows, with those of the columns that no attempt fills."""
    config = ledger.pipeline().attempts
    for solved in ledger.solved([0], outcome=None):
        problem = solved.child.problem
        if problem.solution and not solved.child.rejection:
            yield {
                "problem": problem.statement,
                "solution": problem.solution,
                "answer": problem.answer,
                "messages": chat(attempt_prompt(config, problem), problem.solution),
                "id": problem.id,
            }


def asked(config: AttemptsConfig, child: Child) -> Asked:
    """A problem as its rows share it; `config` has the prompt."""
    round_, step, _ = child.problem.id.split(".")
    return Asked(
        child=child,
        round=int(round_),
        step=int(step),
        prompt=attempt_prompt(config, child.problem),
        interval=solve_rate_interval(child.counts, child.solve_rate),
    )


def _drawn(drawn: Mapping[int, tuple[str, Drawn]], example: Example) -> Drawn:
    problem, found = drawn.get(example.attempt, ("", None))
    if found is None or problem != example.problem:
        raise SparqError(f"problem {example.problem} was chosen with attempt {example.attempt}, which is not one at it")
    return found


class Chosen(NamedTuple):
    """A problem of the dataset."""

    problem: str
    rows: int
    solve_rate: float | None


def chosen(ledger: Reader) -> Iterator[Example]:
    """The last curation's examples; without one, or in another grading, every correct attempt at every kept problem."""
    curation = _curation(ledger)
    found = (
        ledger.correct()
        if curation is None
        else ledger.query("SELECT problem, attempt FROM curated WHERE curation = ? ORDER BY ordinal", curation)
    )
    return (Example(problem=problem, attempt=attempt) for problem, attempt in found)


def chosen_problems(ledger: Reader) -> Iterator[Chosen]:
    """The problems of `chosen`, each once, in the order of their first rows."""
    return (problem for problem in kept_problems(ledger) if problem.rows)


def kept_problems(ledger: Reader) -> Iterator[Chosen]:
    """The problems that the last curation chose; without one, every kept one, also if no attempt at it is correct."""
    curation = _curation(ledger)
    if curation is None:
        found = ledger.query(
            "SELECT p.id, o.correct, o.solve_rate FROM problem p CROSS JOIN outcome o ON o.problem = p.id AND o.grading = ?"
            " WHERE o.outcome = 'kept' ORDER BY p.round, p.step, p.child",
            ledger.grading,
        )
    else:
        found = ledger.query(
            "SELECT c.problem, count(*), o.solve_rate FROM curated c"
            " LEFT JOIN outcome o ON o.problem = c.problem AND o.grading = ?"
            " WHERE c.curation = ? GROUP BY c.problem ORDER BY min(c.ordinal)",
            ledger.grading,
            curation,
        )
    return (Chosen(*row) for row in found)


def _curation(ledger: Reader) -> int | None:
    """The last choice of attempts; None where every correct one is taken."""
    last: int | None = next(ledger.query("SELECT max(id) FROM curation"))[0]
    return last if ledger.grading == GRADING else None


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write rows that have the same columns as JSON lines; gives how many."""
    count = 0
    with path.open("wb", buffering=BUFFER) as file:
        for count, line in enumerate(_lines(rows), 1):  # noqa: B007 -- the last one is the count
            file.write(line)
    return count


def file_digest(path: Path) -> str:
    """Names a file by its content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()


def _lines(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """As `json.dumps` has them; a value that is the very one of the row before, as all of its problem's, is kept encoded."""
    kept: dict[str, tuple[Any, bytes]] = {}
    for row in rows:
        for name, value in row.items():
            if name not in kept or kept[name][0] is not value:
                kept[name] = value, _text(name) + b": " + _json(value)
        yield b"{" + b", ".join([encoded for _, encoded in kept.values()]) + b"}\n"


def _json(value: Any) -> bytes:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return b"[" + b", ".join(map(_json, value)) + b"]"
    if isinstance(value, dict):
        return b"{" + b", ".join([_text(name) + b": " + _json(item) for name, item in value.items()]) + b"}"
    return _dumps(value).encode()


def write_parquet(path: Path, rows: Iterable[dict[str, Any]], columns: Sequence[Column]) -> int:
    """
    Write rows that have these columns as Parquet; gives how many.

    Types, encodings and compression are those that every reader of the last ten years knows.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise PipelineError("--format parquet needs pyarrow: pip install 'sparq-engine[parquet]'") from None
    schema = _schema(columns, pa)
    count = 0
    bounded = [column.name for column in columns if column.kind in {"number", "integer"}]
    with pq.ParquetWriter(path, schema, version="2.4", compression="snappy", write_statistics=bounded) as writer:
        for group in _groups(rows):
            writer.write_table(pa.table([_values(column, group, pa) for column in columns], schema=schema))
            count += len(group)
    return count


def _groups(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    group, letters = [], 0
    for row in rows:
        group.append(row)
        letters += len(row.get("solution") or "")
        if len(group) == BATCH or letters > LETTERS:
            yield group
            group, letters = [], 0
    if group:
        yield group


def _values(column: Column, group: Sequence[dict[str, Any]], pa: Any) -> Any:
    values = [row[column.name] for row in group]
    if column.kind == "JSON":
        return [None if value is None else _dumps(value) for value in values]
    return _chats(values, pa) if column.kind == "chat" else values


def _chats(chats: Sequence[Sequence[Mapping[str, str]]], pa: Any) -> Any:
    """Chats as an array made of their parts, which takes a third of the time."""
    turns = list(chain.from_iterable(chats))
    parts = [pa.array([turn[name] for turn in turns], pa.string()) for name in TURN]
    ends = [0, *accumulate(map(len, chats))]
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.StructArray.from_arrays(parts, list(TURN)))


def _schema(columns: Sequence[Column], pa: Any) -> Any:
    return pa.schema([(column.name, _type(column, pa)) for column in columns])


def _type(column: Column, pa: Any) -> Any:
    if column.kind == "struct":
        return pa.struct([(field.name, _type(field, pa)) for field in column.fields])
    turn = pa.struct([(name, pa.string()) for name in TURN])
    types = {
        "text": pa.string(),
        "number": pa.float64(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "list of texts": pa.list_(pa.string()),
        "chat": pa.list_(turn),
        "JSON": pa.string(),
    }
    return types[column.kind]
