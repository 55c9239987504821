"""Answers in words that mean something in mathematics: no solution, all reals, infinitely many, yes and no."""

import re
from collections.abc import Callable
from fractions import Fraction

from sparq_sympy.tree.nodes import Apply, Node, Number, Symbol, Words

_NOTHING = "no solution|no solutions|no real solution|no real solutions|none|empty set|empty"
_ALL = "all real numbers|all reals|all real x|any real number|reals|real numbers"
_POSITIVE = Apply("brackets", (Number(Fraction(0)), Symbol("infinity")), "()")
_WHOLE: dict[str, Node] = {
    **dict.fromkeys(_NOTHING.split("|"), Apply("set", ())),
    **dict.fromkeys(_ALL.split("|"), Symbol("reals")),
    **dict.fromkeys(("all positive real numbers", "all positive reals", "positive real numbers"), _POSITIVE),
    **dict.fromkeys(("all natural numbers", "natural numbers", "any natural number"), Symbol("naturals")),
    **dict.fromkeys(
        ("all positive integers", "positive integers", "any positive integer"), Symbol("positive integers")
    ),
    **dict.fromkeys(("all integers", "any integer", "integers", "every integer"), Symbol("integers")),
    **dict.fromkeys(("dne", "does not exist", "undefined"), Words("does not exist")),
}
"""Whole answers."""
_THING = "(?:solution|root|answer|value|integer|number|pair|triple|function|prime|[a-z])s?"
_NONE = re.compile(rf"no (?:such |real |possible |valid )*{_THING}(?: exists?)?")
_ENDLESS = re.compile(
    rf"infinite|infinitely many(?: (?:such |real )?{_THING})?|infinite number(?: of {_THING})?|infinite {_THING}"
)
_LIMIT = "(?:limit|value|derivative|integral|maximum|minimum|inverse|it)"
_ABSENT = re.compile(rf"(?:[a-z]+ ){{0,3}}{_LIMIT}(?: [a-z]+){{0,4}} do(?:es)?(?: not|n ?t) exist")
_CLAIM = re.compile(r"(?:statement|claim|assertion|conjecture|proposition|it) is (true|false)")
_YES_OR_NO = re.compile(
    r"(?!.*\b(?:but|only|if|unless|except|or)\b)"
    r"(yes|no)(?: ?,? ?(?:it|they|he|she|we|you|this|that|there|such|the|an?) [a-z' ]+)?"
)
_COURSE = re.compile(r"(?:improper )?(?:series|sequence|integral) (converges|diverges)")
_PARITY = re.compile(r"(?:all|any|every) (even|odd) (?:[kmn]|integers?|numbers?|values)|(?:[kmn] )?(even|odd)")
_KIND = re.compile(r"(even|odd|linear|quadratic|exponential|periodic|increasing|decreasing) function")
_DAY = re.compile(r"on ((?:mon|tues|wednes|thurs|fri|satur|sun)day)")
_QUADRANT = re.compile(
    r"(?:in )?(?:the )?(?:quadrant (i{1,3}|iv|[1-4])|(first|second|third|fourth|1st|2nd|3rd|4th) quadrant)"
)
_TWO = re.compile(r"([a-z]{3,}) and ([a-z]{3,})")
_QUADRANTS = ({"i", "1", "first", "1st"}, {"ii", "2", "second", "2nd"}, {"iii", "3", "third", "3rd"})


def _quadrant(found: re.Match[str]) -> Node:
    told = found[1] or found[2]
    return Words(f"quadrant {next((n for n, names in enumerate(_QUADRANTS, start=1) if told in names), 4)}")


_PUT: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Node]], ...] = (
    (_NONE, lambda _: Apply("set", ())),
    (_ENDLESS, lambda _: Symbol("infinity")),
    (_ABSENT, lambda _: Words("does not exist")),
    (_CLAIM, lambda found: Words(found[1])),
    (_COURSE, lambda found: Words(found[1])),
    (_PARITY, lambda found: Words(found[1] or found[2])),
    (_KIND, lambda found: Words(found[1])),
    (_DAY, lambda found: Words(found[1])),
    (_QUADRANT, _quadrant),
    (_TWO, lambda found: Words(" and ".join(sorted((found[1], found[2]))))),
    (_YES_OR_NO, lambda found: Words(found[1])),
)
"""Answers that are put in many ways."""


def meaning(words: str) -> Node | None:
    """What an answer means, given as lower case words without punctuation; None of other words."""
    if words in _WHOLE:
        return _WHOLE[words]
    matches = ((found.fullmatch(words), node) for found, node in _PUT)
    return next((node(match) for match, node in matches if match), None)
