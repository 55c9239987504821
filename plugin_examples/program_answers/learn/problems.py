"""Problems of arithmetic, told by rule, each with a solution, a mistaken solution and a program that computes its answer."""

import hashlib
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

HELD_OUT = 38
"""Of 256: the share of all problems that is kept for the benchmark."""
Told = tuple[str, str, str, str]
"""A statement, a solution, a mistaken solution, a program."""
COPRIME = [(p, q) for p in range(1, 6) for q in range(1, 6) if math.gcd(p, q) == 1]


@dataclass(frozen=True)
class MathProblem:
    """A problem of one form."""

    form: str
    statement: str
    solution: str
    mistake: str
    program: str

    @property
    def held_out(self) -> bool:
        """Whether it is kept for the benchmark, by hash."""
        return hashlib.sha256(self.statement.encode()).digest()[0] < HELD_OUT


def boxed(work: str, answer: object) -> str:
    return f"{work}. \\boxed{{{answer}}}"


def program(result: str, module: str = "", **values: int) -> str:
    """A program that prints an expression of some values."""
    lines = [f"import {module}"] if module else []
    return "\n".join([*lines, *(f"{name} = {value}" for name, value in values.items()), f"print({result})"])


def counted(found: Sequence[object]) -> str:
    """A list that is counted."""
    return boxed(f"They are {', '.join(map(str, found))}" if found else "There are none", len(found))


def remainder(rng: random.Random) -> Told:
    b = rng.randint(3, 9)
    a = rng.randint(b + 1, 60)
    return (
        f"What is the remainder of {a} divided by {b}?",
        boxed(f"It is {a // b} * {b} + {a % b}", a % b),
        boxed(f"It is {a // b}", a // b),
        program("a % b", a=a, b=b),
    )


def divisors(rng: random.Random) -> Told:
    n = rng.randint(4, 60)
    found = [d for d in range(1, n + 1) if n % d == 0]
    return (
        f"How many divisors does {n} have?",
        counted(found),
        counted(found[:-1]),
        program("sum(n % d == 0 for d in range(1, n + 1))", n=n),
    )


def primes(rng: random.Random) -> Told:
    a = rng.randint(2, 40)
    b = a + rng.randint(5, 14)
    return (
        f"How many primes are there from {a} to {b}?",
        counted([n for n in range(a, b + 1) if all(n % d for d in range(2, n))]),
        counted([n for n in range(a, b + 1) if n % 2]),
        program("sum(all(n % d for d in range(2, n)) for n in range(a, b + 1))", a=a, b=b),
    )


def multiples(rng: random.Random) -> Told:
    a, last = rng.randint(2, 9), rng.randint(2, 5)
    b = a * last + rng.randint(1, a)
    found = range(a, b, a)
    return (
        f"What is the sum of all multiples of {a} below {b}?",
        boxed(f"It is {' + '.join(map(str, found))}", sum(found)),
        boxed(f"It is {a} + {b}", a + b),
        program("sum(range(a, b, a))", a=a, b=b),
    )


def digits(rng: random.Random) -> Told:
    n = rng.randint(11, 999)
    each = [int(c) for c in str(n)]
    return (
        f"What is the sum of the digits of {n}?",
        boxed(f"It is {' + '.join(map(str, each))}", sum(each)),
        boxed(f"There are {len(each)}", len(each)),
        program("sum(map(int, str(n)))", n=n),
    )


def pairs(rng: random.Random) -> Told:
    n, what = rng.randint(3, 21), rng.choice(("books", "friends", "cards", "songs", "teams"))
    return (
        f"In how many ways can 2 of {n} {what} be chosen?",
        boxed(f"It is {n} * {n - 1} / 2", math.comb(n, 2)),
        boxed(f"It is {n} * {n - 1}", n * (n - 1)),
        program("math.comb(n, 2)", "math", n=n),
    )


def divisor(rng: random.Random) -> Told:
    common, (p, q) = rng.randint(2, 12), rng.choice(COPRIME)
    a, b = common * p, common * q
    return (
        f"What is the greatest common divisor of {a} and {b}?",
        boxed(f"They are {common} * {p} and {common} * {q}", common),
        boxed(f"They are {common} * {p} and {common} * {q}, so {common} * {p * q}", common * p * q),
        program("math.gcd(a, b)", "math", a=a, b=b),
    )


def discount(rng: random.Random) -> Told:
    a, b, what = 10 * rng.randint(2, 20), rng.choice((10, 20, 40)), rng.choice(("shirt", "lamp", "chair", "book"))
    less = a * b // 100
    return (
        f"A {what} of {a} euros is sold for {b} percent less. How many euros does it cost?",
        boxed(f"It is {a} - {less}", a - less),
        boxed(f"It is {b} percent of {a}", less),
        program("a * (100 - b) // 100", a=a, b=b),
    )


def fractions(rng: random.Random) -> Told:
    a, b = rng.sample(range(2, 13), 2)
    return (
        f"What is 1 / {a} + 1 / {b} as a fraction?",
        boxed(f"It is {a + b} / {a * b}", Fraction(a + b, a * b)),
        boxed(f"It is 2 / {a + b}", f"2/{a + b}"),
        program("fractions.Fraction(a + b, a * b)", "fractions", a=a, b=b),
    )


FORMS: dict[Callable[[random.Random], Told], float] = {
    remainder: 0.65,
    divisors: 0.75,
    primes: 0.7,
    multiples: 0.6,
    digits: 0.4,
    pairs: 0.75,
    divisor: 0.5,
    discount: 0.7,
    fractions: 0.6,
}
"""Each form of problem, and how often answers to it are mistaken."""
MISTAKEN = {form.__name__: share for form, share in FORMS.items()}


def pose(rng: random.Random, form: str | None = None) -> MathProblem:
    """A random problem, of a form if it is given."""
    told = next(f for f in FORMS if f.__name__ == form) if form else rng.choice(list(FORMS))
    return MathProblem(told.__name__, *told(rng))
