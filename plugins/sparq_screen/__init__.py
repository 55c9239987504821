"""What is turned away before anything is paid for it: duplicates, and statements too short or too long to be problems."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta, Struct

import sparq_core as sparq

if TYPE_CHECKING:
    import rensa

PERMUTATIONS, BANDS = 128, 16
WORDS = re.compile(r"\w+|[^\w\s]")


class LengthsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `lengths`."""

    min_characters: Annotated[int, Meta(ge=0, description="Shortest statement.")] = 10
    max_characters: Annotated[int, Meta(ge=1, description="Longest statement.")] = 4000
    max_answer_characters: Annotated[int, Meta(ge=1, description="Longest reference answer.")] = 200


class Lengths:
    """Rejects statements that are too short or too long, and references too long to be checked."""

    def __init__(self, config: LengthsConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def screen(self, children: Sequence[sparq.Problem]) -> list[str | None]:
        return [self._screen(child) for child in children]

    def _screen(self, child: sparq.Problem) -> str | None:
        if len(child.statement) < self._config.min_characters:
            return "statement too short"
        if len(child.statement) > self._config.max_characters:
            return "statement too long"
        return "answer too long" if len(child.answer or "") > self._config.max_answer_characters else None


class DuplicatesConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `duplicates`."""

    near: Annotated[
        sparq.Share | None,
        Meta(description="Jaccard similarity of word triples from which two statements are one; none: exact only."),
    ] = 0.9


class Duplicates:
    """
    Rejects a child whose statement was seen before: exactly, but for case and spacing, or nearly, by MinHash.

    Word triples are compared, so two statements of twenty words that differ in one number are about 0.7 alike.
    """

    requires: ClassVar[Mapping[str, str]] = {"rensa": "sparq-engine[screen]"}

    def __init__(self, config: DuplicatesConfig) -> None:
        self._near = config.near
        self._exact: dict[bytes, str] = {}
        self._ids: list[str] = []
        self._signatures: list[rensa.RMinHash] = []
        self._index: Any = None

    @sparq.hookimpl
    def start(self) -> None:
        import rensa

        if self._near is not None:
            self._index = rensa.RMinHashLSH(self._near, PERMUTATIONS, BANDS)

    @sparq.hookimpl
    def admit(self, children: Sequence[sparq.Problem]) -> list[str | None]:
        return [self._admit(child) for child in children]

    def _admit(self, child: sparq.Problem) -> str | None:
        words = WORDS.findall(child.statement.casefold())
        key = hashlib.blake2b(" ".join(words).encode(), digest_size=12).digest()
        if key in self._exact:
            return "duplicate"
        if self._index is not None and self._is_near(words):
            return "near duplicate"
        self._exact[key] = child.id
        return None

    def _is_near(self, words: Sequence[str]) -> bool:
        import rensa

        triples = {" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))}
        signature = rensa.RMinHash(PERMUTATIONS, 0)
        signature.update(sorted(triples))
        for other in self._index.query(signature):
            if signature.jaccard(self._signatures[other]) >= self._near:
                return True
        self._index.insert(len(self._signatures), signature)
        self._signatures.append(signature)
        return False
