"""What a sentence of a story says: `Maria bought 7 pencils`, `the point (0, 12)`, `Devon wins the game`."""

import re

from sparq_sympy.reading.names import KNOWN

NEVER = re.compile(
    r"\b(?:yes|not|no|never|neither|nor|except|unless|n't|cannot|isn't|aren't|doesn't|don't|didn't|won't|half|third of"
    r"|quarter of|twice|double|triple|square of|cube of|root of|multiples?|divisible|reciprocal|negative of|prime|true|false"
    r"|if and only if|between|either|at least|at most|less|more|greater|fewer|larger than|smaller than|under|over|above|below"
    r"|up to|almost|nearly|ago|later|earlier|older|younger|before)\b",
    re.IGNORECASE,
)
"""Words that change what a value is said of: a sentence with one of them is not skipped."""
_PROSE = re.compile(r"(?:[A-Za-z][A-Za-z'-]+|[aAI])[,.]?")
_VERB_FORMS = (
    "is are was were be has have had gets get got gives give gave takes take took makes make made needs need spends "
    "spend spent pays pay paid buys buy bought sells sell sold costs cost eats eat ate drinks drink drank drives "
    "drive drove runs run ran walks walk rides ride rode travels travel reads read writes wrote earns earn saves "
    "save receives receive requires require collects collect uses use keeps keep kept wins win won scores score "
    "weighs weigh measures measure contains contain holds hold held meets meet met arrives arrive leaves reaches "
    "reach starts start begins began ends end finishes finish lasts last finds find found sees saw counts count "
    "equals equal totals becomes become owns own picks pick plants plant bakes bake sends sent brings brought cuts "
    "cut catches caught draws drew builds built covers cover works work charges charge "
)
_VERBS = frozenset(_VERB_FORMS.split())
_CHANGING = (
    "exceed exceeded increased decreased reduced lost owed raised lowered added subtracted multiplied divided needed "
)
_CHANGES = frozenset(_CHANGING.split())
"""What looks like one of them and changes a value."""
_LITTLE_WORDS = "a an the exactly only just about approximately roughly them him her us you it me therefore thus also"
_BETWEEN = frozenset(_LITTLE_WORDS.split())
"""What may stand between a verb and its value."""
_PREPOSITIONS = "after in at for of"
_WHERE = frozenset(_PREPOSITIONS.split())
_THING_NAMES = (
    "point points line circle curve plane parabola ellipse equation interval set pair pairs triple function "
    "polynomial matrix vector number numbers integer integers fraction value values expression formula coordinates "
    "vertex center centre answer result solution sum product ratio year "
)
_AMOUNT_NAMES = (
    "total value profit average mean area perimeter circumference volume length width height depth radius diameter slope "
    "distance speed price cost age weight mass degree exponent remainder quotient median maximum minimum probability "
)
_AMOUNTS = frozenset(_AMOUNT_NAMES.split())
"""What a value may be the amount of: `an area of 24`."""
_THINGS = _AMOUNTS | frozenset(_THING_NAMES.split())
"""What a value may be called before it stands there: `the point (0, 12)`."""
_GIVING = frozenset(
    {"give", "gives", "gave", "cost", "costs", "take", "takes", "took", "pay", "pays", "paid", "brings"}
)
_ARTICLES = frozenset({"a", "an", "the", "his", "her", "their", "each"})
_ORDINALS = frozenset({"first", "second", "third", "last", "next", "top", "other"})
_DETAILS = frozenset({"in", "at", "for", "on", "during", "every", "when", "so", "from", "with", "by"})
"""What begins where, when or for whom, after a value."""
_WINNER = re.compile(
    r"(?P<who>(?!(?:It|This|That|There|The|He|She|They|Nobody|Everyone|Neither|Both|Either)\b)[A-Z][a-z]+"
    r"|(?:the )?(?:first|second) player|player [A-Z1-9])"
    r" (?:(?:always|will|can|should|would|must|eventually) )*"
    r"(?:wins?|won|(?:has|have) (?:a|the) winning strategy|is the (?:winner|only one|one|culprit))\b"
    r"(?P<rest>.*)",
    re.IGNORECASE,
)
_SUPERLATIVES = (
    "greatest largest biggest highest most maximum least smallest lowest minimum fastest quickest slowest oldest youngest "
    "tallest shortest longest closest nearest farthest cheapest heaviest lightest strongest best worst"
)
_FOREMOST = re.compile(
    r"(?P<who>(?!(?:It|This|That|There|The|He|She|They|We|You|All|Some|Each|Nobody|Everyone|Neither|Both|Either|None|No)\b)"
    r"[A-Z][a-z]+(?: [A-Z1-9])?)"
    rf" (?:is|was|has|had|ran|runs|got) the (?:{_SUPERLATIVES.replace(' ', '|')})(?P<rest>(?: [a-z'-]+)*)"
)
_QUALIFIED = re.compile(r"\d|\\|\b(?:if|when|whenever|only|for|but|or|and|against|unless|provided|with|except)\b")


def value(text: str) -> str | None:
    """From the only value of a sentence on, where a verb or a noun leads to it; None of any other text."""
    words = text.split()
    places = [k for k, word in enumerate(words) if not _is_prose(word)]
    if not places or not places[0]:
        return None
    first, last = places[0], places[-1]
    if any(_is_prose(word) and word not in {"and", "or"} for word in words[first:last]):
        return None
    before = " ".join(words[:first])
    if NEVER.search(" ".join((before, *words[last + 1 :]))) or not _leads([word.strip(",.") for word in words[:first]]):
        return None
    said = _without_details(words[first:], last - first)
    named = [word.lower() for word in words[:first] if word.lower() not in _BETWEEN]
    return f"{named[0]} = {said}" if len(named) == 1 and named[0] in _AMOUNTS else said


def _without_details(words: list[str], last: int) -> str:
    """A value with what it counts, without where, when and for whom."""
    end = next((k for k, word in enumerate(words) if k > last and word.strip(",.") in _DETAILS), len(words))
    return " ".join(words[:end]).strip(" .,")


def counted(text: str) -> str:
    """A value that words follow, without where, when and for whom: `20 cups of feed in the final meal`."""
    words = text.split()
    last = next((k for k, word in enumerate(words) if _is_prose(word)), len(words)) - 1
    after = words[last + 1 :]
    if last < 0 or NEVER.search(" ".join(after)) or not all(map(_is_prose, after)):
        return text
    return _without_details(words, last)


def _is_prose(word: str) -> bool:
    return bool(_PROSE.fullmatch(word)) and word.strip(",.") not in KNOWN


def _leads(words: list[str]) -> bool:
    """Whether words before a value say no more than what it is the value of."""
    words = [word.lower() for word in words]
    while words and words[-1] in _BETWEEN:
        words.pop()
    if not words:
        return False
    *others, last = words
    if len(others) > 1 and others[-1] in _ARTICLES and others[-2] in _GIVING and last not in _ORDINALS:
        return True
    if last in _THINGS:
        return all(word in _BETWEEN or word in _VERBS or word in {"with", "there"} for word in others) or bool(
            _VERBS & set(others)
        )
    if last in _WHERE and others:
        return others[-1] in _AMOUNTS if last == "of" else any(map(_is_verb, others))
    return _is_verb(last) and bool(others)


def _is_verb(word: str) -> bool:
    return word in _VERBS or (word.endswith("ed") and len(word) > 4 and word not in _CHANGES)


def name(text: str) -> str | None:
    """Who wins, or is the one that was asked for; None of any other text."""
    found = _WINNER.fullmatch(text.strip()) or _FOREMOST.fullmatch(text.strip(" ."))
    if not found or NEVER.search(found["rest"]) or _QUALIFIED.search(found["rest"]):
        return None
    return found["who"].removeprefix("The ").removeprefix("the ")
