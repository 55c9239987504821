"""Whether two short answers say the same: normalised first, then compared as texts."""

import re
import unicodedata
from difflib import SequenceMatcher
from typing import Literal

Match = Literal["same", "unsure", "different"]
LONGEST = 200
"""Characters of an answer that is still short."""
ALIKE = 0.8
"""From which share of common letters on two answers may be one, misspelt."""
ARTICLES = frozenset({"a", "an", "the"})
UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
SMALL = {word: i for i, word in enumerate(UNITS.split())} | {word: 10 * i for i, word in enumerate(TENS.split(), 2)}
LARGE = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_THOUSANDS = re.compile(r"(?<=\d)[,  ](?=\d{3}(?!\d))")
_MARKS = re.compile(r"(?<!\d)\.|\.(?!\d)|-(?!\d)|(?<=\w)-|[^\w.\-]|_")
"""What separates words; a point within a number and the minus before one do not."""


def normalised(text: str) -> str:
    """An answer without what does not count: case, accents, width, articles, punctuation, and how a number is written."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c)).replace("−", "-").replace("&", " and ")
    plain = _MARKS.sub(" ", _THOUSANDS.sub("", re.sub("['’]", "", plain)))
    return " ".join(word for word in _numbers_as_digits(plain.split()) if word not in ARTICLES)


def compare(answer: str, accepted: list[str]) -> Match:
    """Whether an answer is one of the accepted ones; `unsure` where it is part of one, has one as its part or is near one."""
    said = normalised(answer[: LONGEST + 1])
    known = [normalised(each) for each in accepted]
    if said in known and said:
        return "same"
    if len(answer) > LONGEST or not said:
        return "different"
    return "unsure" if any(_near(said, each) for each in known) else "different"


def _near(said: str, known: str) -> bool:
    if not known or _digits(said) != _digits(known):
        return False
    within = f" {said} " in f" {known} " or f" {known} " in f" {said} "
    return within or (not _digits(said) and SequenceMatcher(None, said, known, autojunk=False).ratio() >= ALIKE)


def _digits(text: str) -> list[str]:
    """Its numbers: a name may be misspelt, a number is right or wrong."""
    return re.findall(r"-?\d[\d.]*", text)


def _numbers_as_digits(words: list[str]) -> list[str]:
    """Runs of number words as one number: `nineteen hundred and five` as 1905."""
    out: list[str] = []
    total = part = 0
    running = False
    for i, word in enumerate([*words, ""]):
        if word in SMALL and not (running and part % 10 and part % 100):
            part, running = part + SMALL[word], True
        elif word == "hundred" and running:
            part *= 100
        elif word in LARGE and running:
            total, part = total + part * LARGE[word], 0
        elif word == "and" and running and part % 100 == 0 and words[i + 1 : i + 2] and words[i + 1] in SMALL:
            continue
        else:
            if running:
                out.append(str(total + part))
            total, part, running = 0, SMALL.get(word, 0), word in SMALL
            out += [] if running or not word else [word]
    return out
