"""From a server's answer to completions."""

import json
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import msgspec
from msgspec import Struct

import sparq_core as sparq

MOST_TOKENS = 2**31
"""More than any answer can take."""
MOST_DIGITS = 19
TOO_DEEP = "it is nested too deeply"


class Said(Struct, frozen=True):
    """A choice's message."""

    content: str | None = None
    refusal: str | None = None


class Choice(Struct, frozen=True):
    """One sample."""

    message: Said
    finish_reason: str | None = None
    index: int | None = None


class Reply(Struct, frozen=True):
    """An answer, as far as it is used."""

    choices: list[Choice]
    usage: Any = None
    """What is charged for, in whatever form: servers leave it out, send null, or worse."""


class Tokens(Struct, frozen=True):
    """What is told of a completion's tokens."""

    token_logprobs: list[float | None]


class Echo(Struct, frozen=True):
    """A choice that begins with its prompt."""

    logprobs: Tokens | None = None


class Echoes(Struct, frozen=True):
    """An answer to a prompt that is to be read, not continued."""

    choices: list[Echo]


# Here, since msgspec crashes where two threads meet a type for the first time.
_echoes, _reply = msgspec.json.Decoder(Echoes), msgspec.json.Decoder(Reply)


def echoed(content: bytes, tokens: int) -> list[float] | None:
    """The log-probabilities of a prompt of so many tokens, without the first one's; None where they are not told."""
    try:
        choices = _echoes.decode(content).choices
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    told = choices[0].logprobs.token_logprobs[1:tokens] if choices and choices[0].logprobs else []
    found = [logprob for logprob in told if logprob is not None]
    return found if len(found) == tokens - 1 else None


def read(content: bytes) -> Reply:
    """The answer a server gave, whatever its texts hold; msgspec's errors where it is none."""
    try:
        reply = _reply.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        reply = _read_as_it_is(content)
    except RecursionError:
        raise msgspec.DecodeError(TOO_DEEP) from None
    if not reply.choices:
        raise msgspec.ValidationError("it holds no choices")
    return reply


def _read_as_it_is(content: bytes) -> Reply:
    """An answer with what is no JSON: lone surrogates, bytes of no encoding, control characters, NaN, numbers too large."""
    try:
        text = content.decode(json.detect_encoding(content), "replace")
        return msgspec.convert(json.loads(text, strict=False, parse_int=_whole), Reply)
    except ValueError as error:
        raise msgspec.DecodeError(str(error)) from None
    except RecursionError:
        raise msgspec.DecodeError(TOO_DEEP) from None


def _whole(digits: str) -> int | float:
    """A whole number; one that no count can be as a float, since Python reads no more than some thousand digits exactly."""
    return int(digits) if len(digits) <= MOST_DIGITS else float(digits)


def completions(reply: Reply, n: int) -> list[sparq.Completion]:
    """
    At most `n` completions of one answer, in the order of its choices.

    A server tells the tokens of all its choices together; they are divided by the lengths of the texts. One that tells none, or
    a number that no count can be, counts as 0.
    """
    choices = sorted(reply.choices, key=lambda choice: choice.index or 0)[:n]
    finishes = [_finish(choice) for choice in choices]
    texts = [choice.message.content or "" for choice in choices]
    tokens = shared(_count(reply, "completion_tokens"), [len(text) + 1 for text in texts])
    return [
        sparq.Completion(
            text="" if finish == "refused" else text,
            finish=finish,
            tokens=count,
            prompt_tokens=0 if i else _count(reply, "prompt_tokens"),
        )
        for i, (text, finish, count) in enumerate(zip(texts, finishes, tokens, strict=True))
    ]


def unanswered(finish: sparq.Finish, n: int) -> list[sparq.Completion]:
    """`n` empty completions, for a prompt the server does not take."""
    return [sparq.Completion(text="", finish=finish, tokens=0)] * n


def shared(total: int, weights: Sequence[int]) -> list[int]:
    """Whole numbers that add up to `total`, as near to the weights as they can."""
    marks = [total * mark // sum(weights) for mark in accumulate(weights, initial=0)]
    return [right - left for left, right in pairwise(marks)]


def _count(reply: Reply, name: str) -> int:
    value = reply.usage.get(name) if isinstance(reply.usage, dict) else None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return 0
    return int(value) if 0 <= value < MOST_TOKENS else 0


def _finish(choice: Choice) -> sparq.Finish:
    if choice.finish_reason == "length":
        return "length"
    refused = choice.finish_reason == "content_filter" or choice.message.refusal or choice.message.content is None
    return "refused" if refused else "stop"
