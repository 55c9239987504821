"""Conditions after a value: `x^2 for x > 0`, `5, where n is even`, `2k, k ∈ ℤ`."""

import re

from sparq_sympy.tree.nodes import SETS, Apply, Node, variables

_CONDITION = re.compile(
    r"[\s,(]*(?:\\text\{)?[\s,(]*\b(?P<word>for|when|whenever|where|if|with|since|because|as|given|provided|such that|assuming"
    r"|on the interval)\b(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_NOTED = re.compile(r"(.*?[^\s(]),?\s*\(([^()]*(?:<|>|=|\\(?:le|ge|ne|in)(?:q|qslant)?(?![A-Za-z]))[^()]*)\)")
_TEXT = re.compile(r"\\text\{([^{}]*)\}")
_WORD = re.compile(r"[A-Za-z']{3,}|\b(?:is|are|it|to|of|in|at|be|he|we|no|or)\b")
_AGAIN = re.compile(r"\b(?:if|when|for|otherwise|else|remainder)\b")
"""What another value with its own condition has, or a second value."""
_EVERY = re.compile(r"^(?:all|every|any|each|some)\b")
_LETTER = "(?P<{}>[abcdkmpqrACK])"
_CONSTANT = re.compile(
    rf"(?:(?:all|any|every|each|some|an?) )?(?:(?:arbitrary|fixed|real) )*(?:constant|real(?: number)?) {_LETTER.format('one')}"
    rf"|{_LETTER.format('other')} (?:is|being) (?:an?|any|some) (?:(?:arbitrary|fixed|real) )*(?:constant|real(?: number)?)",
    re.IGNORECASE,
)
"""What says that a letter stands for any real constant."""
_ORDER = frozenset({"<", ">", "<=", ">=", "!=", "in"})


def condition(text: str) -> tuple[str, str]:
    """A value and the condition that words or brackets set apart; no condition where there is none."""
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
    return value, _restriction(found["word"].lower(), rest)


def _restriction(word: str, rest: str) -> str:
    """What a condition demands, in signs where it says that a letter is any constant; nothing where it leaves all open."""
    if constant := _CONSTANT.fullmatch(" ".join(rest.split())):
        return rf"{constant['one'] or constant['other']}\in\mathbb{{R}}"
    return "" if _EVERY.match(rest) or word in {"since", "because", "as"} else rest


def with_condition(node: Node) -> tuple[Node, Node | None]:
    """A value and what a list says of its variables after it; nothing where the items stand side by side."""
    if not isinstance(node, Apply) or node.op != "list" or node.data in {"or", "dots"} or len(node.args) < 2:
        return node, None
    values = [arg for arg in node.args if not _restricts(arg)]
    conditions = node.args[len(values) :]
    if not values or not conditions or any(not _restricts(arg) for arg in conditions):
        return node, None
    known = set().union(*map(variables, values))
    if not all(variables(arg) - SETS <= known for arg in conditions):
        return node, None
    value = values[0] if len(values) == 1 else Apply("list", tuple(values), node.data)
    return value, conditions[0] if len(conditions) == 1 else Apply("list", tuple(conditions), "and")


def _restricts(node: Node) -> bool:
    return isinstance(node, Apply) and node.op == "relation" and set(node.data.split()) <= _ORDER
