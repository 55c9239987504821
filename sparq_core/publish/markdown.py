"""
Cards: Markdown with a head of YAML, as the Hub reads it.

What others wrote stands in a card as code, where it is no markup and no link. The second line of a card names its maker and
holds a digest of the lines below it, so that a card that was edited by hand is known and never replaced.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from sparq_core.contract.texts import inert, shortened

LONGEST = 200
"""Characters of a text of others that a card shows."""
LARGEST = 2**20
"""Bytes of a file that may be a card."""
_MARK = re.compile(r"---\n# Written by sparq; once edited by hand it is not replaced\. Digest: (\w+)\n")


def card(head: Mapping[str, Any], parts: Iterable[str]) -> str:
    """A card with this head, and these parts one below the other."""
    metadata = yaml.safe_dump(dict(head), sort_keys=False, allow_unicode=True, width=1000)
    text = "\n\n".join(parts)
    rest = f"{metadata}---\n\n{text}\n"
    return f"---\n# Written by sparq; once edited by hand it is not replaced. Digest: {_digest(rest)}\n{rest}"


def is_card_of_ours(path: Path) -> bool:
    """Whether a file is a card as `card` made it."""
    with path.open("rb") as file:
        return is_text_of_ours(file.read(LARGEST + 1))


def is_text_of_ours(data: bytes) -> bool:
    """Whether these bytes are such a card."""
    text = data.decode(errors="replace")
    mark = _MARK.match(text)
    return mark is not None and len(data) <= LARGEST and _digest(text[mark.end() :]) == mark[1]


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def code(text: object) -> str:
    """A text of others on one line, as code."""
    shown = inert(shortened(str(text), LONGEST)).strip()
    if not shown:
        return "(empty)"
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; numbers have their thousands set apart."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")


def block(text: str, language: str = "text") -> str:
    """Lines of ours as they are."""
    return f"```{language}\n{text}\n```"
