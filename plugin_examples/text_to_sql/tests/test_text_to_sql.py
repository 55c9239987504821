import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import sparq_core as sparq
from sparq_core.testing import ScriptedSampler, check_plugin, run_pipeline
from sparq_screen import Duplicates, DuplicatesConfig
from sparq_text_to_sql import TextToSql, TextToSqlConfig, statement
from sparq_text_to_sql.databases import MOST_ROWS, Databases, features_of, same

ROOT = Path(__file__).parents[1]
OLD = "SELECT title FROM book WHERE year < 1980"
FOREVER = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT COUNT(*) FROM n"


@pytest.fixture(scope="module")
def plugin() -> Iterator[TextToSql]:
    domain = TextToSql(TextToSqlConfig())
    domain.start()
    yield domain
    domain.stop()


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    asked = Databases(2.0)
    yield asked
    asked.close()


def problem(query: str | None = OLD) -> sparq.Problem:
    extra = {"schema": "library", "question": "Which books are old?"}
    asked = statement("library", "Which books are old?")
    return sparq.Problem(id="1.1.0", statement=asked, answer=query, solution=f"```sql\n{query}\n```", extra=extra)


def test_it_keeps_the_contract() -> None:
    written = [f"<question>Which?</question><query>{OLD}</query>", "<question>Which?</question>"]
    sampler = ScriptedSampler({"Write another": written})
    check_plugin(TextToSql(TextToSqlConfig()), problems=[problem()] * 4, sampler=sampler)


@pytest.mark.parametrize(
    ("text", "finish", "value", "reason"),
    [
        (f"```sql\n{OLD}\n```", "stop", "correct", "rows"),
        ("```sql\nSELECT b.title AS old FROM book b WHERE NOT b.year >= 1980;\n```", "stop", "correct", "rows"),
        (f"```sql\n{OLD} ORDER BY title DESC\n```", "stop", "correct", "rows"),
        ("```sql\nSELECT title FROM book\n```", "stop", "incorrect", "rows"),
        ("```sql\nSELECT title FROM books\n```", "stop", "incorrect", "error"),
        ("```sql\nSELECT a.id FROM book a, book b, book c\n```", "stop", "incorrect", "too many rows"),
        (f"```sql\n{FOREVER}\n```", "stop", "incorrect", "too many steps"),
        (OLD, "stop", "incorrect", "no-answer"),
        ("```sql\nSELECT", "length", "unknown", "truncated"),
    ],
)
def test_attempts_are_asked(plugin: TextToSql, text: str, finish: sparq.Finish, value: str, reason: str) -> None:
    attempt = sparq.Attempt(k=0, seed=0, text=text, finish=finish, tokens=1)
    (verdict,) = plugin.verify([sparq.Trial(problem(), attempt)])
    assert verdict is not None
    assert (verdict.value, verdict.reason) == (value, reason)


@pytest.mark.parametrize(
    "query",
    [
        "ATTACH '/tmp/mine.db' AS mine",
        "ATTACH ':memory:' AS mine",
        "PRAGMA table_info(book)",
        "SELECT * FROM pragma_table_info('book')",
        "SELECT load_extension('/tmp/mine.so')",
        "SELECT writefile('/tmp/mine', 'x')",
        "SELECT readfile('/etc/passwd')",
        "SELECT RANDOM()",
        "DELETE FROM loan",
        "INSERT INTO loan VALUES (1, 'Ada', 1)",
        "CREATE TABLE mine (x)",
        "CREATE TEMP VIEW mine AS SELECT 1",
        "DROP TABLE loan",
        "VACUUM INTO '/tmp/mine.db'",
        "SELECT 1; SELECT 2",
        "SELECT length(zeroblob(10000000))",
        "",
    ],
)
def test_queries_do_nothing_but_read(databases: Databases, query: str) -> None:
    rows = databases.ask("library", query)
    assert rows.fillings in ([], [[], [], []])
    assert not rows.fillings or not query


def test_rows_are_bounded_and_fillings_differ(databases: Databases) -> None:
    some = databases.ask("library", f"SELECT a.book_id FROM loan a, loan b LIMIT {MOST_ROWS}")
    assert [len(rows) for rows in some.fillings] == [MOST_ROWS] * 3
    years = databases.ask("library", "SELECT year FROM book")
    assert len({tuple(rows) for rows in years.fillings}) == 3
    assert databases.ask("library", "SELECT year FROM book") == years


def test_order_counts_where_it_is_asked_for(databases: Databases) -> None:
    ordered, plain = "SELECT title FROM book ORDER BY pages, id", "SELECT title FROM book"
    one, other = databases.ask("library", ordered), databases.ask("library", plain)
    assert same(other, one, plain)
    assert not same(one, other, ordered)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (OLD, None),
        ("SELECT 1", "same answer whatever the data"),
        ("SELECT title FROM book WHERE year > 3000", "same answer whatever the data"),
        ("DROP TABLE book", "query: error"),
        (FOREVER, "query: too many steps"),
        ("SELECT " + "1, " * 1_000 + "1", "query: too long"),
        (None, "no question to a database"),
    ],
)
def test_children_that_ask_nothing_are_turned_away(plugin: TextToSql, query: str | None, reason: str | None) -> None:
    assert plugin.screen([problem(query)]) == [reason]


def test_features_are_what_a_query_uses() -> None:
    assert features_of(FOREVER) == ["aggregate", "subquery", "set operation", "common table"]
    assert features_of("select a from b join c group by a order by a") == ["join", "group", "order"]


def test_every_seed_is_a_question(plugin: TextToSql) -> None:
    rows = [json.loads(line) for line in (ROOT / "seeds.jsonl").read_text(encoding="utf-8").splitlines()]
    seeds = [
        sparq.Problem(id=f"0.1.{i}", statement=row["problem"], answer=row["answer"], extra={"schema": row["schema"]})
        for i, row in enumerate(rows)
    ]
    assert plugin.screen(seeds) == [None] * len(rows)
    assert [statement(row["schema"], row["question"]) for row in rows] == [row["problem"] for row in rows]


def test_questions_to_one_schema_are_no_duplicates_of_each_other() -> None:
    asked = ("List the titles of all books with more than {} pages.", "How many books are there from before {}?")
    questions = [question.format(number) for question in asked for number in range(1800, 2000)]
    problems = [
        sparq.Problem(id=f"1.1.{i}", statement=statement("library", question), extra={"question": question})
        for i, question in enumerate([*questions, questions[0].upper()])
    ]
    pipeline = yaml.safe_load((ROOT / "pipeline.yaml").read_text(encoding="utf-8"))
    (options,) = (plugin["with"] for plugin in pipeline["plugins"] if plugin["use"] == "duplicates")
    plugin = Duplicates(DuplicatesConfig(**options))
    plugin.start()
    assert plugin.admit(problems) == [*([None] * len(questions)), "duplicate"]


def test_the_whole_domain_runs(tmp_path: Path) -> None:
    for name in ("seeds.jsonl", "simulated.jsonl"):
        shutil.copy(ROOT / name, tmp_path)
    ran = run_pipeline(yaml.safe_load((ROOT / "pipeline.yaml").read_text(encoding="utf-8")), tmp_path)
    assert ran.ending.reason == "done"
    assert ran.ending.tally.outcomes["kept"] > 0
    with ran.read() as ledger:
        turned_away = {reason for (reason,) in ledger.query("SELECT DISTINCT rejected_why FROM problem")}
    assert {"same answer whatever the data", "query: error", "no query"} <= turned_away
    assert "near duplicate" not in turned_away
