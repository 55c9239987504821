"""Answers as words: the letter of a choice, and what is left when all else is text."""

import re

from sparq_sympy.reading.names import KNOWN

_PUNCTUATION = re.compile(r"\\text|\\[ ,;:!]|[{}$.!?\"']|\\$")
_ARTICLE = re.compile(r"^(?:there (?:is|are|exists?) )?(?:the|an?)? ?\b")
_ANOTHER = re.compile(r"[,;]\s*(?:and )?[A-Z]\s*[:=.)]")
_CHOICE = re.compile(r"\(\s*([A-Za-z])\s*\)|\(?\s*([A-Z])\s*(?:\)|[.:])(?:(?:\s|\\ |~)+([\w$\\].*))?|([A-Za-z])")
_FONT = re.compile(r"\\(?:text[a-z]*|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_COMMAND = re.compile(r"\\text(?![a-z])|\\[A-Za-z]+\s*")
_WORDS = re.compile(r"\b[A-Za-z]{2,}\b")
_LETTERS = re.compile(r"[A-Za-z]{3,}")

_NEXT = r"(?:,? ?\band |, ?)"
_SIDE_BY_SIDE = re.compile(
    rf"(?<=\\text{{)(?=[^{{}}]*,)[A-Za-z-]{{2,30}}(?:{_NEXT}[A-Za-z-]{{2,30}}){{1,20}}(?=}})|(?<=,\\text{{)and [A-Za-z-]+(?=}})"
)


def names_apart(text: str) -> str:
    r"""`\text{Ann, Ben, and Cy}` with each name as a text of its own, and without the `and` of `\text{and Cy}`."""
    return _SIDE_BY_SIDE.sub(lambda found: re.sub(_NEXT, r"},\\text{", found[0].removeprefix("and ")), text)


def as_words(text: str) -> str:
    """A text as words: lower case, single spaces, no punctuation, no article."""
    return _ARTICLE.sub("", " ".join(_PUNCTUATION.sub(" ", text).lower().split()))


def choice(text: str) -> tuple[str, str | None]:
    """The letter of a choice, `C`, `(C)` or `C. rest`, and the rest if it is marked as one; no letter where it is none."""
    found = _CHOICE.fullmatch(_FONT.sub(r"\1", text).strip())
    if not found or _ANOTHER.search(found[3] or ""):
        return "", None
    return (found[1] or found[2] or found[4]).lower(), None if found[4] else (found[3] or "").strip()


def is_prose(text: str) -> bool:
    """Whether a text is mostly words, which no grammar of formulas will read."""
    if sum(word.lower() not in KNOWN for word in _WORDS.findall(_COMMAND.sub(" ", text))) > 1:
        return True
    letters = sum(len(word) for word in _LETTERS.findall(_COMMAND.sub(" ", text)))
    return letters > len(text) / 2
