"""Slips of markup that carry no meaning: doubled backslashes, stray dollar signs and stars, lines in place of commas."""

import re

_CLEAN = re.compile(r"[-+A-Za-z0-9 ,/()={}^]*+(?:\.[A-Za-z0-9)}]+)*")
"""Text without any markup that may slip."""
_BARE_FRACTION = re.compile(r"(?<![\\A-Za-z])[dt]?frac\{")
_DOUBLED = re.compile(r"\\\\(?=[A-Za-z]{2})")
_STAR = re.compile(r"\\\*")
_EMPHASIS = re.compile(r"(?<![\w*\\])(\*\*|__)(?=\S)([^*_]+?)(?<=\S)\1(?![\w*])")
_WHOLE_EMPHASIS = re.compile(r"^([*_])([^*_]+)\1$")
_FACTORIAL_IS = re.compile(r"!\s+=")
_THREE_DOTS = re.compile(r"\.{3,6}")
_BRACED = re.compile(r"(?<![a-z])\{([:.;])\}")
_BY_THE_WAY = re.compile(r"\(\s*or ([^()]{1,60})\)\s*$")
_DOLLAR = re.compile(r"(?<!\\)\$\$?")
_DELIMITER = re.compile(r"(?<!\\)\\[()\[\]]")
_BULLET = re.compile(r"(?:^|\n)[ \t]*(?:[-*•]|\\item)[ \t]+")
_NUMBERED = re.compile(r"^[ \t]*(\d)\.[ \t]+", re.MULTILINE)
_LINES = re.compile(r"[ \t]*,?[ \t]*(?:\n[ \t]*)+")
_TEXT = re.compile(r"\\(?:text|mbox|textrm|mathrm)\s*\{[^{}\n]*\n[^{}]*\}")
_ROWS = re.compile(r"\s*[,;]?\s*\\\\\s*")
_ENDS_OPEN = re.compile(r"(?:[-+*/=<>(\[{:,;]|\b(?:is|are|and|or))\s*$")


def mended(text: str) -> str:
    """Text as it was meant, where markup slipped."""
    if "frac{" in text:
        text = _BARE_FRACTION.sub(r"\\frac{", text)
    if _CLEAN.fullmatch(text):
        return text
    text = _STAR.sub("*", _with_single_backslashes(text.strip("`")))
    text = _FACTORIAL_IS.sub(r"!\\eq ", _WHOLE_EMPHASIS.sub(r"\2", text))
    text = _THREE_DOTS.sub(r"\\ldots ", text)
    text = _BRACED.sub(r"\1", text)
    text = _BY_THE_WAY.sub(r" or \1", text)
    text = _EMPHASIS.sub(r"\2", text)
    text = _without_dollars(text)
    return text if r"\begin" in text else _in_one_line(text.replace(" & ", " and "))


def _with_single_backslashes(text: str) -> str:
    r"""`\\frac` as `\frac`; rows of an environment keep their two, or get them back from four."""
    if r"\\begin" in text:
        return text.replace("\\\\", "\\")
    return text if r"\begin" in text else _DOUBLED.sub(r"\\", text)


def _without_dollars(text: str) -> str:
    """Text without the dollar signs around formulas inside it, or one left over at its end; money keeps its own."""
    text = _DELIMITER.sub(" ", text) if len(_DELIMITER.findall(text)) > 2 else text
    parts = _DOLLAR.split(text)
    if len(parts) == 1 or r"\$" in text:
        return text
    formulas = parts[1::2]
    if len(parts) % 2 and not any(part != part.strip() or not part for part in formulas):
        outside = "".join(parts[::2]).strip(" .,*")
        return " ".join(part.strip() for part in parts).strip() if outside or len(parts) > 3 else text
    if not len(parts) % 2 and not parts[-1].strip(" .,;*") and parts[0].strip():
        return "".join(parts[:-1])
    return text


def _in_one_line(text: str) -> str:
    """Lines, blank lines, bullets and rows outside of an environment as items of a list; words in one text stay together."""
    text = _TEXT.sub(lambda words: _LINES.sub(" ", words[0]), text)
    text = _NUMBERED.sub(r"(\1) ", _BULLET.sub("\n", text)).strip() if "\n" in text else text
    text = _ROWS.sub(", ", text.strip().removesuffix("\\\\"))
    lines = _LINES.split(text)
    joined = lines[0]
    for line in lines[1:]:
        joined += (" " if _ENDS_OPEN.search(joined) or not re.search(r"[\w]", line) else ", ") + line
    return joined
