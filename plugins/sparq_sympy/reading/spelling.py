"""Differences of spelling that carry no meaning, taken away as text: Unicode, wrappers, spacing, thousands."""

import re
import unicodedata

from sparq_sympy.reading import latex

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ", "0123456789+-=()ni")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎", "0123456789+-=()")
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ]+")
_LOWERED = re.compile("[₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎]+")
_CIRCLED = re.compile("[①-⑨]")
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
    **dict.fromkeys("✓✔✅☑■∎", " "),
    "≠": r"\ne ",
    "≡": r"\equiv ",
    "⇒": r"\Rightarrow ",
    "∀": r"\forall ",
    "∖": r"\setminus ",
    "∉": r"\notin ",
    "→": r"\to ",
    "⌊": r"\lfloor ",
    "⌋": r"\rfloor ",
    "⌈": r"\lceil ",
    "⌉": r"\rceil ",
    "∣": "|",
    "∨": r"\lor ",
    "∧": r"\land ",
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
    "δ": r"\delta ",
    "ε": r"\epsilon ",
    "ρ": r"\rho ",
    "σ": r"\sigma ",
    "τ": r"\tau ",
    "ψ": r"\psi ",
    "ℝ": r"\mathbb{R}",
    "ℤ": r"\mathbb{Z}",
    "ℕ": r"\mathbb{N}",
    "∠": r"\angle ",
    "△": r"\triangle ",
    "⟨": r"\langle ",
    "⟩": r"\rangle ",
}
_SIGN = re.compile("[" + "".join(map(re.escape, _SIGNS)) + "]")

_GROUPED = re.compile(r"(?<=\d)\s*(?:\{\s*,\s*\}|\\[,!; ]|,\s*\\!)\s*(?:\\!)?\s*(?=\d{3}(?!\d))")
_COMMA_GROUPS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?![\d,])")
_SPACE_GROUPS = re.compile(r"(?<![\d.])[1-9]\d{0,2}(?: \d{3})+(?![\d/.])")
_SEVERAL = re.compile(r"\s\s+")
_LOOSE = re.compile(r"\s+(?![0-9A-Za-z])|(?<![0-9A-Za-z])\s+")
_TRAILING = re.compile(r"(?:\s|\\\\|[.,;:])+$")
_ABOUT = re.compile(
    r"^(?:(?:--?|=)>|(?:about|approximately|approx\.?|roughly|around)(?=\s)|\\(?:approx|sim|therefore|implies|to|Rightarrow|Longrightarrow|longrightarrow|rightarrow)(?![A-Za-z])|≈|=(?!=))\s*"
)
_RECURRING = re.compile(
    r"(\d{0,50})\.(\d{0,50})(?:\s?\\(?:overline|bar|dot)(?:\{(\d{1,50})\}|(\d))|\((\d{1,50})\)(?!\s*\^))"
)
_GOING_ON = re.compile(r"(\d{0,50})\.(\d{0,20}?)(\d{1,6}?)\3{2,10}\d{0,5}(?:\.\.\.|\\[lc]?dots(?![A-Za-z])\s*)$")
_MULTIPLIERS = {"dozen": 12, "hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_MULTIPLIER = re.compile(rf"(?<=\d)\s*(?:\\text\{{)?\s*({'|'.join(_MULTIPLIERS)})s?\b(\s*\}})?", re.IGNORECASE)
_TIMES = re.compile(r"(?<=\d)\s*[xX]\s*(?=10\s*\^)|(?<=\d) [xX] (?=\d)")
_MATH = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"))


def clean(text: str) -> str:
    """Unicode digits, signs, superscripts and fractions in their LaTeX or ASCII spelling; no format characters."""
    text = text.strip()
    if text.isascii():
        return text
    text = _CIRCLED.sub(lambda m: f" ({ord(m[0]) - 0x245F}) ", _VULGAR.sub(" ", text))
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


def unwrap(text: str) -> str:
    r"""Text without the dollar signs, `\boxed{}`, emphasis and final full stop around it."""
    before = None
    while text != before:
        before = text
        text = _ABOUT.sub("", _TRAILING.sub("", text).strip())
        for left, right in _MATH:
            inner = text[len(left) : -len(right)]
            if (
                text.startswith(left)
                and text.endswith(right)
                and len(text) > len(left) + len(right)
                and right not in inner.replace(r"\$", "")
            ):
                text = inner.strip()
        if text.startswith("**") and text.endswith("**") and len(text) > 4:
            text = text[2:-2]
        for command in (r"\boxed{", r"\fbox{", r"\displaystyle "):
            if text.startswith(command):
                text = text[len(command) : -1] if command.endswith("{") and _closes_last(text, len(command)) else text
                text = text.removeprefix(r"\displaystyle ")
    return text


def _closes_last(text: str, start: int) -> bool:
    """Whether the brace opened before `start` is closed by the last character."""
    depth = 1
    for position in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if not depth:
            return position == len(text) - 1
    return False


def recurring(text: str) -> str:
    r"""Text with `0.1\overline{6}` as a fraction."""
    return _RECURRING.sub(_as_fraction, _GOING_ON.sub(r"\1.\2\\overline{\3}", text))


def _as_fraction(found: re.Match[str]) -> str:
    whole, once, again = found[1] or "0", found[2], found[3] or found[4] or found[5]
    shift = 10 ** len(once)
    top = int(whole + once + again) - int(whole + once)
    return rf"\frac{{{top}}}{{{shift * (10 ** len(again) - 1)}}}"


def plain(text: str) -> str:
    r"""One spelling of commands, spacing and large numbers; `\text{}` is the only command left that holds words."""
    if "\\" in text or "~" in text:
        text = latex.simpler(_GROUPED.sub("", text))
    text = recurring(text)
    text = _TIMES.sub(r"\\times ", _GROUPED.sub("", text))
    text = _MULTIPLIER.sub(_multiplied, text)
    return _LOOSE.sub("", _SEVERAL.sub(" ", text)).strip()


def _multiplied(found: re.Match[str]) -> str:
    """`5 million` as a product; what else stands in the same group of text stays a text."""
    opened, closed = r"\text" in found[0], found[2] is not None
    rest = r"\text{" if opened and not closed else ""
    return rf"\cdot {_MULTIPLIERS[found[1].lower()]} {rest}"


def without_thousands(text: str) -> str:
    """Text with `1,234` and `1 234` as `1234`, where no bracket says that the comma separates."""
    if any(bracket in text for bracket in "([") or r"\{" in text:
        return text
    text = _COMMA_GROUPS.sub(lambda m: m[0].replace(",", ""), text)
    return _SPACE_GROUPS.sub(lambda m: m[0].replace(" ", ""), text)
