"""Numbers in words, up to a million: `one hundred and twenty-three`, `two thirds`, `three and a half`, `twenty-first`."""

from fractions import Fraction

_ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_TEENS = ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_SMALL = {word: n for n, word in enumerate((*_ONES, *_TEENS))}
_TENS_NAMES = "twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = {word: 10 * n for n, word in enumerate(_TENS_NAMES.split(), start=2)}
_LARGE = {"thousand": 10**3, "million": 10**6}
_ORDINALS = {
    "first": "one",
    "second": "two",
    "third": "three",
    "fifth": "five",
    "eighth": "eight",
    "ninth": "nine",
    "twelfth": "twelve",
}
_PARTS = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4}
_LONGEST = 24
"""Words of a number."""
_NO_COUNTED = frozenset({"power", "root"})
"""What an ordinal is said of and a number never counts: the twelfth power."""


def in_words(text: str) -> Fraction | None:
    """The value of a number in words, cardinal, ordinal or a simple fraction; None of any other text."""
    words = text.lower().replace("-", " ").replace(",", " ").split()
    if words in (["a", "dozen"], ["dozen"]):
        return Fraction(12)
    if not words or len(words) > _LONGEST:
        return None
    if words[0] in {"hundred", *_LARGE}:
        words = ["one", *words]
    if words[-1] == "dozen" and (count := _cardinal(words[:-1])):
        return Fraction(12 * count)
    if words[0] in {"minus", "negative"}:
        value = _positive(words[1:])
        return None if value is None else -value
    return _positive(words)


def in_digits(text: str) -> str:
    """`twenty-five dollars` as `25 dollars`: a number in words that one or two other words follow."""
    words = text.split()
    if (
        not 1 < len(words) <= _LONGEST
        or words[-1].lower() in _NO_COUNTED
        or not text.replace(" ", "").replace("-", "").isalpha()
    ):
        return text
    for rest in (1, 2):
        number = in_words(" ".join(words[:-rest]))
        if number is not None and in_words(text) is None:
            return f"{number} {' '.join(words[-rest:])}"
    return text


def _positive(words: list[str]) -> Fraction | None:
    if (whole := _cardinal(words)) is not None:
        return Fraction(whole)
    if (fraction := _with_fraction(words)) is not None:
        return fraction
    last = _cardinal_of(words[-1]) if words else None
    whole = _cardinal([*words[:-1], last]) if last else None
    return None if whole is None else Fraction(whole)


def _cardinal_of(word: str) -> str | None:
    """`four` of `fourth`, `twenty` of `twentieth`; None of what is no ordinal."""
    if word in _ORDINALS:
        return _ORDINALS[word]
    stem = word.removesuffix("th")
    if stem == word:
        return None
    return f"{stem.removesuffix('ie')}y" if stem.endswith("ie") else stem


def _with_fraction(words: list[str]) -> Fraction | None:
    """`two thirds`, `a half`, `three and a half`."""
    part = _part(words[-1]) if len(words) > 1 else _PARTS.get(words[0]) if words else None
    if part is None:
        return None
    if "and" in words:
        at = len(words) - 1 - words[::-1].index("and")
        whole, top = _cardinal(words[:at]), _count(words[at + 1 : -1])
        return None if whole is None or top is None else whole + Fraction(top, part)
    top = _count(words[:-1])
    return None if top is None else Fraction(top, part)


def _part(word: str) -> int | None:
    """The denominator that a word names: `thirds`, `quarter`, `twentieth`; `second` is none."""
    if word in _PARTS:
        return _PARTS[word]
    ordinal = _cardinal_of(word.removesuffix("s"))
    value = _cardinal([ordinal]) if ordinal else None
    return value if value and value > 2 else None


def _count(words: list[str]) -> int | None:
    return 1 if words in ([], ["a"], ["an"]) else _cardinal(words)


def _cardinal(words: list[str]) -> int | None:
    """A whole number; each word must fit to those before it."""
    total = group = 0
    room = 10**9
    free = 10**9
    for at, word in enumerate(words):
        if word == "and":
            if not 0 < at < len(words) - 1 or words[at - 1] not in {"hundred", *_LARGE}:
                return None
        elif word in _SMALL or word in _TENS:
            value = _SMALL.get(word, _TENS.get(word, 0))
            if value >= free or (value == 0 and len(words) > 1):
                return None
            group += value
            free = 10 if word in _TENS else 0
        elif word in {"a", "an"} and at == 0 and len(words) > 1:
            group, free = 1, 0
        elif word == "hundred" and 0 < group < 100:
            group, free = group * 100, 100
        elif word in _LARGE and group and _LARGE[word] < room:
            room = _LARGE[word]
            total, group, free = total + group * room, 0, 1000
        else:
            return None
    return total + group if words else None
