"""Questions to the two databases, told by rule, each with the query that answers it and a query by a common mistake."""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass

PLACES, KINDS = ("Bern", "Lima", "Oslo", "Rome"), ("food", "tools", "books")
HELD_OUT = 26
"""Of 256: the share of all queries that is kept for the benchmark."""


@dataclass(frozen=True)
class Number:
    """A column of numbers, which bounds are asked for, and what it is called."""

    name: str
    bounds: range
    noun: str


@dataclass(frozen=True)
class Table:
    """A table: what its rows are called, its label, a column of numbers and one of groups."""

    name: str
    plural: str
    label: str
    numbers: tuple[Number, ...] = ()
    group: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Link:
    """How the rows of one table point to those of another."""

    many: Table
    one: Table
    key: str


@dataclass(frozen=True)
class Question:
    """A question of one form, with its query."""

    schema: str
    form: str
    text: str
    query: str
    mistake: str
    """What many write instead."""

    @property
    def held_out(self) -> bool:
        """Whether it is kept for the benchmark, by hash of its query."""
        return hashlib.sha256(self.query.encode()).digest()[0] < HELD_OUT


AUTHOR = Table("author", "authors", "name", group="country", groups=PLACES)
BOOK = Table(
    "book",
    "books",
    "title",
    (Number("year", range(1955, 2016), "year"), Number("pages", range(80, 570, 10), "number of pages")),
)
LOAN = Table("loan", "loans", "member", (Number("days", range(3, 38), "number of days"),))
CUSTOMER = Table("customer", "customers", "name", group="city", groups=PLACES)
PRODUCT = Table("product", "products", "name", (Number("price", range(4, 47), "price"),), "category", KINDS)
PURCHASE = Table("purchase", "purchases", "customer_id", (Number("quantity", range(1, 6), "quantity"),))

TABLES = {"library": (AUTHOR, BOOK, LOAN), "shop": (CUSTOMER, PRODUCT, PURCHASE)}
LINKS = {
    "library": (Link(BOOK, AUTHOR, "author_id"), Link(LOAN, BOOK, "book_id")),
    "shop": (Link(PURCHASE, CUSTOMER, "customer_id"), Link(PURCHASE, PRODUCT, "product_id")),
}
COMPARED = (("more than", ">", ">="), ("less than", "<", "<="), ("at least", ">=", ">"), ("at most", "<=", "<"))
TOTALS = (("average", "AVG", "SUM"), ("total", "SUM", "COUNT"), ("greatest", "MAX", "MIN"), ("smallest", "MIN", "MAX"))


def condition(rng: random.Random, table: Table) -> tuple[str, str, str]:
    """What rows are asked for: in words, in SQL, and in SQL with the bound mistaken."""
    if table.group and (not table.numbers or rng.random() < 0.4):
        value = rng.choice(table.groups)
        return f" with {table.group} {value}", f" WHERE {table.group} = '{value}'", f" WHERE {table.group} = {value}"
    column = rng.choice(table.numbers)
    words, right, wrong = rng.choice(COMPARED)
    bound, where = rng.choice(column.bounds), f" WHERE {column.name} "
    return f" with a {column.noun} of {words} {bound}", f"{where}{right} {bound}", f"{where}{wrong} {bound}"


def listing(rng: random.Random, schema: str) -> tuple[str, str, str]:
    table = rng.choice(TABLES[schema])
    words, right, wrong = condition(rng, table)
    select = f"SELECT {table.label} FROM {table.name}"
    return f"List the {table.label} of all {table.plural}{words}.", select + right, select + wrong


def counting(rng: random.Random, schema: str) -> tuple[str, str, str]:
    table = rng.choice(TABLES[schema])
    words, where, _ = condition(rng, table)
    return (
        f"How many {table.plural} are there{words}?",
        f"SELECT COUNT(*) FROM {table.name}{where}",
        f"SELECT {table.label} FROM {table.name}{where}",
    )


def totalling(rng: random.Random, schema: str) -> tuple[str, str, str]:
    table = rng.choice([table for table in TABLES[schema] if table.numbers])
    column, (words, right, wrong) = rng.choice(table.numbers), rng.choice(TOTALS)
    asked, where, _ = condition(rng, table)
    return (
        f"What is the {words} {column.noun} of all {table.plural}{asked}?",
        f"SELECT {right}({column.name}) FROM {table.name}{where}",
        f"SELECT {wrong}({column.name}) FROM {table.name}{where}",
    )


def ranking(rng: random.Random, schema: str) -> tuple[str, str, str]:
    table = rng.choice([table for table in TABLES[schema][:2] if table.numbers])
    column, count = rng.choice(table.numbers), rng.randint(2, 9)
    most = rng.random() < 0.5
    query = f"SELECT {table.label} FROM {table.name} ORDER BY {column.name}{{}}, id LIMIT {count}"
    right, wrong = (" DESC", "") if most else ("", " DESC")
    asked = f"Which {count} {table.plural} have the {'greatest' if most else 'smallest'} {column.noun}?"
    return f"{asked} In this order, then by id.", query.format(right), query.format(wrong)


def grouping(rng: random.Random, schema: str) -> tuple[str, str, str]:
    table = rng.choice(
        [table for table in (*TABLES[schema], LOAN) if table.group or (table is LOAN and schema == "library")]
    )
    group = table.group or table.label
    what, words = "COUNT(*)", f"the number of {table.plural}"
    if table.numbers and rng.random() < 0.6:
        column, (total, function, _) = rng.choice(table.numbers), rng.choice(TOTALS)
        what, words = f"{function}({column.name})", f"the {total} {column.noun} of {table.plural}"
    right = f"SELECT {group}, {what} FROM {table.name} GROUP BY {group}"
    return f"List each {group} with {words}.", right, right.replace(f"{group}, ", "", 1)


def having(rng: random.Random, schema: str) -> tuple[str, str, str]:
    table = LOAN if schema == "library" else PURCHASE
    words, compared, _ = rng.choice(COMPARED)
    count = rng.randint(2, 6)
    return (
        f"Which {table.label} has {words} {count} {table.plural}?",
        f"SELECT {table.label} FROM {table.name} GROUP BY {table.label} HAVING COUNT(*) {compared} {count}",
        f"SELECT {table.label} FROM {table.name} WHERE COUNT(*) {compared} {count} GROUP BY {table.label}",
    )


def joining(rng: random.Random, schema: str) -> tuple[str, str, str]:
    link = rng.choice(LINKS[schema])
    shown = rng.choice([column for column in (link.one.label, link.one.group) if column])
    own = link.many.label if link.many is not PURCHASE else "quantity"
    words, where, _ = condition(rng, link.many)
    query = (
        f"SELECT m.{own}, o.{shown} FROM {link.many.name} m JOIN {link.one.name} o ON o.id = m.{{}}"
        f"{where.replace(' WHERE ', ' WHERE m.')}"
    )
    text = f"List the {own} of all {link.many.plural}{words}, with the {shown} of the {link.one.name}."
    return text, query.format(link.key), query.format("id" if link.many is BOOK else "rowid")


def missing(rng: random.Random, schema: str) -> tuple[str, str, str]:
    link = rng.choice(LINKS[schema])
    words, where, _ = condition(rng, link.one)
    query = f"SELECT {link.one.label} FROM {link.one.name}{where} AND id {{}} (SELECT {link.key} FROM {link.many.name})"
    text = f"List the {link.one.label} of all {link.one.plural}{words} and without {link.many.plural}."
    return text, query.format("NOT IN"), query.format("IN")


def differing(rng: random.Random, schema: str) -> tuple[str, str, str]:
    table = LOAN if schema == "library" else PURCHASE
    words, where, _ = condition(rng, table)
    query = f"SELECT{{}} {table.label} FROM {table.name}{where}"
    return f"List each different {table.label} of {table.plural}{words}.", query.format(" DISTINCT"), query.format("")


FORMS: dict[Callable[[random.Random, str], tuple[str, str, str]], float] = {
    listing: 0.35,
    counting: 0.45,
    totalling: 0.55,
    ranking: 0.65,
    grouping: 0.7,
    having: 0.8,
    joining: 0.75,
    missing: 0.6,
    differing: 0.7,
}
"""Each form of question, and how often answers to it are mistaken."""
MISTAKEN = {form.__name__: share for form, share in FORMS.items()}


def ask(rng: random.Random, schema: str | None = None, form: str | None = None) -> Question:
    """A random question, of a schema and a form if they are given."""
    schema = schema or rng.choice(sorted(TABLES))
    told = next(f for f in FORMS if f.__name__ == form) if form else rng.choice(list(FORMS))
    return Question(schema, told.__name__, *told(rng, schema))
