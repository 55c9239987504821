"""The answer inside a sentence: what leads to it, what it is said to be, and the condition after it."""

import re

_WORD = re.compile(r"[A-Za-z']{2,}")
_COPULA = re.compile(
    r"\b(?:is equal to|is exactly|is given by|is therefore|is thus|is|are|equals?|equal to|was|were|will be|must be|would be"
    r"|be|becomes?|gives|yields|get|obtain|have|comes to|amounts to|totals|takes|costs|needs|contains|has|weighs|measures"
    r"|makes)\b:?\s*",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"^(?:(?:and|hence|thus|therefore|so|then|finally|we conclude that|it follows that|this gives|we get|that is|i\.e\.|"
    r"in conclusion|in total|answer|result|ans|final answer|solution|solutions)\b[\s,:.=]*)+",
    re.IGNORECASE,
)
NEVER = re.compile(
    r"\b(?:not|no|never|neither|nor|except|unless|n't|cannot|isn't|aren't|half|twice|double|square of|cube of|root of"
    r"|reciprocal|negative of|prime|true|false|if and only if|between|either|at least|at most|less|more|greater|fewer"
    r"|larger than|smaller than|under|over|above|below|up to)\b",
    re.IGNORECASE,
)
"""Words that change what a value is said of: a sentence with one of them is not skipped."""
_ONLY = re.compile(
    r"^(?:only|just|exactly|precisely|simply|about|approximately|roughly)\s+"
    r"|[\s,]+(?:only|exactly|precisely|in all|as desired|as required|alone)$",
    re.IGNORECASE,
)
_IS_IT = re.compile(
    r"[\s,]+(?:is|are) (?:the|our|an?) (?:only |final |correct |desired |required |unique )*"
    r"(?:answers?|solutions?|values?|results?|roots?|possibility|possibilities|one|ones)\b[^\d=]*$",
    re.IGNORECASE,
)
_OF_IT = re.compile(r"(?<=[\d}%])\s+of (?:the|an?|all|her|his|their|its) [a-z ]+$", re.IGNORECASE)
_CONDITION = re.compile(
    r"[\s,(]*(?:\\text\{)?[\s,(]*\b(?P<word>for|when|whenever|where|if|with|since|because|as|given|provided|such that|assuming"
    r"|on the interval)\b(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_NOTED = re.compile(r"(.*?[^\s(]),?\s*\(([^()]*(?:<|>|=|\\(?:le|ge|ne|in)(?:q|qslant)?(?![A-Za-z]))[^()]*)\)")
_COMPARED = [
    (re.compile(rf"(?:^|\b(?:is|are|be)\s+){words}\s+(?=[\d\\$.A-Za-z-])", re.IGNORECASE), sign)
    for words, sign in (
        ("(?:at least|no less than|not less than|greater than or equal to)", r" \ge "),
        ("(?:at most|no more than|not more than|less than or equal to|up to)", r" \le "),
        ("(?:strictly )?(?:less|fewer|smaller) than", " < "),
        ("(?:strictly )?(?:more|greater|larger) than", " > "),
    )
]
_EXCEPT = re.compile(
    r"^(?:x is )?(?:(?:all|any|every)(?: real)? (?:numbers?|reals|x|values)|\\mathbb\{R\})(?: x)?\s*,?\s*"
    r"(?:except|but|other than|excluding|not equal to|without)(?: for)?\s*(?:\{?[a-z]\s*=)?\s*(.+)$",
    re.IGNORECASE,
)
_TEXT = re.compile(r"\\text\{([^{}]*)\}")
_AGAIN = re.compile(r"\b(?:if|when|for|otherwise|else)\b")
"""What another value with its own condition has."""
_EVERY = re.compile(r"^(?:all|every|any|each|some)\b")


def statement(text: str) -> str:
    """The answer of `Hence the area equals 12`, `only 5`, `x = 2 is the only solution`; other text as it is."""
    plain = _TEXT.sub(r" \1 ", text) if r"\text" in text else text
    if not _WORD.search(plain) or r"\begin" in text:
        return text
    if excepted := _EXCEPT.match(plain.strip()):
        return rf"\mathbb{{R}}\setminus\{{{excepted[1].replace(' and ', ',').strip('{}')}\}}"
    if (compared := _with_signs(plain.strip())) != plain.strip():
        return compared
    short = _IS_IT.sub("", _ONLY.sub("", _LEAD.sub("", _OF_IT.sub("", plain.strip()))).strip())
    copulas = list(_COPULA.finditer(short))
    if len(copulas) == 1 and _leads(short[: copulas[0].start()], short[copulas[0].end() :]):
        short = _ONLY.sub("", short[copulas[0].end() :].strip())
    short = short.strip(" ,:")
    return text if not short or short == plain.strip() else short


def _with_signs(text: str) -> str:
    """`x is at least 5` as an inequality."""
    for words, sign in _COMPARED:
        text = words.sub(sign.replace("\\", r"\\"), text)
    return text


def _leads(before: str, after: str) -> bool:
    """Whether words before a verb only say what the rest is the value of."""
    if not after.strip() or (not _WORD.search(before) and not before.strip().isalpha()):
        return False
    return not NEVER.search(before) and not NEVER.match(after.strip()) and not re.search(r"[=<>;]|,\s*\d", before)


def condition(text: str) -> tuple[str, str]:
    """A value and the condition after it: `x^2 for x > 0`, `5, where n is even`; no condition where there is none."""
    if (noted := _NOTED.fullmatch(text)) and re.search(r"[\w})]$", noted[1]):
        return noted[1].strip(" ,"), noted[2]
    found = _CONDITION.search(text)
    if not found or not (value := text[: found.start()].rstrip(" ,(")) or r"\begin" in text:
        return text, ""
    if value.count("{") != value.count("}") or value.count("(") != value.count(")"):
        return text, ""
    if not re.search(r"[\d\\=]|\b[A-Za-z]\b", value) or _WORD.search(re.sub(r"\\[A-Za-z]+", "", value)):
        return text, ""
    rest = _TEXT.sub(r" \1 ", found["rest"]).replace("}", " }").strip(" ,.")
    if rest.count("{") < rest.count("}"):
        rest = rest.replace("}", "", 1)
    if rest.count("(") < rest.count(")"):
        rest = rest.removesuffix(")")
    rest = rest.strip()
    if _AGAIN.search(rest):
        return text, ""
    return value, "" if _EVERY.match(rest) or found["word"].lower() in {"since", "because", "as"} else rest
