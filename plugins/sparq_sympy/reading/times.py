"""Clock times and dates in their usual spellings, as nodes of their own."""

import re
from fractions import Fraction

from sparq_sympy.reading import numerals
from sparq_sympy.tree.nodes import Apply, Node, Number, Words

_HALF = r"(?:\s*(?:\\text\{)?\s*([ap])\.?\s?m\b\.?\s*\}?)"
_CLOCK = re.compile(
    rf"(?:at )?(\d{{1,2}})(?:\s*[:.]\s*(\d\d)(?:\s*:\s*(\d\d))?)?(?:{_HALF}|\s*o'?\s?clock)",
    re.IGNORECASE,
)
_PLAIN_CLOCK = re.compile(r"(?:at )?(\d{1,2})\s*:\s*(\d\d)(?:\s*:\s*(\d\d))?")
_ON_THE_HOUR = re.compile(r"^([A-Za-z]+)(?= o'?\s?clock)")
_PARTS_OF_DAY = re.compile(r"^(.*?)\s*(?:in the (morning|afternoon|evening)|at (night))$")
_PAST = re.compile(r"(?:a )?(half past|quarter past|quarter to) (\d{1,2}|[a-z]+)")
_MINUTES = {"half past": 30, "quarter past": 15, "quarter to": -15}
_NAMED = {
    "noon": 720,
    "midday": 720,
    "midnight": 0,
    "12 noon": 720,
    "12 midnight": 0,
    "12:00 noon": 720,
    "12:00 midnight": 0,
}

_MONTH_NAMES = "january february march april may june july august september october november december"
_MONTHS = _MONTH_NAMES.split()
_MONTH = (
    {name: n for n, name in enumerate(_MONTHS, start=1)}
    | {name[:3]: n for n, name in enumerate(_MONTHS, start=1)}
    | {"sept": 9}
)
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_WEEKDAY = (
    {name: name for name in _DAYS} | {name[:3]: name for name in _DAYS} | {"tues": "tuesday", "thurs": "thursday"}
)
_TH = r"(?:\s?\^?\{?(?:\\text\{)?(?:st|nd|rd|th)\}{0,2})?"
_YEAR = r"(?:[,\s]+(\d{4}))?"
_WEEK = rf"(?:({'|'.join(sorted(_WEEKDAY, key=len, reverse=True))})[.,\s]+)?"
_NAMES = "|".join(sorted(_MONTH, key=len, reverse=True))
_MONTH_FIRST = re.compile(rf"{_WEEK}(?:the )?({_NAMES})[.\s]+(?:the )?(\d{{1,2}}){_TH}{_YEAR}", re.IGNORECASE)
_DAY_FIRST = re.compile(rf"{_WEEK}(?:the )?(\d{{1,2}}){_TH}\s+(?:of\s+|day of\s+)?({_NAMES})\.?{_YEAR}", re.IGNORECASE)
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_TEXT = re.compile(r"\\text\{([^{}]*)\}|\\ |~")


def moment(text: str) -> Node | None:
    """A clock time or a date; None of any other text."""
    text = " ".join(_TEXT.sub(r" \1 ", text).split()).strip(" .,").removeprefix("on ")
    return _clock(text) or _date(text)


def _clock(text: str) -> Node | None:
    """Minutes since midnight, in the half of the day that is told; `data` is empty where it is not."""
    if text.lower() in _NAMED:
        return _time(Fraction(_NAMED[text.lower()]), "day")
    part = _PARTS_OF_DAY.fullmatch(text.lower())
    body = part[1] if part else text
    if (past := _PAST.fullmatch(body.lower())) and (hour := _hour(past[2])) is not None:
        return _time((60 * hour + Fraction(_MINUTES[past[1]])) % 720, "")
    body = _ON_THE_HOUR.sub(lambda m: str(_hour(m[1].lower()) or m[1]), body)
    found = _CLOCK.fullmatch(body) or _PLAIN_CLOCK.fullmatch(body)
    if not found:
        return None
    hours, minutes, seconds = int(found[1]), int(found[2] or 0), int(found[3] or 0)
    half = (found[4] or "").lower() if found.re is _CLOCK else ""
    half = half or ({"morning": "a"}.get(part[2] or "", "p") if part and part[2] else "")
    if minutes > 59 or seconds > 59 or hours > 24 or (half and not 0 < hours < 13):
        return None
    if half:
        hours = hours % 12 + 12 * (half == "p")
    told = "day" if half or hours > 12 or hours == 0 else ""
    return _time(60 * hours + minutes + Fraction(seconds, 60), told)


def _hour(said: str) -> int | None:
    """An hour in digits or words."""
    value = int(said) if said.isdigit() else numerals.in_words(said)
    return int(value) if value is not None and value.denominator == 1 and 0 < value < 13 else None


def _time(minutes: Fraction, data: str) -> Node:
    return Apply("time", (Number(minutes),), data)


def _date(text: str) -> Node | None:
    if found := _MONTH_FIRST.fullmatch(text):
        return _day(found[4], _MONTH[found[2].lower()], int(found[3]), found[1])
    if found := _DAY_FIRST.fullmatch(text):
        return _day(found[4], _MONTH[found[3].lower()], int(found[2]), found[1])
    if found := _ISO.fullmatch(text):
        return _day(found[1], int(found[2]), int(found[3]), None)
    if found := _AMERICAN.fullmatch(text):
        return _day(found[3], int(found[1]), int(found[2]), None)
    return None


def _day(year: str | None, month: int, day: int, weekday: str | None) -> Node | None:
    """Year, month, day and day of the week, with words for what is not told."""
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    parts = (
        Number(Fraction(int(year))) if year else Words(""),
        Number(Fraction(month)),
        Number(Fraction(day)),
        Words(_WEEKDAY[weekday.lower()] if weekday else ""),
    )
    return Apply("date", parts)
