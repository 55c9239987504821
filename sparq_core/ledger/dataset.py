"""The dataset: one row for each (problem, chosen attempt), in columns users know."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from sparq_core.contract.config import AttemptsConfig, Pipeline
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.records import Example, Solved
from sparq_core.contract.templates import attempt_prompt
from sparq_core.ledger.intervals import solve_rate_interval
from sparq_core.ledger.reader import GRADING, Reader

COLUMNS = frozenset(
    {
        *(
            "problem",
            "solution",
            "answer",
            "messages",
            "solve_rate",
            "solve_rate_low",
            "solve_rate_high",
            "num_attempts",
        ),
        *("num_correct", "num_unknown", "quality", "parent_id", "round", "step", "model", "id"),
    }
)
"""The dataset's own columns; descriptors come beside them."""
BATCH = 10_000
"""Rows a Parquet row group."""


def rows(ledger: Reader, examples: Iterable[Example]) -> Iterator[dict[str, Any]]:
    """The dataset's rows for these examples, in their order."""
    attempts = pipeline_of(ledger).attempts
    keys = [
        "skills",
        *(key for (key,) in ledger.query("SELECT DISTINCT key FROM descriptor ORDER BY key") if key != "skills"),
    ]
    solved: Solved | None = None
    for example in examples:
        if solved is None or solved.child.problem.id != example.problem:
            solved = ledger.solved_one(example.problem)
        yield _row(ledger, solved, example.attempt, attempts, keys)


def _row(ledger: Reader, solved: Solved, attempt: int, config: AttemptsConfig, keys: Sequence[str]) -> dict[str, Any]:
    child, problem = solved.child, solved.child.problem
    k, text, model = ledger.attempt(attempt)
    round_, step, _ = problem.id.split(".")
    interval = solve_rate_interval(child.counts)
    descriptors = {key: child.descriptors.get(key) for key in keys}
    return {
        "problem": problem.statement,
        "solution": text,
        "answer": problem.answer,
        "messages": [
            {"role": "user", "content": attempt_prompt(config, problem)},
            {"role": "assistant", "content": text},
        ],
        "solve_rate": child.solve_rate,
        "solve_rate_low": interval.low,
        "solve_rate_high": interval.high,
        "num_attempts": child.counts.drawn,
        "num_correct": child.counts.correct,
        "num_unknown": child.counts.unknown,
        "skills": descriptors.pop("skills") or [],
        "quality": child.quality,
        "parent_id": ",".join(problem.parents),
        "round": int(round_),
        "step": int(step),
        "model": model,
        "id": f"{problem.id}/{k}",
        **descriptors,
    }


def chosen(ledger: Reader) -> Iterator[Example]:
    """The last curation's examples; without one, or in another grading, every correct attempt at every kept problem."""
    curation = next(ledger.query("SELECT max(id) FROM curation"))[0]
    if curation is not None and ledger.grading == GRADING:
        for problem, attempt in ledger.query(
            "SELECT problem, attempt FROM curated WHERE curation = ? ORDER BY ordinal", curation
        ):
            yield Example(problem=problem, attempt=attempt)
        return
    for solved in ledger.solved():
        for attempt in solved.correct:
            yield Example(problem=solved.child.problem.id, attempt=attempt)


def pipeline_of(ledger: Reader) -> Pipeline:
    """The pipeline a ledger was made with, as resolved."""
    return ledger.pipeline()


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write rows as JSON lines, whole or not at all; gives how many."""
    count = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as file:
        for count, row in enumerate(rows, 1):  # noqa: B007 -- the last one is the count
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return count


def write_parquet(path: Path, rows: Iterable[dict[str, Any]], ledger: Reader) -> int:
    """Write rows as Parquet, whole or not at all; gives how many."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise PipelineError("--format parquet needs pyarrow: pip install 'sparq-engine[parquet]'") from None
    schema = _schema(ledger, pa)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    count, left = 0, iter(rows)
    with pq.ParquetWriter(partial, schema) as writer:
        while batch := list(islice(left, BATCH)):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            count += len(batch)
    partial.replace(path)
    return count


def _schema(ledger: Reader, pa: Any) -> Any:
    texts = pa.list_(pa.string())
    turn = pa.struct([("role", pa.string()), ("content", pa.string())])
    kinds = {"array": texts, "integer": pa.float64(), "real": pa.float64()}
    described = ledger.query("SELECT key, min(json_type(value)) FROM descriptor GROUP BY key ORDER BY key")
    columns = {
        **dict.fromkeys(("problem", "solution", "answer"), pa.string()),
        "messages": pa.list_(turn),
        "solve_rate": pa.float64(),
        "solve_rate_low": pa.float64(),
        "solve_rate_high": pa.float64(),
        **dict.fromkeys(("num_attempts", "num_correct", "num_unknown"), pa.int64()),
        "skills": texts,
        "quality": pa.float64(),
        "parent_id": pa.string(),
        **dict.fromkeys(("round", "step"), pa.int64()),
        **dict.fromkeys(("model", "id"), pa.string()),
        **{key: kinds.get(kind, pa.string()) for key, kind in described if key != "skills"},
    }
    return pa.schema(list(columns.items()))
