"""
Replies of a server that means harm, or is broken.

`REPLIES` is a table of bodies with what comes of each: the text of its first sample, or None where it is no answer.
`hostile_reply` makes as many more as are wanted, `spelt` a key in every spelling a server may give it back in.
"""

import base64
import html
import json
from collections.abc import Iterator
from random import Random
from urllib.parse import quote

DEEP = 100_000
USAGE = '{"prompt_tokens": 7, "completion_tokens": 3}'


def reply(content: bytes = b'"a"', usage: str = USAGE, more: bytes = b"") -> bytes:
    """An answer of one sample; its content as JSON, or as what ought to be JSON."""
    choice = b'{"message": {"content": ' + content + b'}, "finish_reason": "stop"' + more + b"}"
    return b'{"choices": [' + choice + b'], "usage": ' + usage.encode() + b"}"


REPLIES: dict[str, tuple[bytes, str | None]] = {
    "lone surrogate": (reply(b'"a \\ud800 b"'), "a \ud800 b"),
    "half of a pair": (reply(b'"\\ude00\\ud83d"'), "\ude00\ud83d"),
    "no UTF-8": (reply(b'"a \xff\xfe b"'), "a \ufffd\ufffd b"),
    "cut UTF-8": (reply(b'"a \xf0\x9f\x98"'), "a \ufffd"),
    "surrogates as UTF-8": (reply(b'"\xed\xa0\x80"'), "\ufffd\ufffd\ufffd"),
    "NUL": (reply(b'"a\\u0000b"'), "a\0b"),
    "raw NUL": (reply(b'"a\x00b"'), "a\0b"),
    "raw newline": (reply(b'"a\nb"'), "a\nb"),
    "raw escape": (reply(b'"\x1b]0;owned\x07"'), "\x1b]0;owned\x07"),
    "byte order mark": (b"\xef\xbb\xbf" + reply(), "a"),
    "UTF-16": (reply().decode().encode("utf-16"), "a"),
    "UTF-32": (reply().decode().encode("utf-32"), "a"),
    "NaN log-probability": (reply(more=b', "logprobs": {"content": [{"logprob": NaN}, {"logprob": -Infinity}]}'), "a"),
    "2^63 tokens": (
        reply(usage='{"prompt_tokens": 9223372036854775808, "completion_tokens": 9223372036854775808}'),
        "a",
    ),
    "negative tokens": (reply(usage='{"prompt_tokens": -5, "completion_tokens": -9223372036854775809}'), "a"),
    "infinite tokens": (reply(usage='{"prompt_tokens": 1e400, "completion_tokens": Infinity}'), "a"),
    "tokens of 5,000 digits": (reply(usage='{"prompt_tokens": ' + "9" * 5_000 + "}"), "a"),
    "tokens of other kinds": (reply(usage='{"prompt_tokens": true, "completion_tokens": [3]}'), "a"),
    "index beyond bounds": (reply(more=b', "index": 99999999999999999999'), "a"),
    "no index": (reply(more=b', "index": null'), "a"),
    "twice the same key": (reply(more=b', "index": 0, "index": 1'), "a"),
    "no content": (reply(b"null"), ""),
    "content in parts": (reply(b'["a"]'), None),
    "deep nesting beside": (reply(usage="[" * DEEP + "]" * DEEP), None),
    "deep nesting": (b"[" * DEEP, None),
    "empty": (b"", None),
    "null": (b"null", None),
    "a text": (b'"a"', None),
    "no choices": (b'{"choices": []}', None),
    "choices that are none": (b'{"choices": [1, null]}', None),
    "a page": (b"<html><script>alert(1)</script></html>", None),
    "cut short": (reply()[:-20], None),
    "two of them": (reply() * 2, None),
    "zeros": (bytes(10_000), None),
}
PIECES = [
    *[b'"', b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b"NaN", b"-Infinity", b"1e400", b"9" * 25, b"-1"],
    *[
        b"\\ud800",
        b"\\udc00",
        b"\\u0000",
        b"\\x",
        b"\\",
        b"\x00",
        b"\xff",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\x1b[2J",
    ],
    *[b'"choices"', b'"message"', b'"content"', b'"usage"', b'"completion_tokens"', b'"index"', b'"finish_reason"'],
]


def hostile_reply(rng: Random) -> bytes:
    """Any body: one of the table or a good one that was changed, pieces of JSON, or random bytes."""
    kind = rng.randrange(4)
    if kind == 0:
        return rng.randbytes(rng.randrange(200))
    if kind == 1:
        return b"".join(rng.choices(PIECES, k=rng.randrange(1, 40)))
    body = reply() if kind == 2 else rng.choice(list(REPLIES.values()))[0][:2_000]
    for _ in range(rng.randrange(1, 5)):
        at, to = sorted(rng.randrange(len(body) + 1) for _ in range(2))
        body = body[:at] + rng.choice([*PIECES, body[at:to] * 2, b""]) + body[rng.choice([at, to]) :]
    return body


def spelt(key: str) -> Iterator[str]:
    """A key as JSON, addresses, HTML and encoders write it, within other letters where that makes a difference."""
    yield key
    yield json.dumps(key)
    yield "".join(f"\\u{ord(c):04X}" for c in key)
    yield "".join(f"\\\\u{ord(c):04x}" if i % 2 else c for i, c in enumerate(key))
    yield "".join(f"\\x{ord(c):02x}" for c in key)
    yield key.replace("-", "\\-")
    yield quote(key, safe="")
    yield quote(quote(key, safe=""), safe="")
    yield "".join(f"%{ord(c):02X}" for c in key)
    yield html.escape(key)
    yield "".join(f"&#{ord(c)};" for c in key)
    yield "".join(f"&#x{ord(c):X};" for c in key)
    yield key.encode().hex()
    yield key.encode().hex().upper()
    for before in ("", ":", "me:", "Bearer "):
        yield base64.b64encode(f"{before}{key}@".encode()).decode()
        yield base64.urlsafe_b64encode(f"{before}{key}".encode()).decode()
