"""Questions to a database, answered in SQL: right is a query that gives what the reference query gives."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

import sparq_core as sparq
from sparq_sandbox import available
from sparq_text_to_sql.databases import LONGEST, SCHEMAS, Databases, Rows, features_of, same

PLACE = "text-to-sql.with.prompt"
PROMPT = """\
Here is a database of SQLite, a question to it, and the query that answers it.

{{ schema }}

<question>{{ parent.extra.question }}</question>
<query>{{ parent.answer }}</query>

Write another question to the same database, related to this one but harder, and the query that answers it, in the same form. \
What the question leaves open, such as columns and their order, a query cannot get right: say it."""


class TextToSqlConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `text-to-sql`."""

    prompt: Annotated[str, Meta(description="Template of a proposal; may use `parent` and `schema`.")] = PROMPT
    role: Annotated[sparq.Role, Meta(description="Who writes.")] = "generator"
    max_tokens: Annotated[sparq.Positive, Meta(description="Most tokens of a proposal.")] = 512
    seconds: Annotated[float, Meta(ge=0.01, le=600, description="CPU seconds of a query on all databases.")] = 2.0


class TextToSql:
    """
    A domain: questions to a database. An attempt's last block of code is asked, and right where its rows are the reference's.

    Both queries run in a sandbox, on databases in memory that are filled at random; they are compared outside. Described by
    `features`, what of SQL the reference uses.
    """

    describes: ClassVar[tuple[str, ...]] = ("features",)
    version: ClassVar[str] = "1"

    def __init__(self, config: TextToSqlConfig) -> None:
        self._config = config
        self._databases: Databases | None = None

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        dummy = sparq.Problem(id="0", statement="", answer="", extra={"question": ""})
        sparq.check_template(self._config.prompt, PLACE, parent=dummy, schema="")
        if state := available():
            return []
        return [sparq.Finding(level="error", place="use", message=f"queries cannot be confined here: {state.why}")]

    @sparq.hookimpl
    def start(self) -> None:
        self._databases = Databases(self._config.seconds)

    @sparq.hookimpl
    def stop(self) -> None:
        if self._databases is not None:
            self._databases.close()

    @sparq.hookimpl
    def propose(self, parents: Sequence[sparq.Problem], llm: sparq.Llm) -> list[sparq.Draft]:
        known = [(parent, schema) for parent in parents if (schema := schema_of(parent)) and parent.answer]
        prompts = [sparq.render(self._config.prompt, PLACE, parent=p, schema=SCHEMAS[schema]) for p, schema in known]
        written = llm(self._config.role).complete(prompts, sparq.Sampling(max_tokens=self._config.max_tokens))
        return [draft(parent, schema, said) for (parent, schema), said in zip(known, written, strict=True)]

    @sparq.hookimpl
    def screen(self, children: Sequence[sparq.Problem]) -> list[str | None]:
        return [self._screen(child) for child in children]

    def _screen(self, child: sparq.Problem) -> str | None:
        """Turns away a query that fails, and one whose answer is empty or the same on every filling: data do not matter."""
        schema = schema_of(child)
        if not schema or not child.answer:
            return "no question to a database"
        rows = self._ask(schema, child.answer)
        if rows.reason:
            return f"query: {rows.reason}"
        first, *others = rows.fillings
        return "same answer whatever the data" if all(other == first for other in others) else None

    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict | None]:
        ask = cache(self._ask)  # attempts at a question often give the same query
        return [self._verify(trial, ask) for trial in trials]

    def _verify(self, trial: sparq.Trial, ask: Callable[[str, str], Rows]) -> sparq.Verdict | None:
        problem, query = trial.problem, last_query(trial.attempt.text)
        schema = schema_of(problem)
        if not schema or not problem.answer:
            return None
        if query is None and trial.attempt.finish != "stop":
            return sparq.Verdict(value="unknown", reason="truncated")
        if query is None:
            return sparq.Verdict(value="incorrect", reason="no-answer")
        reference = ask(schema, problem.answer)
        if reference.reason:
            return sparq.Verdict(value="unknown", reason="reference query fails", answer=query)
        rows = ask(schema, query)
        if rows.reason:
            return sparq.Verdict(value="incorrect" if rows.decided else "unknown", reason=rows.reason, answer=query)
        right = same(reference, rows, problem.answer)
        return sparq.Verdict(value="correct" if right else "incorrect", reason="rows", answer=query)

    def _ask(self, schema: str, query: str) -> Rows:
        assert self._databases is not None  # noqa: S101 -- `start` made them
        return self._databases.ask(schema, query)

    @sparq.hookimpl
    def describe(self, cases: Sequence[sparq.Case]) -> list[dict[str, list[str]]]:
        return [{"features": features_of((case.problem.answer or "")[:LONGEST])} for case in cases]


def schema_of(problem: sparq.Problem) -> str:
    """The name of a problem's schema; empty where its `extra` names none that there is."""
    name = problem.extra.get("schema")
    return name if isinstance(name, str) and name in SCHEMAS else ""


def statement(schema: str, question: str) -> str:
    """What the solver is asked."""
    return f"Write one query for this database of SQLite.\n\n```sql\n{SCHEMAS[schema]}\n```\n\n{question}"


def draft(parent: sparq.Problem, schema: str, said: sparq.Recorded) -> sparq.Draft:
    """What a model wrote as a child of this parent."""
    question, query = between(said.text, "question"), between(said.text, "query")
    query = last_query(query) or query
    return sparq.Draft(
        statement=statement(schema, question) if question else "",
        answer=query or None,
        solution=f"```sql\n{query}\n```" if query else "",
        extra={"schema": schema, "question": question},
        parents=(parent.id,),
        operator="another question",
        ordinal=said.ordinal,
        unparsed="no question" if not question else "no query" if not query else "",
    )


def last_query(text: str) -> str | None:
    """What the last block of code holds; None where there is none that is closed."""
    head, closed, _ = text.rpartition("```")
    _, opened, block = head.rpartition("```")
    return block.partition("\n")[2].strip() if closed and opened else None


def between(text: str, tag: str) -> str:
    """What stands in the first pair of tags, empty where one of them is missing."""
    _, opened, rest = text.partition(f"<{tag}>")
    inside, closed, _ = rest.partition(f"</{tag}>")
    return inside.strip() if opened and closed else ""
