"""Databases to ask: two schemas, filled anew from a number, in the sandbox and in memory; and what a query gives on them."""

import re
from collections import Counter

from msgspec import Struct

from sparq_sandbox import Limits, Outcome, Sandbox, Value

SCHEMAS = {
    "library": """\
CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT, country TEXT);
CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT, author_id INTEGER REFERENCES author, year INTEGER, pages INTEGER);
CREATE TABLE loan (book_id INTEGER REFERENCES book, member TEXT, days INTEGER);""",
    "shop": """\
CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT, city TEXT);
CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT, category TEXT, price INTEGER);
CREATE TABLE purchase (customer_id INTEGER REFERENCES customer, product_id INTEGER REFERENCES product, quantity INTEGER);""",
}
FILLINGS = (1, 2, 3)
"""Numbers to fill a database from: queries that agree on all of these are taken for the same."""
MOST_ROWS, MOST_OPERATIONS, LONGEST = 500, 2_000_000, 2_000
"""Rows of an answer, steps of SQLite's machine, characters of a query."""
UNDECIDED = frozenset({"timeout", "memory", "killed"})
PROGRAM = """
import random
import sqlite3

NAMES = "Ada Ben Cleo Dan Eva Finn Gus Hana Ivo Jun Kim Leo".split()
PLACES = "Bern Lima Oslo Rome".split()
READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
REFUSED = {"random", "randomblob", "load_extension"}

def fill(base, schema, rng):
    base.executescript(schema)
    if "book" in schema:
        base.executemany("INSERT INTO author VALUES (?, ?, ?)", [(i, NAMES[i], rng.choice(PLACES)) for i in range(8)])
        books = [(i, f"Book {i}", rng.randrange(7), rng.randint(1950, 2020), rng.randint(5, 60) * 10) for i in range(25)]
        base.executemany("INSERT INTO book VALUES (?, ?, ?, ?, ?)", books)
        loans = [(rng.randrange(20), rng.choice(NAMES), rng.randint(1, 40)) for _ in range(40)]
        base.executemany("INSERT INTO loan VALUES (?, ?, ?)", loans)
    else:
        base.executemany("INSERT INTO customer VALUES (?, ?, ?)", [(i, NAMES[i], rng.choice(PLACES)) for i in range(10)])
        kinds = ["food", "tools", "books"]
        products = [(i, f"Thing {i}", rng.choice(kinds), rng.randint(1, 50)) for i in range(12)]
        base.executemany("INSERT INTO product VALUES (?, ?, ?, ?)", products)
        bought = [(rng.randrange(9), rng.randrange(10), rng.randint(1, 6)) for _ in range(24)]
        base.executemany("INSERT INTO purchase VALUES (?, ?, ?)", bought)

def allowed(action, _, name, *place):
    refused = action not in READING or action == sqlite3.SQLITE_FUNCTION and name.lower() in REFUSED
    return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK

def ask(schema, fillings, query, most_rows, most_operations):
    return [answer(schema, filling, query, most_rows, most_operations) for filling in fillings]

def answer(schema, filling, query, most_rows, most_operations):
    base = sqlite3.connect(":memory:")
    fill(base, schema, random.Random(filling))
    base.set_authorizer(allowed)
    base.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 100_000)
    base.set_progress_handler(lambda: 1, most_operations)
    return base.execute(query).fetchmany(most_rows + 1)
"""
FEATURES = {
    "join": r"\bjoin\b",
    "group": r"\bgroup\s+by\b",
    "having": r"\bhaving\b",
    "order": r"\border\s+by\b",
    "limit": r"\blimit\b",
    "distinct": r"\bdistinct\b",
    "aggregate": r"\b(count|sum|avg|min|max|total)\s*\(",
    "subquery": r"\(\s*select\b",
    "set operation": r"\b(union|intersect|except)\b",
    "window": r"\bover\s*\(",
    "common table": r"\bwith\b",
    "case": r"\bcase\b",
}


class Rows(Struct, frozen=True):
    """What a query gives on each filling, or why it gives nothing."""

    fillings: list[list[tuple[Value, ...]]]
    reason: str = ""

    @property
    def decided(self) -> bool:
        """Whether this says something about the query."""
        return self.reason not in UNDECIDED


class Databases:
    """Asks queries where they can do nothing but read; may be used from any thread."""

    def __init__(self, seconds: float) -> None:
        limits = Limits(seconds=seconds, wall=max(60.0, 10 * seconds), output=1 << 20)
        self._sandbox = Sandbox(imports=("random", "sqlite3"), limits=limits)

    def ask(self, schema: str, query: str) -> Rows:
        """What a query gives: each in a process of its own."""
        if len(query) > LONGEST:
            return Rows([], "too long")
        arguments = (SCHEMAS[schema], FILLINGS, query, MOST_ROWS, MOST_OPERATIONS)
        outcome = self._sandbox.run(PROGRAM, entry="ask", arguments=arguments)
        return _rows(outcome)

    def close(self) -> None:
        self._sandbox.close()


def _rows(outcome: Outcome) -> Rows:
    if outcome.reason is not None:
        interrupted = outcome.reason == "error" and "interrupted" in outcome.detail
        return Rows([], "too many steps" if interrupted else outcome.reason)
    match outcome.value:
        case list() as fillings if all(isinstance(rows, list) for rows in fillings):
            given = [[row for row in rows if isinstance(row, tuple)] for rows in fillings if isinstance(rows, list)]
            return Rows(given, "too many rows") if any(len(rows) > MOST_ROWS for rows in given) else Rows(given)
    return Rows([], "no rows")


def same(reference: Rows, other: Rows, query: str) -> bool:
    """Whether two answers are the same; the order of rows counts where the reference's query asks for one."""
    if features_of(query).count("order"):
        return _plain(reference) == _plain(other)
    return [Counter(rows) for rows in _plain(reference)] == [Counter(rows) for rows in _plain(other)]


def _plain(rows: Rows) -> list[list[tuple[Value, ...]]]:
    """With numbers rounded, as sums in another order differ in their last digits."""
    return [
        [tuple(round(v, 6) if isinstance(v, float) else v for v in row) for row in filling] for filling in rows.fillings
    ]


def features_of(query: str) -> list[str]:
    """What of SQL a query uses, by its words alone."""
    return [name for name, pattern in FEATURES.items() if re.search(pattern, query, re.IGNORECASE)]
