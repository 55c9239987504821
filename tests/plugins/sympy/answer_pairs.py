"""Pairs of answers made at random, with whether they are equal: for properties, and for sweeps of any length."""

import random
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple


class Pair(NamedTuple):
    """A reference, an answer, and whether they are the same by the way they were made."""

    gold: str
    answer: str
    equal: bool


def answer_pair(rng: random.Random) -> Pair:
    """A pair of a random kind; half of them differ."""
    return rng.choice(KINDS)(rng)


def _two_values(rng: random.Random) -> tuple[int, int]:
    """A number, and the same or another."""
    first = rng.randint(2, 40)
    return first, first if rng.random() < 0.5 else first + rng.choice((-1, 1, 7))


def _fractions(rng: random.Random) -> Pair:
    a, b = (Fraction(n, rng.choice((1, 3, 7, 8))) for n in _two_values(rng))
    return Pair(rf"\frac{{{a.numerator}}}{{{a.denominator}}}", f"{b.numerator}/{b.denominator}", a == b)


def _arithmetic(rng: random.Random) -> Pair:
    """Two sums of products, written down with their values."""
    (a, x), (b, y) = _expression(rng, 3), _expression(rng, 3)
    if rng.random() < 0.5:
        return Pair(a, f"{x.numerator}/{x.denominator}", True)
    return Pair(a, b, x == y)


def _expression(rng: random.Random, depth: int) -> tuple[str, Fraction]:
    if not depth or rng.random() < 0.2:
        n = rng.randint(1, 9)
        return str(n), Fraction(n)
    (a, x), (b, y) = _expression(rng, depth - 1), _expression(rng, depth - 1)
    how = rng.randrange(4)
    if how == 0:
        return f"({a}+{b})", x + y
    if how == 1:
        return rf"({a}-{b})", x - y
    if how == 2 or not y:
        return rf"{a}\cdot {b}", x * y
    return rf"\frac{{{a}}}{{{b}}}", x / y


def _lists(rng: random.Random) -> Pair:
    items = [rng.randint(-20, 20) for _ in range(rng.randint(2, 5))]
    other = rng.sample(items, len(items))
    equal = rng.random() < 0.5
    if not equal:
        other[0] += 50
    glue = rng.choice((", ", " and ", "; ", "\n"))
    return Pair(", ".join(map(str, items)), glue.join(map(str, other)), equal)


def _tuples(rng: random.Random) -> Pair:
    items = [rng.randint(-20, 20) for _ in range(rng.randint(2, 5))]
    other = list(items) if rng.random() < 0.5 else rng.sample(items, len(items))
    spelled = rng.choice((r"({})", r"\left({}\right)", r"\langle {}\rangle")).format(", ".join(map(str, other)))
    return Pair(f"({', '.join(map(str, items))})", spelled, items == other)


def _intervals(rng: random.Random) -> Pair:
    low, high = sorted(rng.sample(range(-9, 10), 2))
    (left, right), (other_left, other_right) = ((rng.choice("[("), rng.choice("])")) for _ in range(2))
    turned = {"(": "]", "[": "[", ")": "[", "]": "]"}
    signs = [{"(": "<", "[": "<="}[other_left], {")": "<", "]": "<="}[other_right]]
    spelled = (
        f"{turned[other_left]}{low},{high}{turned[other_right]}",
        f"{low} {signs[0]} x {signs[1]} {high}",
    )
    return Pair(f"{left}{low},{high}{right}", rng.choice(spelled), (left, right) == (other_left, other_right))


def _congruences(rng: random.Random) -> Pair:
    modulus = rng.randint(2, 30)
    a, b = rng.randint(-50, 50), rng.randint(-50, 50)
    if rng.random() < 0.5:
        b = a + modulus * rng.randint(-3, 3)
    spelled = rng.choice((r"x \equiv {} \pmod{{{}}}", r"{} \pmod {}", "x ≡ {} (mod {})")).format(b, modulus)
    return Pair(rf"x\equiv {a} \pmod{{{modulus}}}", spelled, (a - b) % modulus == 0)


def _times(rng: random.Random) -> Pair:
    hours, minutes = rng.randrange(24), rng.randrange(60)
    other = hours if rng.random() < 0.5 else (hours + rng.choice((1, 12))) % 24
    half = "AM" if other < 12 else "PM"
    return Pair(_on_the_clock(hours, minutes), f"{(other - 1) % 12 + 1}:{minutes:02} {half}", hours == other)


def _on_the_clock(hours: int, minutes: int) -> str:
    return f"{(hours - 1) % 12 + 1}:{minutes:02} {'a.m.' if hours < 12 else 'p.m.'}"


def _units(rng: random.Random) -> Pair:
    large, small, factor = rng.choice(
        (("m", "cm", 100), ("hours", "minutes", 60), ("kg", "g", 1000), ("ft", "inches", 12))
    )
    a, b = _two_values(rng)
    return Pair(f"{a} {large}", f"{b * factor} {small}", a == b)


def _words(rng: random.Random) -> Pair:
    number = rng.randrange(1, 1_000_000)
    other = number if rng.random() < 0.5 else rng.randrange(1, 1_000_000)
    return Pair(in_words(number), str(other), number == other)


def in_words(number: int) -> str:
    """A whole number below a million in words."""
    ones = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen"
    small = ["", *ones.split(), "nineteen"]
    tens = ["", "", *["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]]
    if number < 20:
        return small[number]
    if number < 100:
        return f"{tens[number // 10]}-{small[number % 10]}".rstrip("-")
    if number < 1000:
        return f"{small[number // 100]} hundred {in_words(number % 100)}".strip()
    return f"{in_words(number // 1000)} thousand {in_words(number % 1000)}".strip()


def _named(rng: random.Random) -> Pair:
    names = rng.sample(("Ann", "Ben", "Cora", "Least", "Greatest", "Width"), 3)
    values = [rng.randint(1, 30) for _ in names]
    other = list(values) if rng.random() < 0.5 else rng.sample(values, 3)
    spelled = [f"{name}{rng.choice((': ', ' = '))}{value}" for name, value in zip(names, other, strict=True)]
    rng.shuffle(spelled)
    gold = ", ".join(f"{name}: {value}" for name, value in zip(names, values, strict=True))
    return Pair(gold, ", ".join(spelled), values == other)


def _polynomials(rng: random.Random) -> Pair:
    a, b = rng.randint(-9, 9), rng.randint(-9, 9)
    c = a * b if rng.random() < 0.5 else a * b + rng.choice((-1, 1, 10))
    return Pair(f"(x+({a}))(x+({b}))", f"x^2+({a + b})x+({c})", c == a * b)


def _cases(rng: random.Random) -> Pair:
    edge, *values = (rng.randint(-5, 5) for _ in range(3))
    other = list(values) if rng.random() < 0.5 else [values[0], values[1] + 1]
    row = rf"{other[1]} & \text{{otherwise}}"
    gold = rf"\begin{{cases}}{values[0]} & x < {edge} \\ {values[1]} & x \ge {edge}\end{{cases}}"
    return Pair(gold, rf"\begin{{cases}}{other[0]} & \text{{if }} x < {edge} \\ {row}\end{{cases}}", values == other)


def _towers(rng: random.Random) -> Pair:
    """Something next to a constant: small enough to vanish in fifty digits."""
    small = rng.choice(("e^{-e^5}", "2^{-400}", "10^{-90}", r"\frac{1}{80!}", "e^{-200}", "3^{-3^6}"))
    base = rng.choice((r"\pi", "1", r"\sqrt{2}", "x", "e^2"))
    equal = rng.random() < 0.5
    return Pair(f"{base}+{small}", f"{small}+{base}" if equal else base, equal)


KINDS: tuple[Callable[[random.Random], Pair], ...] = (
    _fractions,
    _arithmetic,
    _lists,
    _tuples,
    _intervals,
    _congruences,
    _times,
    _units,
    _words,
    _named,
    _polynomials,
    _cases,
    _towers,
)
"""Makers of pairs."""

_LATEX = (
    r"\frac{1}{2} \frac \sqrt{ } { ( ) [ ] , ; : = < > \le \ge \equiv \pmod \pmod5 (mod mod \begin{cases} \end{cases} & \\ "
    r"\begin{pmatrix} \end{pmatrix} \text{ \text{and} \binom52 \pm \ldots ... \cdots \circ $ \$ | \| \{ \} \cup \setminus "
    r"\infty \mathbb{R} \pi \sin \sin^{-1} \boxed{ ^ _ ^2 ^{ + - * / ! % °"
)
_PLAIN = (
    "and or if for is the area 1 2 10 0.5 1/2 x y n i j k _5C_2 C(5,2) 5 cm m ft 7:30 pm AM March Monday e pi sin f(x) "
    "f^{-1}(x) twenty hundred one half st th ① ** ` ]0,1[ Ann: least: (1) (2) 9^{9^9} e^{-e^9}"
)
_PIECES = (*_LATEX.split(), *_PLAIN.split())


def odd_text(rng: random.Random) -> str:
    """Pieces of answers in any order, as no one would write them."""
    return "".join(
        rng.choice(_PIECES) + rng.choice(("", " ", "\n" if rng.random() < 0.1 else ""))
        for _ in range(rng.randint(1, 14))
    )
