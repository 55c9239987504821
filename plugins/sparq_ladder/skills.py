"""
The skills of a number game: how each is worded, how it is worked out, and how it is commonly got wrong.

A working is one or more equations. `x` is the number so far, `n` the operand that the wording names, `a` and `b` the two of an
opening, `r` the result.
"""

from typing import NamedTuple


class Skill(NamedTuple):
    """One thing that may be done to numbers."""

    name: str
    right: str
    mistake: str
    """What is commonly done in its place; empty where only slips happen."""
    operand: str
    """What kind of number `n` is: a key of the ranges; empty where there is none."""
    wordings: tuple[str, ...]


PLAIN = ("Start with {a}.", "{name} takes {a}.", "Think of {a}.")
"""Openings that only say a number."""
QUESTIONS = ("Result?", "What is it?", "What comes out?")
PARTS = {"half": 2, "third": 3, "quarter": 4, "fifth": 5, "tenth": 10}
NAMES = ("Anna", "Ben", "Carla", "David", "Emma", "Felix", "Grace", "Henry")

OPENINGS = (
    Skill("total", "a + b = r", "", "", ("Add up {a} and {b}.", "{name} has {a} and finds {b}.")),
    Skill("grouping", "a * b = r", "a + b = r", "", ("{name} lays {a} rows of {b}.", "There are {a} bags of {b}.")),
    Skill("counting", "b - a = c; c + 1 = r", "b - a = r", "", ("{name} counts from {a} to {b}.",
                                                             "{name} reads pages {a} to {b}.")),
    Skill("perimeter", "a + b = c; c * 2 = r", "a * b = r", "", ("{name} walks around {a} by {b}.",
                                                               "A fence goes around {a} by {b}.")),
    Skill("midpoint", "a + b = c; c / 2 = r", "a + b = r", "", ("Find the middle of {a} and {b}.",
                                                             "{name} stops halfway from {a} to {b}.")),
)  # fmt: skip
"""Openings that take a step of their own, the commonest first."""

MOVES = (
    Skill("addition", "x + n = r", "", "number", ("Add {n}.", "Put {n} more on it.", "It grows by {n}.")),
    Skill("subtraction", "x - n = r", "", "number", ("Subtract {n}.", "Take {n} away.", "It falls by {n}.")),
    Skill("doubling", "x * 2 = r", "x + 2 = r", "", ("Double it.", "Make it twice as much.")),
    Skill("halving", "x / 2 = r", "x - 2 = r", "", ("Halve it.", "Take one half of it.")),
    Skill("multiplication", "x * n = r", "x + n = r", "factor", ("Multiply it by {n}.", "Take it {n} times.")),
    Skill("rounding", "ten(x) = r", "x + 10 = r", "", ("Round it to tens.", "Go to the nearest ten.")),
    Skill("division", "x / n = r", "x - n = r", "factor", ("Divide it by {n}.", "Share it among {n}.")),
    Skill("complement", "n - x = r", "n + x = r", "bound", ("Subtract it from {n}.", "Say how much it lacks to {n}.")),
    Skill("tripling", "x * 3 = r", "x + 3 = r", "", ("Triple it.", "Make it three times as much.")),
    Skill("maximum", "max(x, n) = r", "min(x, n) = r", "number", ("Keep the larger of it and {n}.",
                                                                     "Raise it to at least {n}.")),
    Skill("remainder", "x % n = r", "x - n = r", "factor", ("Keep the rest after packs of {n}.", "Take it modulo {n}.")),
    Skill("reversal", "reverse(x) = r", "digits(x) = r", "", ("Reverse its digits.", "Read it backwards.")),
    Skill("digit sum", "digits(x) = r", "last(x) = r", "", ("Add up its digits.", "Take its digit sum.")),
    Skill("minimum", "min(x, n) = r", "max(x, n) = r", "number", ("Keep the smaller of it and {n}.",
                                                                     "Cut it to at most {n}.")),
    Skill("growth", "x / n = a; x + a = r", "x / n = r", "part", ("It grows by a {n}.", "Add a {n} of it.")),
    Skill("shrinkage", "x / n = a; x - a = r", "x / n = r", "part", ("It shrinks by a {n}.", "Drop a {n} of it.")),
    Skill("last digit", "last(x) = r", "digits(x) = r", "", ("Keep its last digit.", "Keep only its ones.")),
    Skill("averaging", "x + n = a; a / 2 = r", "x + n = r", "number", ("Average it with {n}.", "Go halfway to {n}.")),
    Skill("squaring", "x * x = r", "x * 2 = r", "", ("Square it.", "Multiply it by itself.")),
    Skill("doubled bonus", "x * 2 = a; a + n = r", "x + n = a; a * 2 = r", "number", ("Double it and add {n}.",
                                                                                   "Take twice of it plus {n}.")),
    Skill("common divisor", "gcd(x, n) = r", "min(x, n) = r", "bound", ("Take its common divisor with {n}.",
                                                                      "Find what divides it and {n}.")),
)  # fmt: skip
"""What may happen to the number so far, the commonest first."""
