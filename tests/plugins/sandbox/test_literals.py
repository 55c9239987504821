"""Answers are read without running anything, in little time, and nothing but literals is."""

import time
import warnings
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sparq_sandbox.literals import DEEPEST, MOST_KEYED, NotALiteralError, read_literal, write_literal

ATOMS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.complex_numbers(allow_nan=False, allow_infinity=False)
    | st.text(st.characters())
    | st.binary()
)
LITERALS = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(ATOMS, inner)
        | st.sets(st.integers() | st.text())
    ),
    max_leaves=12,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LITERALS)
def test_what_repr_writes_is_read(value: object) -> None:
    text = repr(value)
    assert read_literal(text) == value
    assert type(read_literal(text)) is type(value)
    assert write_literal(value) == text


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.sampled_from("[](){},:'\"\\-+.0123456789jeExubNTrue set\n \x00é")))
def test_anything_else_is_refused_without_a_word(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with suppress(NotALiteralError):
            assert read_literal(text) == eval(text.strip(), {"__builtins__": {"set": set}})  # noqa: S307 -- a literal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "print(1)",
        "__import__('os')",
        "1 + 1",
        "--1",
        "-" * 50_000 + "1",
        "1+1+1",
        "not 1",
        "1 if 1 else 2",
        "[x for x in []]",
        "{**{}}",
        "[*[]]",
        "f''",
        "f'{1}'",
        "'a' 'b' x",
        "lambda: 1",
        "...",
        "True.real",
        "(1)[0]",
        "[1)",
        "[",
        "]",
        "{[]: 1}",
        "{1: }",
        "'\\N{BULLET}'",
        "'\\d'",
        "b'\\u1234'",
        "'a\nb'",
        "inf",
        "nan",
        "0777",
        "9" * 5_000,
        "'\0'",
        "1\x00",
        "object()",
        "<object object at 0x7f>",
        "[" * 100_000,
        "[" * 60 + "]" * 60,
        "# 1",
        "1 # 1",
        "1;1",
        "a:=1",
        "(yield)",
    ],
    ids=lambda text: repr(text)[:20],
)
def test_no_literal(text: str) -> None:
    with pytest.raises(NotALiteralError):
        read_literal(text)


def test_depth_and_entries_are_bounded() -> None:
    assert read_literal("[" * DEEPEST + "]" * DEEPEST)
    with pytest.raises(NotALiteralError, match="it goes beyond 50 levels"):
        read_literal("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1))
    assert len(read_literal(repr(set(range(MOST_KEYED))))) == MOST_KEYED  # type: ignore[arg-type] # a set
    with pytest.raises(NotALiteralError, match="5,000 entries"):
        read_literal(repr(dict.fromkeys(range(MOST_KEYED + 1))))
    assert read_literal(repr([{1, 2}] * 100 + list(range(50_000))))


COLLIDING = "{" + ",".join(str(i * (2**61 - 1)) for i in range(1, MOST_KEYED)) + "}"
PAIRED = ",".join("(" + ",".join(("-1", "-2")[i >> bit & 1] for bit in range(13)) + ")" for i in range(MOST_KEYED))


@pytest.mark.parametrize(
    "text",
    [
        COLLIDING,
        "{" + PAIRED + "}",
        "[" + "0," * 90_000 + "]",
        "9" * (1 << 20),
        "1" * (1 << 19) + "x",
        "'" + "\\x00" * (1 << 18) + "'",
        " " * (1 << 20) + "@",
        "(" * (1 << 20),
        "'" + "\\'" * (1 << 19),
        "1." + "9" * (1 << 20),
        "1e" + "9" * (1 << 20),
        "[" + "1+1j," * 60_000 + "]",
    ],
    ids=lambda text: text[:10],
)
def test_the_longest_answers_are_read_in_little_time(text: str) -> None:
    began = time.process_time()
    with suppress(NotALiteralError):
        read_literal(text)
    assert time.process_time() - began < 5
