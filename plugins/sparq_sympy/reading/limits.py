"""What is done to an answer before anything parses it: cleaned of spelling differences, refused where it is out of bounds."""

import re
import unicodedata

LONGEST = 2_000
"""Characters of an answer."""
DEEPEST = 40
"""Brackets inside each other; also of bars, and half of the signs in a row."""
MOST_DIGITS = 1_000
"""Digits of one number."""

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ", "0123456789+-=()ni")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎", "0123456789+-=()")
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ]+")
_LOWERED = re.compile("[₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎]+")
_VULGAR = re.compile("(?<=[0-9])(?=[¼½¾⅐-⅞])")
_SIGNS = {
    **dict.fromkeys("−–—‐‑‒﹣－", "-"),
    **dict.fromkeys("×✕✖⨯", r"\times "),
    **dict.fromkeys("·⋅∙•", r"\cdot "),
    **dict.fromkeys("÷∕⁄", "/"),
    **dict.fromkeys("≤⩽≦", r"\le "),
    **dict.fromkeys("≥⩾≧", r"\ge "),
    **dict.fromkeys("°º˚", r"^\circ "),
    **dict.fromkeys("‘’′", "'"),
    **dict.fromkeys("…⋯", r"\ldots "),
    **dict.fromkeys("∅Ø", r"\emptyset "),
    "≠": r"\ne ",
    "≈": r"\approx ",
    "±": r"\pm ",
    "∓": r"\mp ",
    "∞": r"\infty ",
    "∈": r"\in ",
    "∪": r"\cup ",
    "∩": r"\cap ",
    "√": r"\sqrt ",
    "∛": r"\sqrt[3]",
    "π": r"\pi ",
    "θ": r"\theta ",
    "α": r"\alpha ",
    "β": r"\beta ",
    "γ": r"\gamma ",
    "λ": r"\lambda ",
    "μ": r"\mu ",
    "φ": r"\phi ",
    "ω": r"\omega ",
    "ℝ": r"\mathbb{R}",
    "ℤ": r"\mathbb{Z}",
    "ℕ": r"\mathbb{N}",
    "∠": r"\angle ",
    "△": r"\triangle ",
    "⟨": r"\langle ",
    "⟩": r"\rangle ",
}
_SIGN = re.compile("[" + "".join(map(re.escape, _SIGNS)) + "]")
_SIGNS_IN_A_ROW = re.compile(r"(?:[-+!^_]\s?){20}")
_DIGITS = re.compile(rf"\d{{{MOST_DIGITS + 1},}}")


def clean(text: str) -> str:
    """Unicode digits, signs, superscripts and fractions in their LaTeX or ASCII spelling; no format characters."""
    text = text.strip()
    if text.isascii():
        return text
    text = _VULGAR.sub(" ", text)
    text = _RAISED.sub(lambda m: "^{" + m[0].translate(_SUPERSCRIPTS) + "}", text)
    text = _LOWERED.sub(lambda m: "_{" + m[0].translate(_SUBSCRIPTS) + "}", text)
    text = _SIGN.sub(lambda m: _SIGNS[m[0]], text)
    text = unicodedata.normalize("NFKC", text)
    text = "".join(_plain(c) for c in text if unicodedata.category(c) != "Cf")
    return _SIGN.sub(lambda m: _SIGNS[m[0]], text)


def _plain(character: str) -> str:
    if character.isascii():
        return character
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)


def refuse(text: str) -> str | None:
    """Why a cleaned answer is not parsed: `too-long`, `too-deep`, `too-large` (digits) or `control`; None where it is."""
    if len(text) > LONGEST:
        return "too-long"
    depth = deepest = 0
    for character in text:
        if character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth -= 1
        elif (
            (character < " " and character not in "\t\n\r")
            or "\x7f" <= character < "\xa0"
            or "\ud800" <= character < "\ue000"
        ):
            return "control"
    if deepest > DEEPEST:
        return "too-deep"
    if _SIGNS_IN_A_ROW.search(text) or text.count("|") > DEEPEST:
        return "too-deep"
    return "too-large" if _DIGITS.search(text) else None
