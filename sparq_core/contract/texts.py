"""
Texts that others wrote: what they may be, and how they are shown.

Whatever a model, a server or a plugin says is data. `valid` says what of it can be kept, `inert` how it is shown: as letters
that do nothing to a terminal.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

LONGEST_TEXT = 2**20
"""Characters of a completion that are kept; a longer one is cut there, and ends with `length`."""
LONGEST_SHOWN = 20_000
"""Characters of a text that a terminal is shown."""
_ACTIVE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but for tabs and newlines, DEL, C1
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f"  # marks, embeddings, overrides and isolates of direction; line ends
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # surrogates, order mark, annotations, tags
)
_IN_A_BLOCK, _IN_A_LINE = re.compile(f"[{_ACTIVE}]"), re.compile(f"[\t\n{_ACTIVE}]")
_SHORT = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def valid(text: str) -> str:
    """A text that UTF-8 can hold: surrogates that make a pair are joined, lone ones become U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def inert(text: str, *, block: bool = False) -> str:
    r"""
    A text whose control and direction characters are spelt out, as `\x1b` and `\u202e`: shown, it does nothing but stand there.

    It is one line, unless it is shown as a `block`, which keeps its newlines and tabs.
    """
    return (_IN_A_BLOCK if block else _IN_A_LINE).sub(_spelt_out, text)


def _spelt_out(found: re.Match[str]) -> str:
    character, code = found[0], ord(found[0])
    spelt = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return _SHORT.get(character, spelt)


def shortened(text: str, most: int = LONGEST_SHOWN) -> str:
    """
    A text of about `most` characters: of a longer one the beginning and the end, and how much is left out between them.

    It is whole where saying how much is left out would take as much room.
    """
    half = most // 2
    omitted = f"… [{len(text) - 2 * half:,} characters omitted] …"
    if len(text) <= 2 * half + len(omitted):
        return text
    return f"{text[:half]}{omitted}{text[len(text) - half :]}"


def strings_in(value: Any) -> Iterator[str]:
    """All strings in a value as JSON has them, those of lists and of mappings' values included, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        inner: Iterable[Any] = value.values() if isinstance(value, dict) else value
        for item in inner:
            yield from strings_in(item)
