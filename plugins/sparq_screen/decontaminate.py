"""Children that repeat a benchmark are turned away, however they came about."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, field

import sparq_core as sparq

_WORDS = re.compile(r"\w+")


class DecontaminateConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `decontaminate`."""

    benchmarks: Annotated[bool, Meta(description="Check against the run's own benchmark tasks.")] = True
    files: Annotated[
        list[sparq.InputFile],
        Meta(description="Further benchmarks, as JSON lines or plain text, that must not be trained on."),
    ] = field(default_factory=list)
    ngram: Annotated[
        int, Meta(ge=2, description="Length of the word sequences that must not be shared; 8 to 16 are common.")
    ] = 10
    columns: Annotated[
        list[str] | None, Meta(description="Columns of the JSON lines to check; none: all that contain text.")
    ] = None


class Decontaminate:
    """
    Rejects a child whose statement shares a run of `ngram` words with a benchmark: one of the run's own or a file named.
    Case and punctuation do not count.

    A statement shorter than that must not be one of the benchmark's. Outputs are checked, not only seeds: a model may know the
    benchmark by heart.
    """

    def __init__(self, config: DecontaminateConfig) -> None:
        self._config = config
        self._known: dict[bytes, str] = {}

    @sparq.hookimpl
    def start(self, benchmark_texts: Callable[[], Iterable[sparq.BenchmarkText]]) -> None:
        for entry in benchmark_texts() if self._config.benchmarks else ():
            self._learn(entry.text, entry.task)
        for file in map(Path, self._config.files):
            for text in _texts(file, self._config.columns):
                self._learn(text, file.name)
        if not self._known:
            raise sparq.PipelineError(
                "decontaminate: there is nothing to check against; add a plugin that benchmarks, e.g. lm-eval, or name files"
            )

    def _learn(self, text: str, source: str) -> None:
        for gram in self._grams(text):
            self._known.setdefault(gram, source)

    @sparq.hookimpl
    def screen(self, children: Sequence[sparq.Problem]) -> list[str | None]:
        return [self._screen(child) for child in children]

    def _screen(self, child: sparq.Problem) -> str | None:
        found = next((self._known[gram] for gram in self._grams(child.statement) if gram in self._known), None)
        return f"contaminated by {found}" if found else None

    def _grams(self, text: str) -> Iterator[bytes]:
        """Digests of all runs of words; of a shorter text, of the whole."""
        words, n = _WORDS.findall(text.casefold()), self._config.ngram
        for i in range(max(1, len(words) - n + 1)) if words else ():
            yield hashlib.blake2b(" ".join(words[i : i + n]).encode(), digest_size=8).digest()


def _texts(file: Path, columns: Sequence[str] | None) -> Iterator[str]:
    if {".jsonl", ".json"}.isdisjoint(file.suffixes):
        yield from (text for _, text in sparq.text_lines(file))
        return
    for line in sparq.json_lines(file):
        yield from sparq.strings_in(line.row if columns is None else [line.row.get(column) for column in columns])
