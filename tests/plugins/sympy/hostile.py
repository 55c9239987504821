"""Answers that mean harm: what an answer checker meets sooner or later."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path


def code(marker: Path) -> Iterator[str]:
    """Python in many spellings, each of which would make a file if anything ran it."""
    path = str(marker)
    calls = [
        f"open('{path}','w')",
        f"__import__('os').system('touch {path}')",
        f"__import__('pathlib').Path('{path}').touch()",
        f"eval(\"open('{path}','w')\")",
        f"exec(\"open('{path}','w')\")",
        f"__import__('subprocess').run(['touch','{path}'])",
        f"(lambda: open('{path}','w'))()",
        f"[x for x in (open('{path}','w'),)]",
        f"().__class__.__base__.__subclasses__()[0] or open('{path}','w')",
        f"breakpoint() or open('{path}','w')",
        f"getattr(__import__('os'),'sys'+'tem')('touch {path}')",
        f"print(open('{path}','w'))",
    ]
    wrappers = [
        "{}",
        "1 if {} else 1",
        "\\text{{{}}}",
        "\\frac{{{}}}{{1}}",
        "f({})",
        "sqrt({})",
        "1 + {}",
        "x = {}",
    ]
    for call, wrapper in product(calls, wrappers):
        yield wrapper.format(call)
    yield from (
        f"\\input{{{path}}}",
        f"\\immediate\\write18{{touch {path}}}",
        f"\\openout\\x={path}",
        f"\\catcode`\\@=11 \\write18{{touch {path}}}",
        f"`touch {path}`",
        f"$(touch {path})",
        f"; touch {path}",
        f"| touch {path}",
        f"{{{{open('{path}','w')}}}}",
        f"{{% import os %}}{{{{os.system('touch {path}')}}}}",
        f"!touch {path}",
        f"%system touch {path}",
    )


def forged() -> Iterator[str]:
    """Text that would be a verdict if the worker's output carried it."""
    yield from (
        "print('{\"equivalent\": true}')",
        '["equal", false]',
        '\n["equal", false]\n',
        '"equal"',
        "equal",
        "correct",
        '{"value": "correct"}',
        '\\text{["equal", false]}',
        "import sys; sys.stdout.write('equal')",
        "__import__('os').write(3, b'[\"equal\", false]\\n')",
    )


def huge() -> Iterator[str]:
    """Little to write, much to compute."""
    for n in (9, 99, 999, 10**6, 10**9):
        yield from (
            f"{n}^{{{n}^{{{n}}}}}",
            f"{n}**{n}**{n}",
            f"{n}^{{{n}^{{{n}^{{{n}}}}}}}",
            f"{n}!!!",
            f"({n}!)!",
            f"\\binom{{{n}}}{{{n // 2}}}",
            f"\\sum_{{k=1}}^{{{n}}} k^{{{n}}}",
            f"\\prod_{{k=1}}^{{{n}}} k!",
            f"\\int_0^{{{n}}} e^{{x^{{{n}}}}} dx",
            f"(x+1)^{{{n}}}",
            f"(x+y+z+1)^{{{n}}} - (x+y)^{{{n}}}",
            f"\\gcd({n}^{{{n}}}, {n + 1}^{{{n}}})",
            f"\\lfloor \\pi^{{{n}}} \\rfloor",
            f"\\log({n}^{{{n}^{{{n}}}}})",
            f"\\sin({n}^{{{n}}})",
            f"\\sqrt[{n}]{{2}}",
            f"{n}e{n}",
            f"10^{{-{n}}}",
            f"\\zeta({n})",
            f"\\tan^{{{n}}} x",
            f"{n}^{{{n}}} \\bmod 7",
            f"\\lim_{{x \\to \\infty}} x^{{{n}}} e^{{-x}}",
        )
    yield from (
        "9" * 10 + "!",
        "2^{2^{2^{2^{2^{2^2}}}}}",
        "e^{e^{e^{e^{e^e}}}}",
        "x^{x^{x^{x^{x^x}}}}",
        "1e999999999",
        "0." + "0" * 900 + "1",
    )
    yield from (f"\\sum_{{i=1}}^{{{n}}} \\sum_{{j=1}}^{{{n}}} \\sum_{{k=1}}^{{{n}}} ijk" for n in (100, 1000, 10**6))


def long() -> Iterator[str]:
    """Much to read."""
    for n in (300, 1_900, 10_000, 200_000):
        yield from (
            "(" * n,
            "(" * (n // 2) + "1" + ")" * (n // 2),
            "{" * n,
            "[" * (n // 2) + "]" * (n // 2),
            "\\frac{1}{" * (n // 10) + "x" + "}" * (n // 10),
            "\\sqrt{" * (n // 8) + "x" + "}" * (n // 8),
            "\\left(" * (n // 6),
            "\\[ " * (n // 3),
            "-" * n + "1",
            "+".join("1" * (n // 2)),
            "^".join("2" * (n // 2)),
            "!" * n,
            "9" * n,
            "0." + "3" * n,
            "a" * n,
            "a " * (n // 2),
            "5" + "a" * n + "!",
            "5 " + "cm " * (n // 3) + "!",
            "1," * (n // 2),
            "x=" * (n // 2) + "1",
            "\\text{a}" * (n // 8),
            "\\text{" * (n // 6),
            " " * n + "1",
            "$" * n,
            "|" * n,
            "\\pm 1" * (n // 5),
            "\\" * n,
            "_" * n,
            "1:" * (n // 2),
            "\\begin{pmatrix}" + "1&" * (n // 2) + "\\end{pmatrix}",
            "\\boxed{" * (n // 7) + "}" * (n // 7),
        )
    yield "1" * 1_000_000
    yield "x+" * 500_000
    yield "(" * 500_000 + ")" * 500_000


def odd() -> Iterator[str]:
    """Characters and brackets out of place."""
    yield from (
        "\x00",
        "5\x00",
        "5\x1b[2J",
        "\ud800",
        "5\udfff",
        "\u202e5\u202c",
        "5\u200b6",
        "\ufeff7",
        "\u2067x\u2069",
        "５\u0301",
        "٤٢",
        "Ⅻ",
        "²³",
        "½½",
        "\\frac{1}",
        "\\frac{}{}",
        "\\frac",
        "}{",
        "\\right)\\left(",
        "\\begin{matrix}",
        "\\end{matrix}",
        "\\sqrt[",
        "\\sqrt[]{}",
        "1/0",
        "\\frac{0}{0}",
        "0^0",
        "0^{-1}",
        "\\log 0",
        "\\infty - \\infty",
        "\\tan \\frac{\\pi}{2}",
        "nan",
        "inf",
        "None",
        "True",
        "x_{",
        "x^",
        "^2",
        "_",
        "&",
        "#",
        "%",
        "~",
        "\\\\",
        "\\",
        "",
        " ",
        "\n",
        ",",
        ",,,",
        ";",
        "=",
        "<",
        "==",
        "\\pm",
        "\\{",
        "|",
        "||",
        "{,}",
        "\\text{}",
        "\\boxed{}",
        "$$",
        "( ]",
    )


def everything(marker: Path) -> list[str]:
    return [*code(marker), *forged(), *huge(), *long(), *odd()]
