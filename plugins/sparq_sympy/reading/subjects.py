"""What a value is said to be the value of, where that is one of several that a problem tells apart: radius or diameter."""

import re

_ALTERNATIVES = (
    "radius diameter circumference area perimeter volume height",
    "length width",
    "mean median mode",
    "domain range",
    "maximum minimum",
    "sum product difference quotient",
    "quotient remainder divisor",
    "numerator denominator",
    "cost profit loss revenue",
    "distance speed",
    "slope x-intercept y-intercept",
    "x-coordinate y-coordinate",
    "sine cosine tangent",
    "vertex focus center",
    "amplitude period frequency",
    "oldest youngest",
    "fastest slowest",
    "tallest shortest",
    "longest shortest",
    "cheapest dearest",
    "heaviest lightest",
    "best worst",
)
"""Names of which one alone is meant, a line for those that are told apart."""
_SYNONYMS = {
    "average": "mean",
    **dict.fromkeys(("greatest", "largest", "biggest", "highest", "most", "maximal"), "maximum"),
    **dict.fromkeys(("least", "smallest", "lowest", "minimal"), "minimum"),
    **dict.fromkeys(("price", "expense", "expenses"), "cost"),
    "centre": "center",
    "quickest": "fastest",
}
_GROUPS = tuple(frozenset(line.split()) for line in _ALTERNATIVES)
_NAMES = frozenset({*_SYNONYMS}.union(*_GROUPS))
_WORD = re.compile(r"(?<![\\A-Za-z-])(?<!at )(?:[xy]-)?[A-Za-z]{3,}(?![A-Za-z-])")


def subjects(text: str) -> frozenset[str]:
    """The names of such amounts that a text has, one for those that mean the same."""
    words = {word.lower() for word in _WORD.findall(text)} & _NAMES
    return frozenset(_SYNONYMS.get(word, word) for word in words)


def are_told_apart(ours: frozenset[str], theirs: frozenset[str]) -> bool:
    """Whether both speak of an amount of one group, and not of the same."""
    return any(ours & group and theirs & group and not ours & theirs & group for group in _GROUPS)
