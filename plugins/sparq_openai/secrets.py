"""A key that a server repeats is written down nowhere, however the server spells it."""

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from html import escape

LEAST = 16
"""Letters of a key that is one; shorter ones are placeholders, and may be words of an answer."""
INSTEAD = "…"
_ESCAPES = re.compile(r"\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|%[0-9A-Fa-f]{2}|&#?\w+;")


class Secret:
    """Takes a key out of texts; one too short to be a key is left where it is."""

    def __init__(self, key: str) -> None:
        self._key = key if len(key) >= LEAST else ""
        self._hex = key.encode().hex()
        self._base64 = list(_in_base64(key.encode())) if self._key else []
        either = [f"(?i:{self._hex})", *map(re.escape, self._base64), "".join(map(_character, key))]
        self._spelt = re.compile("|".join(either))

    def out_of(self, text: str) -> str:
        """The text without the key: as it is, escaped for JSON, addresses or HTML, in hexadecimal, or in base64."""
        return self._spelt.sub(INSTEAD, text) if self._key and self._may_be_in(text) else text

    def _may_be_in(self, text: str) -> bool:
        """Whether it is worth to look closely, which takes a hundred times as long."""
        return (
            self._key in text.replace("\\", "")
            or _ESCAPES.search(text) is not None
            or self._hex in text.lower()
            or any(mark in text for mark in self._base64)
        )


def _character(character: str) -> str:
    r"""One character of a key: itself, or as `A`, `\x41`, `%41`, `&#65;`; percent signs and backslashes escaped, too."""
    code, octets = ord(character), "".join(f"%(?:25)?{octet:02x}" for octet in character.encode())
    named = re.escape(escape(character))
    numbered = rf"\\{{1,4}}(?:u{code:04x}|x{code:02x})|{octets}|&\#0{{0,8}}(?:{code}|x0{{0,8}}{code:x});"
    return rf"(?:\\{{0,4}}{re.escape(character)}|{named}|(?i:{numbered}))"


def _in_base64(key: bytes) -> Iterator[str]:
    """What is always there of a key within something longer, by where it begins: the letters that hold nothing else."""
    for encode in (b64encode, urlsafe_b64encode):
        for before in range(3):
            yield encode(bytes(before) + key).decode()[-(-8 * before // 6) : 8 * (before + len(key)) // 6]
