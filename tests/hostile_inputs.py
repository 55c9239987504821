"""Inputs that nobody should hand in: pipelines, settings and seeds, as tables, and as mutations of valid ones without end."""

import codecs
import gzip
import json
import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import yaml

PIPELINE: dict[str, Any] = {
    "name": "sums",
    "seed": 1,
    "steps": 1,
    "batch": 6,
    "in_flight": 3,
    "models": {"student": {"use": "scripted", "model": "sums", "prices": {"input": 0.1, "output": 0.3}}},
    "roles": {"solver": "student"},
    "attempts": {"k": 8, "temperature": 0.8, "max_tokens": 64, "prompt": "{{ problem.statement }}"},
    "budget": {"kept": 5, "hours": 1.5},
    "plugins": [
        {"use": "jsonl-seeds", "with": {"path": "seeds.jsonl"}},
        {"use": "static-uniform"},
        {"use": "mutate", "with": {"max_tokens": 64}},
        {"use": "sympy"},
        {"use": "skills"},
        {"use": "curate-band"},
    ],
}
STUDY: dict[str, Any] = {
    "name": "question",
    "base": "p.yaml",
    "seeds": 2,
    "arms": {"a": {"attempts.k": 4}, "b": {"batch": 3}},
    "measures": ["kept"],
}
SEEDS = [{"problem": f"What is {i + 5} + {3 * i + 7}?", "answer": str(4 * i + 12), "page": i} for i in range(20)]
VALID = yaml.safe_dump(PIPELINE, sort_keys=False)
LINES = "".join(json.dumps(row) + "\n" for row in SEEDS)

_LETTERS = "abcdefghi"
_LAUGHS = "a: &a [l,l,l,l,l,l,l,l,l]\n" + "".join(
    f"{after}: &{after} [{','.join(['*' + before] * 9)}]\n" for before, after in pairwise(_LETTERS)
)
TEXTS: dict[str, tuple[bytes, str]] = {
    "nested lists": (b"name: " + b"[" * 10_000, "nested deeper than 100"),
    "nested mappings": (b'{"a":' * 10_000, "nested deeper than 100"),
    "nested blocks": ("".join(" " * i + "a:\n" for i in range(500)).encode(), "nested deeper than 100"),
    "billion laughs": (_LAUGHS.encode(), "more than 10,000 values"),
    "alias within itself": (b"name: &a [*a]\n", "*a stands within what it repeats"),
    "large": (b"# nothing\n" * 1_000_000, "larger than"),
    "many values": (b"name: [" + b"a," * 100_000, "more than 10,000 values"),
    "one long text": (b"names: " + b"x " * 100_000, "unknown setting 'names'"),
    "long key": (b"x" * 200_000 + b": 1", "not YAML"),
    "long quoted key": (b"? '" + b"x" * 200_000 + b"'\n: 1", "characters omitted"),
    "a Python object": (b'name: !!python/object/apply:os.system ["x"]', "the tag"),
    "a merged key": (b"a: &a {x: 1}\nb:\n  !!merge '<<': *a", "the tag"),
    "a list as key": (VALID.encode() + b"? [a]\n: 1\n", "a key must be a string"),
    "a number as key": (VALID.encode() + b"1: 1\n", "unknown setting '1'"),
    "a number as a role": (b"name: x\nsteps: 1\nroles: {1: a}\nmodels: {}\nplugins: []\n", "roles: a name in it"),
    "a key twice": (VALID.encode() + b"seed: 2\n", "'seed' is given twice"),
    "UTF-16": (VALID.encode("utf-16"), "is in UTF-16"),
    "UTF-16 without a mark": (VALID.encode("utf-16-le"), "#x0000"),
    "Latin-1": (b"name: caf\xe9\n", "byte 0xe9"),
    "gzip": (gzip.compress(VALID.encode()), "gzip archive"),
    "NUL": (VALID.encode() + b"\0", "#x0000"),
    "escape": (b"name: \x1b[2J", "#x001b"),
    "no YAML": (b"name: '\n", "not YAML"),
}
"""What a pipeline or a study file may hold, and what is said of it."""

SETTINGS: dict[str, str] = {
    **dict.fromkeys(
        (f"{name}={10**30}" for name in ("steps", "batch", "attempts.k", "in_flight", "rounds", "seed")), "64 bits"
    ),
    f"attempts.max_tokens={10**17}": "attempts.max_tokens",
    f"steps={10**17}": "steps: Expected `int` <=",
    f"batch={10**17}": "batch: Expected `int` <=",
    f"attempts.k={10**17}": "attempts.k: Expected `int` <=",
    f"attempts.again={10**17}": "attempts.again: Expected `int` <=",
    f"in_flight={10**17}": "in_flight: Expected `int` <=",
    f"rounds={10**17}": "rounds: Expected `int` <=",
    f"budget.tokens={10**17}": "budget.tokens: Expected `int` <=",
    f"seed={'9' * 5_000}": "64 bits",
    "attempts.temperature=1e999": "infinite",
    "attempts.temperature=-1e999": "infinite",
    "attempts.temperature=.inf": "attempts.temperature: Expected `float`",
    "attempts.temperature=.nan": "attempts.temperature: Expected `float`",
    "budget.hours=1e999": "infinite",
    "models.student.prices={input: 1e999, output: 1}": "infinite",
    "plugins.mutate.with.temperature=1e400": "infinite",
    'name="x\\0"': "must not contain NUL",
    'name="x\\n"': "name: Expected `str` of letters",
    "name=a/b": "name: Expected `str` of letters",
    "name=..": "name: Expected `str` of letters",
    f"name={'x' * 1_000}": "name: Expected `str` of length",
    'name="\\ud800"': "surrogate",
    'models={"a/../../b": {use: scripted, model: sums}}': "models: a name in it",
    'models={"a\\n": {use: scripted, model: sums}}': "models: a name in it",
    'models={"a\\e[2J": {use: scripted, model: sums, x: 1}}': r"models.a\x1b[2J.x",
    "models.student.use=[1]": "models.student.use: Expected `str`",
    "models.student.prices.input=much": "models.student.prices.input: Expected `float`",
    "plugins.mutate.use=3": "plugins[2].use: Expected `str`",
    "plugins.mutate.with=3": "(plugins[2] is mutate)",
    'plugins.mutate.use="a\\nb"': r"no plugin named 'a\nb'",
    f"plugins.mutate.use={'x' * 100_000}": "characters omitted",
    "plugins.mutate.use=../../x.py:Y": "there is no file",
    "plugins.mutate.use=/dev/zero.py:Y": "there is no file",
    "plugins.².use=x": "no entry '²'",
    f"plugins.{'9' * 5_000}.use=x": "no entry",
    f"models.student.model=./{'x' * 5_000}": "there is no folder",
    f"models.student.chat_template={'x' * 5_000}": "models.student.chat_template",
    "models.student.chat_template=/dev/zero": "device or a pipe",
    "models.student.chat_template=.": "is a folder",
    "plugins.jsonl-seeds.with.path=.": "is a folder",
    "plugins.jsonl-seeds.with.path='package:no_such/seeds.jsonl'": "no package no_such is installed; install it",
    "plugins.jsonl-seeds.with.path='package:__main__/x'": "no package __main__ is installed",
    "plugins.jsonl-seeds.with.path='package:sys/x'": "no package sys is installed",
    "plugins.jsonl-seeds.with.path='package:../x'": "no package .. is installed",
    "plugins.jsonl-seeds.with.path='package:sparq_tiny/none.jsonl'": "there is no file",
    "plugins.jsonl-seeds.with.path=/dev/zero": "a device or a pipe",
    f"plugins.jsonl-seeds.with.path={'x' * 5_000}": "there is no file",
    f"attempts.{'x.' * 500}y=1": "longer than 100 names",
    f"attempts={'[' * 10_000}": "nested deeper",
    f"x={_LAUGHS}": "10,000 values",
    "attempts.prompt={{ problem.statement }}{% for i in range(10**9) %}{% endfor %}": "attempts.prompt",
    "attempts.prompt={{ problem.statement * 10**9 }}": "attempts.prompt",
}
"""Values of `--set`, and what is said of them."""

STUDIES: dict[str, tuple[dict[str, Any], str]] = {
    "seeds without end": ({"seeds": 10**14}, "at most 10,000"),
    "a grid without end": (
        {"grid": {f"f{i}": {f"{i}x{j}": {"seed": j} for j in range(9)} for i in range(9)}},
        "at most 10,000",
    ),
    "a seed beyond 64 bits": ({"seeds": [10**30]}, "64 bits"),
    "an arm that climbs": ({"arms": {"../../x": {}}}, "is not a valid name"),
    "an arm of two lines": ({"arms": {"a\nb": {}}}, r"'a\nb' is not a valid name"),
    "an arm that is long": ({"arms": {"x" * 1_000: {}}}, "is not a valid name"),
    "a name of two lines": ({"name": "x\n"}, "name: Expected `str` of letters"),
    "a base that is a folder": ({"base": "."}, "is a folder"),
    "a base that is a device": ({"base": "/dev/zero"}, "device or a pipe"),
    "plugins that are no list": ({"arms": {"a": {"plugins": 3, "plugins+": [1]}}}, "it takes a list"),
    "training that is no mapping": (
        {"arms": {"a": {"train": 3}}, "train_seeds": 2},
        "is a value, not a mapping of settings",
    ),
}
"""What a study file may say instead, and what is said of it."""

_ROW = '{"problem": "x", "answer": "1", '
ROWS: dict[str, tuple[bytes, str]] = {
    "UTF-16": (LINES.encode("utf-16"), "is in UTF-16"),
    "UTF-16 without a mark": (LINES.encode("utf-16-le"), "line 1: is not JSON"),
    "Latin-1": (LINES.encode() + b'{"problem": "caf\xe9"}', "line 21: holds the byte 0xe9"),
    "broken gzip": (gzip.compress(LINES.encode())[:-20], "broken gzip"),
    "a Parquet file": (b"PAR1" + bytes(100), "parquet-seeds"),
    "a table": (b"problem,answer\n1 + 1,2\n", "line 1: is not JSON"),
    "a list over many lines": (json.dumps(SEEDS, indent=1).encode(), "line 1: is not JSON"),
    "one list": (json.dumps(SEEDS).encode(), "line 1: is a list"),
    "a number of 5,000 digits": (
        f'{{"problem": "x", "answer": {"9" * 5_000}}}'.encode(),
        "line 1: contains a number of more than 4,300 digits",
    ),
    "NaN as answer": (b'{"problem": "x", "answer": NaN}', "line 1: column 'answer' holds nan"),
    "infinity as answer": (b'{"problem": "x", "answer": -Infinity}', "line 1: column 'answer' holds -inf"),
    "an answer beyond floats": (b'{"problem": "x", "answer": 1e999}', "line 1: column 'answer' holds inf"),
    "nested lists": ((_ROW + '"deep": ' + "[" * 10_000 + "]" * 10_000 + "}").encode(), "line 1: is nested deeper"),
    "nested lists, some": ((_ROW + '"deep": ' + "[" * 300 + "]" * 300 + "}").encode(), "line 1: is nested deeper"),
    "nested without end": (b'{"a":' * 100_000, "line 1: is nested deeper"),
    "NUL": (b'{"problem": "a\0b", "answer": "1"}', "line 1: is not JSON"),
    "one long line": (b'{"problem": "' + b"x" * (65 << 20), "line 1: is longer than 64 MB"),
    "empty": (b"", "no seeds"),
    "blank": (b"\n \n\r\n", "no seeds"),
    "a statement that is a list": (b'{"problem": ["x"], "answer": "1"}', "line 1: column 'problem' holds ['x']"),
    "a long statement that is a list": (
        json.dumps({"problem": ["x" * 200_000], "answer": "1"}).encode(),
        "characters omitted",
    ),
    "many columns": (json.dumps({f"column {i}": i for i in range(50_000)}).encode(), "no column 'problem'"),
}
"""What a file of seeds may hold that cannot be read, and what is said of it."""

READ: dict[str, tuple[bytes, int]] = {
    "gzip": (gzip.compress(LINES.encode()), 20),
    "a byte-order mark": (codecs.BOM_UTF8 + LINES.encode(), 20),
    "line ends of Windows": (LINES.replace("\n", "\r\n\r\n").encode(), 20),
    "no last line end": (LINES.rstrip().encode(), 20),
    "unpaired surrogates": (b'{"problem": "a\\ud800b", "answer": "\\udfff", "\\udc00": ["\\ud800"]}', 1),
    "NUL, escaped": (b'{"problem": "a\\u0000b", "answer": "1"}', 1),
    "a million characters": (json.dumps({"problem": "x " * 500_000, "answer": "1"}).encode(), 1),
    "ids of all kinds": (
        b"".join(
            b'{"problem": "x", "answer": "1", "id": %s}\n' % i for i in (b"1", b"1", b"null", b"[]", b"{}", b"1.5")
        ),
        6,
    ),
    "NaN in another column": (b'{"problem": "x", "answer": "1", "score": NaN, "most": Infinity}', 1),
}
"""What a file of seeds may hold that looks odd and is read, and how many there are."""


def pipe(path: Path) -> None:
    os.mkfifo(path)


def unreadable(path: Path) -> None:
    path.write_text(VALID)
    path.chmod(0)


PLACES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a folder": (Path.mkdir, "is a folder"),
    "a pipe": (pipe, "device or a pipe"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "device or a pipe"),
    "a dangling link": (lambda path: path.symlink_to("nowhere"), "broken link"),
    "a link to itself": (lambda path: path.symlink_to(path.name), "broken link"),
    "nothing": (lambda path: None, "no such file"),
}
"""What may be where a file belongs: how it is made, and what is said of it."""

_VALUES: list[Callable[[Random], Any]] = [
    lambda r: r.choice([0, 1, -1, 2**31, 2**63 - 1, 2**63, -(2**63), 10**30]),
    lambda r: r.choice([0.0, -0.5, 1e-320, 1e308, float("inf"), float("nan")]),
    lambda r: r.choice(
        ["", "x", "..", "a/b", "a\nb", "\0", "\x1b]0;x\x07", "\u202e", "é" * 40, "x" * 5_000, "[/]", "²"]
    ),
    lambda r: r.choice(["{{ problem.statement }}", "{{ x", "{% for i in x %}", "{{ problem.x }}", "no", "1e5", "~"]),
    lambda r: r.choice([None, True, [], {}, [[]], {"a": {}}, [None], {1: 2}, {None: 1}]),
    lambda r: [_value(r) for _ in range(r.randrange(3))],
    lambda r: {str(_value(r))[:50]: _value(r) for _ in range(r.randrange(3))},
]
_PIECES = [
    *(
        "&a ",
        "*a",
        "!!int ",
        "!x ",
        "? ",
        ": ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "'",
        '"',
        "|\n",
        ">",
        "%",
        "@",
        "`",
        "\t",
        "\n",
        "#",
    ),
    *(
        "\\ud800",
        "\\0",
        "\ufeff",
        "\r",
        "\u2028",
        "<<: ",
        "---\n",
        "...\n",
        "1e999",
        "0x1f",
        "\x85",
        "[" * 120,
        "9" * 5_000,
    ),
]


def _value(rng: Random) -> Any:
    return rng.choice(_VALUES)(rng)


def _spoilt(data: Any, rng: Random) -> Any:
    """A copy with one value somewhere replaced, or a name that is new."""
    if not data or not isinstance(data, dict | list) or rng.random() < 0.15:
        return _value(rng)
    if isinstance(data, list):
        at = rng.randrange(len(data))
        return [_spoilt(value, rng) if i == at else value for i, value in enumerate(data)]
    name = rng.choice(list(data))
    if rng.random() < 0.1:
        return {**data, _name(rng): _value(rng)}
    return {**data, name: _spoilt(data[name], rng)}


def _name(rng: Random) -> Any:
    return rng.choice(["x", "stepps", "a\nb", "x" * 3_000, 1, None, True, 1.5, "..", "with"])


def _cut(text: str, rng: Random) -> str:
    """A text with pieces put in, taken out, or doubled."""
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        to = at + rng.choice([0, 0, 1, 20])
        text = text[:at] + rng.choice([*_PIECES, "", text[at:to] * 2]) + text[to:]
    return text


def pipeline_text(rng: Random) -> str:
    """A pipeline that is wrong in one or two ways, seldom in none: its values, its form, or both."""
    data = PIPELINE
    for _ in range(rng.randrange(3)):
        data = _spoilt(data, rng)
    flow = rng.random() < 0.3
    text = json.dumps(data) if flow and _is_json(data) else yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
    return _cut(text, rng) if rng.random() < 0.6 else text


def _is_json(data: Any) -> bool:
    try:
        json.dumps(data)
    except (ValueError, TypeError):
        return False
    return True


def seed_lines(rng: Random) -> bytes:
    """A file of seeds that is wrong in one or two ways, seldom in none: its values, its form, its bytes."""
    rows = [_spoilt(row, rng) if rng.random() < 0.3 else row for row in SEEDS[: rng.randrange(1, 5)]]
    text = "".join(json.dumps(row, ensure_ascii=rng.random() < 0.5) + "\n" for row in rows if _is_json(row))
    text = _cut(text, rng) if rng.random() < 0.6 else text
    data = text.encode(rng.choice(["utf-8"] * 8 + ["utf-16", "utf-16-le", "utf-32"]), "surrogatepass")
    if rng.random() < 0.2:
        at = rng.randrange(len(data) + 1)
        data = data[:at] + rng.randbytes(rng.randrange(4)) + data[at + rng.randrange(3) :]
    if rng.random() < 0.1:
        data = gzip.compress(data)
        data = data[: rng.choice([len(data), rng.randrange(len(data))])]
    return data
