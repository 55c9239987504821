"""Units beside a value: taken off, brought to one name, and compared apart from it."""

import re

from sparq_sympy.reading.names import KNOWN
from sparq_sympy.tree.scales import scale

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
    "qt": "quart",
    "pint": "pint",
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
    "¥": "yen jpy",
    "₹": "rupee inr rs",
    "rad": "radian",
    "n": "newton",
    "j": "joule",
    "w": "watt",
    "pa": "pascal",
    "v": "volt",
    "hz": "hertz",
    "k": "kelvin",
}
_NAME = {word: name for name, words in _NAMES.items() for word in words.split()}
SHORT = frozenset(
    {
        *_NAMES,
        "mph",
        "kph",
        "rpm",
        "lbs",
        "hr",
        "hrs",
        "sec",
        "secs",
        "mins",
        "yrs",
        "gm",
        "am",
        "pm",
        "sq",
        "cu",
        "kms",
        "km/h",
    }
)
"""Abbreviations that are units even without a space before them, where they have two letters or more."""
_LONGEST_SYMBOL = 3
"""Letters of a unit's symbol, whose case matters: mPa is not MPa."""
_NO_UNITS = frozenset(
    {
        "and",
        "or",
        "less",
        "more",
        "fewer",
        "than",
        "over",
        "minus",
        "plus",
        "as",
        "if",
        "not",
        "except",
        "unless",
        "only",
    }
)
_VOWELS = frozenset("aeiou")
LETTERS = {"m": "m", "g": "g", "s": "s", "h": "h", "l": "l", "L": "l", "N": "n", "J": "j", "W": "w", "V": "v"}
"""Letters that may be units after a number, with the unit."""
_SQUARES = frozenset({"square", "cubic"})
_GENERIC = frozenset({"unit", "unit^2", "unit^3", "total", "in total", "altogether", "exactly"})
_CASED = {
    "Hz": "hz",
    "kHz": "khz",
    "kPa": "kpa",
    "kWh": "kwh",
    "mL": "ml",
    "cL": "cl",
    "dL": "dl",
    "ML": "ml",
    "kJ": "kj",
    "kN": "kn",
    "kW": "kw",
}
_COMPOUND = {"mph": "mi/h", "kph": "km/h", "mpg": "mi/gal"}
_POWER = re.compile(r"\^\s*\{?\s*([23])\s*\}?")
_POWER_IN_WORDS = re.compile(r"\b([A-Za-z]+) (squared|cubed)\b")
_AREA = re.compile(r"\b(square|sq|cubic|cu)\b(?:\.\s*|\s+)(\S+)", re.IGNORECASE)
_MONEY = re.compile(r"^(-?)\s*(?:\\?\$|€|£|¥|₹|Rs\.?|USD(?![A-Za-z])|US\\?\$)\s*(?=[\d.\\-])")
_MONEY_AFTER = re.compile(r"(-?\d[\d.,]*)\s*(?:\\text\{\s*)?(\\?\$|€|£|¢|¥|₹|\\cents?(?![A-Za-z]))\s*\}?")
_MONEY_PER = re.compile(r"\\?\$\s*([\d.,]+)\s*(/\s*[A-Za-z ]+)")
_MONEY_ABOUT = re.compile(r"(\\approx\s*)\\?\$")
_MARKS = {"€": "€", "£": "£", "¥": "¥", "₹": "₹", "Rs": "₹"}
_MINUTES_OF_ARC = re.compile(r"(\d+)\^\{?\\circ\}?\s*(\d+)\s*(?:'|\^\{?\\prime\}?)\s*(?:(\d+(?:\.\d+)?)\s*(?:\"|''))?")
_FEET = re.compile(r"^(\d+)\s*(?:'|\^\\prime)\s*(\d+(?:\.\d+)?)\s*(?:\"|''|\^\{?\\prime\\prime\}?)$")
_DEGREES = re.compile(r"(?:\^\s*\{?\s*\\circ\s*\}?|\\degree(?:s)?(?![A-Za-z]))\s*(?:\\text\{\s*)?([CF]?)(?:\s*\})?$")
_PERCENT_OF = re.compile(
    r"\s*(?:\\?%|\bpercent)\s*(?:\\text\{)?\s*(chance|probability|increase|decrease|discount)\s*\}?$"
)
_PERCENT = re.compile(r"\s*(?:\\?%|\\?text\{\s*(?:\\?%|percent(?:age)?|pct)\s*\}|\b(?:percent(?:age)?|pct))$")
_TEXT_UNIT = re.compile(r"\s*\\text\{(\s*[^{}]*?[^\W\d_][^{}]*?)\}\s*((?:\^\s*\{?\s*-?\d\s*\}?)?)$")
_PLAIN_UNIT = re.compile(
    r"(?:(?<=[\d}).])(?!\s*pi\b)|(?<=pi))(\s*+)((?:[A-Za-z]++\.?\s*+[/-]?\s*+)++)((?:\^\s*\{?\s*[23]\s*\}?)?)$"
)
_HALF_DAY = re.compile(r"(?<=[\d\s{])([apAP])\.\s?[mM]\b\.?")
_TEXT_OF = re.compile(r"\\text\{([^{}]*)\}")
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+\.?)")
_COMPOUND_OF = re.compile(r"(?:\d+(?:\.\d+)?\s*[A-Za-z]+\.?(?:\s*,)?(?:\s*\band\b)?\s*)+")
_MOST_PARTS = 4
_TRIGONOMETRY = re.compile(r"sin|cos|tan|cot|sec|csc|cis")
_TEMPERATURE = re.compile(r"\bdegrees?\s+([cf])(?:elsius|ahrenheit)?\b", re.IGNORECASE)
_EACH = re.compile(r"\bper\b|(?<=\s)an?(?=\s(?:second|minute|hour|day|week|month|year|pound|gallon)\b)")
_INVERSE = re.compile(r"\s*\b([A-Za-z]+)\s*\^\s*\{?\s*-\s*(\d)\s*\}?")
_NOTES = re.compile(r"\([^()]*\)")
_JOINED = re.compile(r"[-+*/=<>,;:(\[{^_|\\]\s*$|\\(?:cdot|times|div|pm|le|ge|in|cup|cap|frac|sqrt|ne)\s*$")


def split(text: str) -> tuple[str, str]:
    """A value and its unit: `%`, a canonical name, or nothing."""
    if turned := _MINUTES_OF_ARC.fullmatch(text):
        return f"{turned[1]}+{turned[2]}/60+{turned[3] or 0}/3600", "deg"
    text = _FEET.sub(r"\1 ft \2 in", _HALF_DAY.sub(r"\1m", text))
    for off in (compound, _percent_off, _degrees_off, _money_off, _text_off, _plain_off):
        if (found := off(text)) is not None:
            return found
    return text, ""


def is_unit(word: str) -> bool:
    """Whether a word is the name of a unit."""
    return word.lower() in _NAME or word.lower().removesuffix("s") in _NAME or word.lower() in SHORT


def compound(text: str) -> tuple[str, str] | None:
    """`5 feet 6 inches` as so many inches; None where the units do not measure the same, the smaller after the larger."""
    parts = list(_PART.finditer(_TEXT_OF.sub(r" \1 ", text)))
    if not 1 < len(parts) <= _MOST_PARTS or not _COMPOUND_OF.fullmatch(_TEXT_OF.sub(r" \1 ", text).strip()):
        return None
    names = [canonical(part[2]) for part in parts]
    if "h" in names:
        names = ["min" if name == "m" else name for name in names]
    known = [scale(name) for name in names]
    if any(one is None for one in known) or len({one[0] for one in known if one}) > 1:
        return None
    factors = [one[1] for one in known if one]
    if factors != sorted(set(factors), reverse=True):
        return None
    terms = (rf"{part[1]}\cdot {factor / factors[-1]}" for part, factor in zip(parts, factors, strict=True))
    return "+".join(terms), names[-1]


def _percent_off(text: str) -> tuple[str, str] | None:
    if (of := _PERCENT_OF.search(text)) and of.start():
        return text[: of.start()], f"% {of[1]}"
    found = _PERCENT.search(text)
    return (text[: found.start()], "%") if found and text[: found.start()].strip() else None


def _degrees_off(text: str) -> tuple[str, str] | None:
    found = _DEGREES.search(text)
    if not found or _TRIGONOMETRY.search(text):
        return None
    rest = text[: found.start()].rstrip("{ ")
    return (rest, "deg" + found[1].lower()) if rest and not _JOINED.search(rest) else None


def _money_off(text: str) -> tuple[str, str] | None:
    if each := _MONEY_PER.fullmatch(text):
        return each[1], f"${canonical(each[2])}"
    if after := _MONEY_AFTER.fullmatch(text):
        return after[1], "¢" if after[2].startswith(r"\cent") else after[2].strip("\\")
    found = _MONEY.search(text)
    if not found:
        return None
    rest, unit = split(_MONEY_ABOUT.sub(r"\1", text[found.end() :]))
    mark = next((mark for sign, mark in _MARKS.items() if sign in found[0]), "$")
    return found[1] + rest, unit if unit in {"¢", "%"} else mark + unit if unit.startswith("/") else mark


def _text_off(text: str) -> tuple[str, str] | None:
    found = _TEXT_UNIT.search(text)
    if not found or not (rest := text[: found.start()].strip()):
        return None
    words = _without_notes(found[1])
    if not words.strip():
        return split(rest)
    return None if _JOINED.search(rest) or _connects(words) else (rest, canonical(words + found[2]))


def _plain_off(text: str) -> tuple[str, str] | None:
    found = _PLAIN_UNIT.search(text)
    if not found or not _is_unit(found[2].strip(), spaced=bool(found[1])):
        return None
    return text[: found.start()], canonical(found[2] + found[3])


def _without_notes(words: str) -> str:
    """Words without those in brackets; a bracket with a number, such as `(mod 5)`, says more than a note."""
    return _NOTES.sub(lambda found: found[0] if re.search(r"\d", found[0]) else "", words)


def _connects(words: str) -> bool:
    return bool(re.search(r"(?<![\^A-Za-z-])\d", words)) or words.strip().lower() in {
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
    if not parts or parts[0] in {"squared", "cubed"} or _NO_UNITS & set(parts):
        return False
    known = [p in SHORT or p.removesuffix("s") == "unit" or p in _NAME or p.removesuffix("s") in _NAME for p in parts]
    if "/" in words and len(parts) > 1 and all(known):
        return True
    if words.split(maxsplit=1)[0] in _CASED:
        return True
    if not spaced:
        return (known[0] and len(parts[0]) > 1) or (parts[0] in _SQUARES and any(known[1:]))
    return (known[0] and len(parts[0]) > 1) or _is_noun(parts[0])


def _is_noun(word: str) -> bool:
    """Whether it is more likely a word than a product: `cup`, but not `xyz` or `sin`."""
    return len(word) > 2 and word not in KNOWN and bool(set(word) & _VOWELS) and not set(word) <= _VOWELS


def canonical(words: str) -> str:
    """One name of a unit: `square inches`, `in^2` and `sq in` are the same; generic words are nothing."""
    text = _without_notes(words.replace("\\", " ")).strip()
    text = _POWER_IN_WORDS.sub(lambda m: f"{m[1]}^{2 if m[2] == 'squared' else 3}", text)
    text = _TEMPERATURE.sub(r"deg\1", _POWER.sub(r"^\1", text))
    text = _AREA.sub(lambda m: f"{m[2]}^{2 if m[1].lower().startswith('sq') else 3}", text)
    text = _INVERSE.sub(lambda m: f"/{m[1]}" + (f"^{m[2]}" if m[2] != "1" else ""), _EACH.sub("/", text))
    text = re.sub(r"\s*/\s*(?:an?\s+|one\s+)?", "/", text)
    text = re.sub(r"[A-Za-z]+", lambda m: _one(m[0]), text)
    text = " ".join(text.replace(".", " ").replace("-", " ").split())
    return "" if text.lower() in _GENERIC else text


def _one(word: str) -> str:
    word = _CASED.get(word, word)
    word = word if len(word) <= _LONGEST_SYMBOL and not word.isupper() else word.lower()
    word = _COMPOUND.get(word, word).replace("degC", "degc").replace("degF", "degf")
    if word in _NAME:
        return _NAME[word]
    single = word[:-1] if word.endswith("s") and len(word) > 2 and not word.endswith("ss") else word
    return _NAME.get(single, single)
