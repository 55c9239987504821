"""What is turned away before anything is paid for it: duplicates, and statements too short or too long to be problems."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, Annotated, ClassVar

from msgspec import Meta, Struct

import sparq_core as sparq
from sparq_screen.compared import Field, nothing, text_of

if TYPE_CHECKING:
    from sparq_screen.near import NearDuplicates, Signature

NEAR = "near duplicate"
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
        Meta(
            description="Jaccard similarity of word triples from which two statements count as the same; none: exact only."
        ),
    ] = 0.9
    field: Field = None


class Duplicates:
    """
    Rejects a child whose statement was seen before: exactly, but for case and spacing, or nearly, by MinHash.

    Word triples are compared, so two statements of twenty words that differ in one number are about 0.7 alike. Takes about 0.3
    GB for a million problems. If statements share a long preamble, name a `field`: a child that has no text there is rejected.
    """

    requires: ClassVar[Mapping[str, str]] = {"rensa": "sparq-engine[screen]", "numpy": "sparq-engine[screen]"}

    def __init__(self, config: DuplicatesConfig) -> None:
        self._config = config
        self._exact: set[int] = set()
        self._children = self._turned_away = 0
        self._near: NearDuplicates | None = None

    @sparq.hookimpl
    def start(self) -> None:
        from sparq_screen.near import NearDuplicates

        if self._config.near is not None:
            self._near = NearDuplicates(self._config.near)

    @sparq.hookimpl
    def admit(self, children: Sequence[sparq.Problem]) -> list[str | None]:
        texts = [WORDS.findall(text_of(child, self._config.field).casefold()) for child in children]
        if self._near is None:
            return [self._admit(words, None) for words in texts]
        return list(map(self._admit, texts, self._near.signatures([triples(words) for words in texts])))

    @sparq.hookimpl
    def commit(self, step: sparq.Step) -> dict[str, float]:
        """How many of the children so far came near an earlier problem: a sign of diversity, or of its loss."""
        if step.round == 0:
            return {}
        self._children += len(step.children)
        self._turned_away += sum(child.reason == NEAR for child in step.children)
        return {"near_duplicate_rate": round(self._turned_away / max(1, self._children), 6)}

    def save_state(self, file: IO[bytes]) -> None:
        """What is remembered: the counters, the digests of all texts, the index of near duplicates."""
        import numpy as np

        np.save(file, np.array([self._children, self._turned_away]), allow_pickle=False)
        np.save(file, np.sort(np.fromiter(self._exact, np.uint64, len(self._exact))), allow_pickle=False)
        if self._near is not None:
            self._near.save(file)

    def load_state(self, file: IO[bytes]) -> None:
        """Remember what was written."""
        import numpy as np

        self._children, self._turned_away = np.load(file, allow_pickle=False).tolist()
        self._exact = set(np.load(file, allow_pickle=False).tolist())
        if self._near is not None:
            self._near.load(file)

    def _admit(self, words: Sequence[str], signature: "Signature | None") -> str | None:
        if self._config.field is not None and not words:
            return nothing(self._config.field)
        key = int.from_bytes(hashlib.blake2b(" ".join(words).encode(), digest_size=8).digest())
        if key in self._exact:
            return "duplicate"
        if self._near is not None and signature is not None and not self._near.add(signature):
            return NEAR
        self._exact.add(key)
        return None


def triples(words: Sequence[str]) -> list[str]:
    """The runs of three words that two texts are compared by; of a shorter text, the whole."""
    return [" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))]
