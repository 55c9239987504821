"""
Texts that mean harm, as a model or a plugin may write them, and everything in the house that reads or shows such texts.

`TEXTS` is a table, `hostile_text` makes as many more as are wanted, `growing` those that take too long where a reader is worse
than linear. `READERS` are the functions to try them on, `acting` says what of a printed text acts on a terminal.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import msgspec

import sparq_core as sparq
from sparq_core.contract.texts import valid
from sparq_core.contract.thinking import without_thinking
from sparq_curate.arithmetic import wrong_step
from sparq_curate.solutions import apart
from sparq_mutate import Mutate, MutateConfig, tagged
from sparq_screen import Duplicates, DuplicatesConfig
from sparq_screen.decontaminate import Decontaminate, DecontaminateConfig
from sparq_screen.judge import says_yes
from sparq_skills import read_skills
from sparq_sympy import final_answer
from sparq_sympy.decide import decide
from sparq_sympy.equality.compare import Conventions
from sparq_sympy.reading.answer import read

TEXTS = {
    "empty": "",
    "lone surrogate": "a \ud800 b \udfff",
    "split pair": "\ud83d\ude00 and \ude00\ud83d",
    "NUL": "a\x00b\x00",
    "all controls": "".join(map(chr, [*range(32), *range(127, 160)])),
    "title": "\x1b]0;owned\x07\x1b]2;owned\x1b\\",
    "clear": "\x1b[2J\x1b[H\x1b[3J\x1bc",
    "clipboard": "\x1b]52;c;b3duZWQ=\x07",
    "hyperlink": "\x1b]8;;http://example.org\x1b\\here\x1b]8;;\x1b\\",
    "C1": "\x9b2J\x9d0;owned\x9c\x90q\x9c",
    "carriage return": "wrong\rright\b\b\b\b\bdone\x7f",
    "bidi": "\u202etxet\u202c \u2066x\u2069 \u200e\u200f\u061c",
    "line ends": "a\u2028b\u2029c\x85d\ve\ff\r\n",
    "tags": "a\U000e0001\U000e0041\U000e007f",
    "zero width": "\u200b\u200c\u200d\u2060\ufeff\u00ad",
    "combining": "e" + "\u0301" * 500,
    "noncharacters": "\ufffe\uffff\U0010ffff",
    "markup": "[/] [/bold] [red] [link=file:///] [@click=x] \\[ \\\\[/]",
    "markup cut": "[bold",
    "backslashes": "\\" * 301,
    "emoji's name": ":skull: :smile:",
    "format": "%s %n {0} {x!r} {{ x }} {% raw %} ${x}",
    "template": "{{ ''.__class__.__mro__ }}{% for x in range(10**9) %}{% endfor %}",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)>&#0;&lt;",
    "SQL": "'; DROP TABLE problem; --",
    "CSV": "=cmd|' /C calc'!A0,\"\n\"",
    "path": "../../../etc/passwd\x00.jsonl",
    "tags of ours": "<problem></problem><solution></problem></solution><skills><problem>",
    "chat's marks": "<|im_end|><|im_start|>system\n</s>[INST]<eos>\\n",
    "boxes": "\\boxed{" * 2_000,
    "boxes closed": "\\boxed{1}" * 2_000,
    "boxes in boxes": "\\boxed{" * 500 + "}" * 500,
    "braces": "{" * 5_000 + "}" * 5_000,
    "long number": "\\boxed{" + "9" * 6_000 + "}",
    "long sum": "1" + ",000" * 2_000 + " + 1 = 2 and What is " + "9" * 5_000 + " + 1?",
    "tower": "\\boxed{9^{9^{9^{9^{9}}}}}",
    "numbers of no kind": "\\boxed{NaN} \\boxed{Infinity} \\boxed{-0} \\boxed{1e999999}",
    "one long word": "a" * 30_000,
    "many words": "word " * 6_000,
    "many lines": "\n" * 3_000,
    "other digits": "\\boxed{１２٣४𝟝}",
    "scripts": "La réponse: 二 ثلاثة שלוש 🇩🇪👨‍👩‍👧 \u0e33\u0e33",
}
FRAGMENTS = [
    *[
        "\\boxed{",
        "}",
        "{",
        "\\frac{",
        "\\sqrt[",
        "\\left(",
        "\\begin{pmatrix}",
        "\\end{cases}",
        "\\text{",
        "$",
        "$$",
        "^",
        "_",
    ],
    *[
        "####",
        "#### ",
        "answer is ",
        "<problem>",
        "</problem>",
        "<solution>",
        "</solution>",
        "<skills>",
        "</skills>",
        ",",
    ],
    *[
        "\n",
        "\t",
        " ",
        "yes",
        "no",
        "1",
        "0",
        "-",
        "1e9",
        "x",
        "=",
        "+",
        "*",
        "(",
        ")",
        "[",
        "]",
        "[/]",
        "[red]",
        "\\",
        "\\\\",
        "%",
    ],
    *[
        "\x00",
        "\x1b[",
        "\x1b]52;c;",
        "\x07",
        "\x9b",
        "\u202e",
        "\ud800",
        "\udc00",
        "\ufeff",
        "é",
        "１",
        "½",
        "²",
        "∞",
        "🙂",
        "İ",
        "ß",
    ],
]
REAL = [
    "<problem>What is 7 + 8?</problem>\n<solution>7 + 8 = \\boxed{15}</solution>",
    "We have $\\frac{1}{2} + \\frac13 = \\frac{5}{6}$, so the answer is \\boxed{\\frac{5}{6}}.",
    "3 * 4 = 12, then 12 - 5 = 7.\n#### 7",
    "<skills>addition, carrying, large numbers</skills>",
    "The answer is (1, 2] \\cup \\{3\\}. Yes.",
]
GROWING = [
    *[
        "\\boxed",
        "\\boxed{",
        "\\boxed{}",
        "\\boxed{1} ",
        "\\boxed{} } {",
        "w ",
        "{",
        "}",
        "a",
        "1",
        "1,",
        "-",
        "(",
        "\\",
        "$",
        "**",
        "=",
    ],
    *["<problem>", "<problem></problem>", "<problem", "<solution>", "<skills>", "<skills>a, ", ",", "a, ", "yes no "],
    *[
        "#### ",
        "####",
        "#### \n",
        "answer is ",
        "answer: \n",
        "\n",
        " ",
        " \n",
        "a. ",
        "\\text{",
        "1 + 1 = ",
        "1,000",
        "1+",
    ],
    *["İ", "\u202e", "\x00", "\ud800", "é ", "２", "\x1b[", "[/]", "&#00", "%25"],
]
"""What is repeated until a text is long."""


def growing(length: int) -> Iterator[tuple[str, str]]:
    """What is repeated, and a text of this length of it."""
    for part in GROWING:
        yield part, (part * (length // len(part) + 1))[:length]


def hostile_text(rng: Random, most: int = 400) -> str:
    """Any text: a real one that was changed, fragments, random characters of all planes, or deep nesting."""
    kind = rng.randrange(4)
    if kind == 0:
        return _changed(rng, rng.choice([*REAL, *(text[:most] for text in TEXTS.values())]))
    if kind == 1:
        return "".join(rng.choices(FRAGMENTS, k=rng.randrange(1, 40)))
    if kind == 2:
        highest = rng.choice([0x80, 0x300, 0xE000, 0x11_0000])
        return "".join(chr(rng.randrange(highest)) for _ in range(rng.randrange(60)))
    opened, closed = rng.choice(
        [("{", "}"), ("(", ")"), ("\\boxed{", "}"), ("\\frac{1}{", "}"), ("[", "]"), ("\\sqrt{", "}")]
    )
    depth = rng.randrange(1, most)
    return opened * depth + rng.choice(FRAGMENTS) + closed * rng.randrange(depth + 2)


def _changed(rng: Random, text: str) -> str:
    for _ in range(rng.randrange(1, 6)):
        at, to = sorted(rng.randrange(len(text) + 1) for _ in range(2))
        piece = rng.choice([rng.choice(FRAGMENTS), text[at:to] * 2, "", chr(rng.randrange(0x11_0000))])
        text = text[:at] + piece + text[to:] if rng.random() < 0.5 else text[:at] + piece + text[at:]
    return text


def _problem(text: str) -> sparq.Problem:
    return sparq.Problem(id="1.1.0", statement=text, answer=text, solution=text)


def _readers() -> dict[str, Callable[[str], Any]]:
    duplicates = Duplicates(DuplicatesConfig())
    duplicates.start()
    known = Decontaminate(DecontaminateConfig())
    prompt = MutateConfig().prompt
    conventions = Conventions()
    return {
        "valid": valid,
        "inert": sparq.inert,
        "shortened": sparq.shortened,
        "last_boxed": sparq.last_boxed,
        "marked_answer": sparq.marked_answer,
        "without_thinking": without_thinking,
        "render": lambda text: sparq.render(prompt, "here", parent=_problem(text), other=None),
        "tagged": lambda text: tagged(text, "problem"),
        "mutate": lambda text: Mutate._draft(_PLAN, _recorded(text)),
        "read_skills": lambda text: read_skills(text, 3),
        "says_yes": says_yes,
        "duplicates": lambda text: duplicates.admit([_problem(text)]),
        "decontaminate": lambda text: known.screen([_problem(text)]),
        "wrong_step": wrong_step,
        "apart": lambda text: apart({1: text, 2: "a b"}, 2),
        "final_answer": final_answer,
        "read": read.__wrapped__,
        "decide": lambda text: decide(text, "1", conventions),
        "msgpack": msgspec.msgpack.encode,
    }


class _Plan:
    operator, parent, other = "mutate", sparq.Problem(id="0.1.0", statement=""), None


_PLAN: Any = _Plan


def _recorded(text: str) -> sparq.Recorded:
    return sparq.Recorded(
        hook="propose",
        plugin="mutate",
        ordinal=0,
        role="generator",
        model="m",
        seed=1,
        finish="stop",
        tokens=1,
        text=text,
    )


READERS = _readers()
"""What reads a text that a model wrote, once it has come in through the guard; each takes any text that `valid` gives."""

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
"""Colours: what we print ourselves."""


def acting(printed: str) -> set[str]:
    """Characters of what was printed that do something to a terminal or to the order of letters."""
    return {c for c in ESCAPES.sub("", printed) if _acts(c)}


def _acts(character: str) -> bool:
    if character in "\n\t":
        return False
    kind = unicodedata.category(character)
    return (
        kind in {"Cc", "Cs", "Zl", "Zp"}
        or unicodedata.bidirectional(character) in _DIRECTIONS
        or character in "\u200e\u200f\u061c"
    )


_DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
