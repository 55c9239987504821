"""Units beside a value: taken off, brought to one name, and compared apart from it."""

import re

from sparq_sympy.names import KNOWN

_NAMES = {
    "mm": "millimeter millimetre",
    "cm": "centimeter centimetre",
    "m": "meter metre",
    "km": "kilometer kilometre kms",
    "in": "inch inche",
    "ft": "foot feet",
    "yd": "yard",
    "mi": "mile",
    "mg": "milligram",
    "g": "gram gm",
    "kg": "kilogram kilo",
    "lb": "pound lbs",
    "oz": "ounce",
    "ml": "milliliter millilitre",
    "l": "liter litre",
    "gal": "gallon",
    "s": "second sec",
    "min": "minute",
    "h": "hour hr",
    "d": "day",
    "wk": "week",
    "mo": "month",
    "yr": "year",
    "deg": "degree",
    "$": "dollar usd buck",
    "¢": "cent",
    "€": "euro eur",
    "£": "gbp",
    "rad": "radian",
    "n": "newton",
    "j": "joule",
    "w": "watt",
    "pa": "pascal",
    "v": "volt",
    "hz": "hertz",
}
_NAME = {word: name for name, words in _NAMES.items() for word in words.split()}
SHORT = frozenset(
    {*_NAMES, "mph", "kph", "rpm", "lbs", "hr", "hrs", "sec", "secs", "mins", "yrs", "gm", "sq", "cu", "kms", "km/h"}
)
"""Abbreviations that are units even without a space before them, where they have two letters or more."""
_GENERIC = frozenset({"unit", "unit^2", "unit^3", "total", "in total", "altogether", "exactly"})
_COMPOUND = {"mph": "mi/h", "kph": "km/h", "mpg": "mi/gal"}
_POWER = re.compile(r"\^\s*\{?\s*([23])\s*\}?")
_AREA = re.compile(r"\b(square|sq|cubic|cu)\b\.?\s+(\S+)")
_MONEY = re.compile(r"^(-?)\s*(?:\\?\$|€|£|USD(?![A-Za-z])|US\\?\$)\s*(?=[\d.\\-])")
_DEGREES = re.compile(r"(?:\^\s*\{?\s*\\circ\s*\}?|\\degree(?:s)?(?![A-Za-z]))\s*(?:\\text\{\s*)?([CF]?)(?:\s*\})?$")
_PERCENT = re.compile(r"\s*(?:\\?%|\\?text\{\s*(?:\\?%|percent(?:age)?|pct)\s*\}|\b(?:percent(?:age)?|pct))$")
_TEXT_UNIT = re.compile(r"\s*\\text\{(\s*[^{}]*?[^\W\d_][^{}]*?)\}\s*((?:\^\s*\{?\s*-?\d\s*\}?)?)$")
_PLAIN_UNIT = re.compile(r"(?<=[\d}).])(\s*+)((?:[A-Za-z]++\.?\s*+[/-]?\s*+)++)((?:\^\s*\{?\s*[23]\s*\}?)?)$")
_NOTES = re.compile(r"\([^()]*\)")
_JOINED = re.compile(r"[-+*/=<>,;:(\[{^_|\\]\s*$|\\(?:cdot|times|div|pm|le|ge|in|cup|cap|frac|sqrt|ne)\s*$")


def split(text: str) -> tuple[str, str]:
    """A value and its unit: `%`, a canonical name, or nothing."""
    if found := _PERCENT.search(text):
        rest = text[: found.start()]
        return (rest, "%") if rest.strip() else (text, "")
    if found := _DEGREES.search(text):
        rest = text[: found.start()].rstrip("{ ")
        if rest and not _JOINED.search(rest):
            return rest, ("deg" + found[1].lower())
    if found := _MONEY.search(text):
        rest, unit = split(text[found.end() :])
        mark = "€" if "€" in found[0] else "£" if "£" in found[0] else "$"
        return found[1] + rest, unit if unit in {"¢", "%"} else mark
    if found := _TEXT_UNIT.search(text):
        rest, words = text[: found.start()], found[1]
        if rest.strip() and not _JOINED.search(rest) and not _connects(words):
            return rest.strip(), canonical(words + found[2])
    if found := _PLAIN_UNIT.search(text):
        words = found[2].strip()
        if _is_unit(words, spaced=bool(found[1])):
            return text[: found.start()], canonical(words + found[3])
    return text, ""


def _connects(words: str) -> bool:
    return bool(re.search(r"\d", words)) or words.strip().lower() in {
        "and",
        "or",
        "if",
        "for",
        "where",
        "when",
        "to",
        "mod",
    }


def _is_unit(words: str, *, spaced: bool) -> bool:
    parts = [p for p in re.split(r"[\s/.-]+", words.lower()) if p]
    if not parts or {"and", "or"} & set(parts):
        return False
    known = [p in SHORT or p in _NAME or p.removesuffix("s") in _NAME for p in parts]
    if not spaced:
        return known[0] and len(parts[0]) > 1
    return (known[0] and len(parts[0]) > 1) or (len(parts[0]) > 3 and parts[0] not in KNOWN)


def canonical(words: str) -> str:
    """One name of a unit: `square inches`, `in^2` and `sq in` are the same; generic words are nothing."""
    text = _NOTES.sub("", words.lower().replace("\\", " ")).strip()
    text = _POWER.sub(r"^\1", text)
    text = _AREA.sub(lambda m: f"{m[2]}^{2 if m[1].startswith('sq') else 3}", text)
    text = re.sub(r"\bper\b", "/", text)
    text = re.sub(r"\s*/\s*(?:an?\s+|one\s+)?", "/", text)
    text = re.sub(r"[A-Za-z]+", lambda m: _one(m[0]), text)
    text = " ".join(text.replace(".", " ").replace("-", " ").split())
    return "" if text in _GENERIC else text


def _one(word: str) -> str:
    word = _COMPOUND.get(word, word)
    if word in _NAME:
        return _NAME[word]
    single = word[:-1] if word.endswith("s") and len(word) > 2 and not word.endswith("ss") else word
    return _NAME.get(single, single)
