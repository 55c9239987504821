"""The answer inside a sentence: what leads to it, what it is said to be, and remarks after it."""

import re

from sparq_sympy.reading import phrases, stories
from sparq_sympy.reading.stories import NEVER

_WORD = re.compile(r"[A-Za-z']{2,}")
_COPULA = re.compile(
    r"\b(?:is equal to|is exactly|is given by|is therefore|is thus|is located at|is|are|equals?|equal to|was|were|will be"
    r"|must be|would be|be|becomes?|gives|yields|get|obtain|have|comes to|amounts to|totals|takes|costs|needs|contains|has"
    r"|weighs|measures|makes|converges to|tends to|approaches)\b:?\s*",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"^(?:(?:and|hence|thus|therefore|so|then|finally|we conclude that|it follows that|this gives|we get|that is|i\.e\.|"
    r"in conclusion|in total|an?(?= \d)|"
    r"(?:rounded )?to the nearest [a-z]+|statements?(?= [IVX]+\b)|answer|result|ans|final answer|solutions?)\b[\s,:.=]*)+",
    re.IGNORECASE,
)
_ONLY = re.compile(
    r"^(?:only|just|exactly|precisely|simply|about|approximately|roughly)\s+"
    r"|[\s,]+(?:only|exactly|precisely|in all|as desired|as required|alone)$",
    re.IGNORECASE,
)
_IS_IT = re.compile(
    r"[\s,]+(?:is|are) (?:the|our|an?) (?:only |final |correct |desired |required |unique |two |three |possible )*"
    r"(?:answers?|solutions?|values?|results?|roots?|possibility|possibilities|one|ones|numbers|integers|points|dimensions)\b"
    r"[^\d=]*$",
    re.IGNORECASE,
)
_OF_IT = re.compile(r"(?<=[\d}%])\s+of (?:the|an?|all|her|his|their|its) [a-z ]+$", re.IGNORECASE)
_REMARK = re.compile(
    r"\s*[(\[](?:the )?(?:unique|only|units?|approx\.?|approximately|about|exact(?:ly)?|valid|simplified|final answer"
    r"|double root|repeated root|(?:the )?only [a-z ]+|(?:rounded )?to the nearest [a-z ]+|rounded [a-z ]+"
    r"|to \d+ (?:d\. ?p\.?|decimal places?|significant figures)|as (?:required|desired|expected)|by (?:symmetry|definition"
    r"|inspection|convention|construction))[)\]]$",
    re.IGNORECASE,
)
_ROUGHLY = re.compile(
    r"\s*\((?:or )?(?:about|approximately|approx\.?|roughly|\\approx|\\sim)\s*[^()]*\)$", re.IGNORECASE
)
_BOTH = re.compile(r"^(?:both(?= .* and )|either(?= .* or ))\s+", re.IGNORECASE)
_CURVE = re.compile(r"^(?:\\ell|[A-Za-z])\s*:\s*(?=[^:=]*[xy][^:=]*=)")
_BEFORE_FORMULA = re.compile(r"(?<![\\A-Za-z])([A-Za-z']{2,40}+)(?=[\\(\[$]|-[\d\\])")
_AFTER_FORMULA = re.compile(r"(?<=[})\]%,])(?=[A-Za-z]{2})")
"""Where a word touches a formula, once spaces that mean nothing are gone."""
_SO = re.compile(r"^.{1,200}?[,;.]\s*(?:so|thus|hence|therefore),? the (?:final )?answer is:?\s+", re.IGNORECASE)
_OF_A_SET = re.compile(r"^(?:the )?(?:domain|range|solution set)\s*[:=]\s*(?!.*\b(?:domain|range)\b)", re.IGNORECASE)
_AT = re.compile(r"^(?:at\s*(?=[(\d])|in (?=[12]\d{3}$))")
_IN_BRACKETS = re.compile(r"^\(([A-Za-z]{2,}[A-Za-z ]*)\)$")
_IT_IS = re.compile(r"^(It|That|There)'s ")
_OFF = (_SO, _REMARK, _ROUGHLY, _OF_IT, _LEAD, _ONLY, _IS_IT, _BOTH)
"""What is taken off a sentence, in this order."""
_TEXT = re.compile(r"\\text\{([^{}]*)\}")


def statement(text: str) -> str:
    """The answer of `Hence the area equals 12`, `only 5`, `x = 2 is the only solution`; other text as it is."""
    plain = " ".join((_TEXT.sub(r" \1 ", text) if r"\text" in text else text).split())
    if r"\begin" in text:
        return text
    plain = _IT_IS.sub(r"\1 is ", plain)
    unnamed = _OF_A_SET.sub("", _CURVE.sub("", plain))
    if not _WORD.search(unnamed):
        return text if unnamed == plain else unnamed
    if (signs := phrases.in_signs(unnamed)) != unnamed:
        return signs
    apart = _AFTER_FORMULA.sub(" ", _BEFORE_FORMULA.sub(r"\1 ", unnamed))
    said = _said(apart)
    return text if not said or said == apart else said


def _said(sentence: str) -> str:
    """What is left of a sentence without remarks, leads, and what it is said of."""
    short = sentence
    for taken_off in _OFF:
        short = taken_off.sub("", short).strip()
    short = _IN_BRACKETS.sub(r"\1", short)
    if (name := stories.name(short)) is not None:
        return name
    copulas = list(_COPULA.finditer(short))
    if len(copulas) == 1 and _leads(short[: copulas[0].start()], short[copulas[0].end() :]):
        short = _ONLY.sub("", short[copulas[0].end() :].strip())
        short = stories.counted(phrases.in_signs(short))
    short = _AT.sub("", short.strip(" ,:"))
    return stories.value(short) or short


def _leads(before: str, after: str) -> bool:
    """Whether words before a verb only say what the rest is the value of."""
    if not after.strip() or (not _WORD.search(before) and not before.strip().isalpha()):
        return False
    return not NEVER.search(before) and not NEVER.match(after.strip()) and not re.search(r"[=<>;]|,\s*\d", before)
