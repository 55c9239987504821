"""The dataset: which columns it has, how rows fill them, and that files hold what was written."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sparq_core as sparq
from sparq_core.contract.config import ModelConfig, Pipeline, PluginConfig
from sparq_core.contract.errors import SparqError
from sparq_core.contract.records import Example
from sparq_core.contract.tally import Tally
from sparq_core.ledger import dataset, storage
from sparq_core.ledger.dataset_columns import COLUMNS, columns_of
from sparq_core.ledger.entries import Retried, StepRecord, Worked
from sparq_core.ledger.writer import Ledger

LABELS = {"skills": ["adding", "counting"]}
K = 4
TEXT = st.text(st.characters(codec="utf-8"), max_size=9)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
)


def judged(id_: str, step: int, attempts: int = K) -> tuple[sparq.Judged, ...]:
    """Attempts at a problem; the even ones are right."""
    return tuple(
        sparq.Judged(
            sparq.Attempt(k=k, seed=k, text=f'{id_}: \\boxed{{"{k}"}} – in step {step}\n', finish="stop", tokens=9),
            sparq.Verdict(value="incorrect" if k % 2 else "correct", by="strings"),
        )
        for k in range(attempts)
    )


def worked(id_: str, descriptors: Mapping[str, Any], extra: Mapping[str, Any], outcome: sparq.Outcome) -> Worked:
    counts = sparq.Counts(K // 2, K // 2)
    problem = sparq.Problem(id=id_, statement=f"What is “{id_}”?", answer="2", parents=("0.1.0",), extra=extra)
    case = sparq.Case(problem, judged(id_, int(id_.split(".")[1])), counts, 0.5)
    child = sparq.Child(
        problem=problem, outcome=outcome, counts=counts, solve_rate=0.5, quality=0.5, descriptors=descriptors
    )
    return Worked(proposed=problem, child=child, case=case)


def commit(
    ledger: Ledger,
    step: int,
    described: Sequence[Mapping[str, Any]],
    extra: Mapping[str, Any],
    again: tuple[Retried, ...] = (),
) -> list[Worked]:
    """A step whose children have these descriptors, the first one an `extra`, and one more that is not kept."""
    made = [worked(f"1.{step}.{i}", d, {} if i else extra, "kept") for i, d in enumerate(described)]
    made.append(worked(f"1.{step}.{len(made)}", {}, {}, "out-of-band"))
    record = StepRecord(
        round=1,
        step=step,
        horizon=0,
        in_flight=1,
        parents=(),
        model=f"weights of step {step}",
        worked=tuple(made),
        completions=(),
        again=again,
    )
    ledger.commit_step(record, {}, Tally())
    return made


OPEN: list[Ledger] = []


@pytest.fixture(autouse=True, scope="module")
def closed() -> Iterator[None]:
    """What tests have made is closed after them."""
    yield
    while OPEN:
        OPEN.pop().close()


def made(*described: Mapping[str, Any], steps: int = 1, extra: Mapping[str, Any] | None = None) -> Ledger:
    """A ledger of a few steps with the same descriptors."""
    OPEN.append(Ledger(storage.create(":memory:")))
    return filled(OPEN[-1], described, steps, extra or {})


def filled(ledger: Ledger, described: Sequence[Mapping[str, Any]], steps: int, extra: Mapping[str, Any]) -> Ledger:
    student = {"student": ModelConfig(use="scripted", model="none")}
    pipeline = Pipeline(name="made", steps=1, models=student, plugins=[PluginConfig(use="static-uniform")])
    ledger.describe_run("made", "", msgspec.json.encode(pipeline).decode(), "{}", {}, {})
    for step in range(1, steps + 1):
        commit(ledger, step, described, extra)
    return ledger


def rows(ledger: sparq.Reader) -> list[dict[str, Any]]:
    return list(dataset.rows(ledger, dataset.chosen(ledger)))


def test_every_correct_attempt_at_every_kept_problem_is_chosen() -> None:
    ledger = made(LABELS, LABELS, steps=3)
    listed = [Example(problem=s.child.problem.id, attempt=a) for s in ledger.solved() for a in s.correct]
    assert list(dataset.chosen(ledger)) == listed
    assert [row["id"] for row in rows(ledger)][:3] == ["1.1.0/0", "1.1.0/2", "1.1.1/0"]


@pytest.mark.parametrize("seed", range(3))
def test_rows_are_the_same_in_any_order(seed: int) -> None:
    ledger = made(*[LABELS] * 3, steps=2 * dataset.NEAR)
    examples = list(dataset.chosen(ledger))
    order = Random(seed).sample(range(len(examples)), len(examples))
    in_order = rows(ledger)
    assert list(dataset.rows(ledger, [examples[i] for i in order])) == [in_order[i] for i in order]


def test_an_attempt_that_a_parent_got_later_can_be_chosen() -> None:
    ledger = made(LABELS)
    (parent, *_) = commit(ledger, 2, [LABELS], {})
    retried = Retried(child=parent.child, judged=judged("1.2.0", 3, attempts=1))
    commit(ledger, 3, [], {}, again=(retried,))
    ((later,),) = ledger.query("SELECT id FROM attempt WHERE problem = '1.2.0' AND step = 3")
    first = next(example for example in dataset.chosen(ledger) if example.problem == "1.2.0")
    found = list(dataset.rows(ledger, [first, Example(problem="1.2.0", attempt=later)]))
    assert [row["solution"][-10:] for row in found] == ["in step 2\n", "in step 3\n"]
    assert [row["model"] for row in found] == ["weights of step 2", "weights of step 3"]


def test_an_attempt_at_another_problem_is_refused() -> None:
    ledger = made(LABELS, LABELS)
    one, *_, other = dataset.chosen(ledger)
    with pytest.raises(SparqError, match=r"problem 1\.1\.0 was chosen with attempt"):
        list(dataset.rows(ledger, [Example(problem=one.problem, attempt=other.attempt)]))


def test_skills_stand_before_the_quality_and_other_descriptors_at_the_end() -> None:
    (row, *_) = rows(made({"words": 3, "depth": 1.5, **LABELS}))
    names = list(row)
    assert names[names.index("quality") - 1] == "skills"
    assert names[-3:] == ["id", "depth", "words"]


def test_no_skills_where_nothing_described_them(tmp_path: Path) -> None:
    ledger = made({"words": 3}, {"words": 4})
    dataset.write_parquet(tmp_path / "x.parquet", rows(ledger), columns_of(ledger))
    assert not any("skills" in row for row in rows(ledger))
    assert "skills" not in pq.read_schema(tmp_path / "x.parquet").names


def test_a_problem_without_skills_among_others_has_an_empty_list() -> None:
    assert [row["skills"] for row in rows(made(LABELS, {}))][::2] == [LABELS["skills"], []]


def test_extra_is_a_column_where_some_problem_has_one(tmp_path: Path) -> None:
    extra = {"tests": ["f(1) == 2"], "level": 3, "naïve": None}
    ledger = made(LABELS, LABELS, extra=extra)
    assert [row["extra"] for row in rows(ledger)][::2] == [extra, {}]
    assert list(rows(ledger)[0])[-1] == "extra"
    dataset.write_parquet(tmp_path / "x.parquet", rows(ledger), columns_of(ledger))
    assert [json.loads(text) for text in pq.read_table(tmp_path / "x.parquet")["extra"].to_pylist()][::2] == [extra, {}]
    assert "extra" not in rows(made(LABELS))[0]


def test_descriptors_cannot_take_the_datasets_own_names() -> None:
    assert {"problem", "messages", "extra"} <= COLUMNS
    assert "skills" not in COLUMNS


@pytest.mark.parametrize(("limit", "groups"), [({}, 1), ({"BATCH": 4}, 5), ({"LETTERS": 100}, 5)])
def test_parquet_holds_what_jsonl_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: dict[str, int], groups: int
) -> None:
    for name, value in limit.items():
        monkeypatch.setattr(dataset, name, value)
    ledger = made(
        {"words": 3, "depth": 1.5, "proved": True, "by": "hand", **LABELS},
        {"words": None, "depth": 2, "proved": False, "by": None, "never": None, "skills": []},
        {},
        steps=3,
        extra={"level": 3},
    )
    counts = [
        dataset.write_jsonl(tmp_path / "x.jsonl", rows(ledger)),
        dataset.write_parquet(tmp_path / "x.parquet", rows(ledger), columns_of(ledger)),
    ]
    lines = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    table = pq.read_table(tmp_path / "x.parquet").to_pylist()
    assert counts == [len(lines), len(table)] == [18, 18]
    assert [{**row, "extra": json.loads(row["extra"])} for row in table] == lines
    assert list(table[0]) == list(lines[0])
    assert lines == rows(ledger)
    assert pq.read_metadata(tmp_path / "x.parquet").num_row_groups == groups


def test_values_of_several_kinds_are_json_in_parquet(tmp_path: Path) -> None:
    ledger = made({"size": 3}, {"size": "large"}, {"size": ["x"]}, {})
    dataset.write_parquet(tmp_path / "x.parquet", rows(ledger), columns_of(ledger))
    assert pq.read_table(tmp_path / "x.parquet")["size"].to_pylist()[::2] == ["3", '"large"', '["x"]', None]


@given(st.lists(st.tuples(TEXT, JSON, JSON), max_size=4))
@settings(deadline=None)
def test_lines_are_those_of_json_dumps(values: list[tuple[Any, ...]]) -> None:
    found = [dict(zip(("a", "“b”", "c"), row, strict=True)) for row in values for _ in range(2)]
    assert b"".join(dataset._lines(found)).decode() == "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in found)


def test_all_characters_are_written_as_json_dumps_does() -> None:
    text = "".join(chr(i) for i in range(0x110000) if not 0xD800 <= i < 0xE000)
    assert b"".join(dataset._lines([{"a": text}])).decode() == json.dumps({"a": text}, ensure_ascii=False) + "\n"


def test_a_snapshot_does_not_see_what_is_committed_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / storage.DATABASE
    connection = storage.create(path)
    connection.execute("PRAGMA journal_mode = WAL")
    ledger = filled(Ledger(connection), [LABELS], 1, {})
    with sparq.Reader.open(tmp_path) as reader:
        with reader.snapshot():
            examples = dataset.chosen(reader)
            first = next(examples)
            commit(ledger, 2, [LABELS], {})
            assert (
                [e.problem for e in (first, *examples)] == [e.problem for e in dataset.chosen(reader)] == ["1.1.0"] * 2
            )
        assert {example.problem for example in dataset.chosen(reader)} == {"1.1.0", "1.2.0"}
    ledger.close()
