"""A run that is looked at: its ledger, its index, and what of it changes while it goes on."""

from pathlib import Path

import msgspec

from sparq_core.contract.wording import metric_name
from sparq_core.ledger.index import Index
from sparq_core.ledger.reader import Reader
from sparq_core.ledger.storage import Lock
from sparq_core.report.facts import MOST_LABELS, MOST_REASONS, Facts, facts, places_of
from sparq_core.report.page import names


class Opened:
    """A run folder, open for reading; SparqError where there is no run."""

    def __init__(self, folder: Path, letter: str, runs: int) -> None:
        self.folder, self.letter = folder, letter
        self._runs = runs
        self.ledger = Reader.open(folder)
        pipeline = self.ledger.pipeline()
        self.name = pipeline.name
        plugins = msgspec.json.decode(self.ledger.run().identity or "{}").get("plugins", {})
        self.disputes = any(plugin.get("with", {}).get("disputed") is not None for plugin in plugins.values())
        """Whether problems may come out as disputed."""
        self.index = Index(self.ledger, places_of(pipeline))

    def close(self) -> None:
        """Close the ledger; its index is gone then."""
        self.ledger.close()

    @property
    def running(self) -> bool:
        """Whether a process is writing to the run."""
        return Lock.is_held(self.folder)

    @property
    def pulse(self) -> str:
        """A text that is another one as soon as there is something new to show."""
        return f"{self.ledger.last_digest()}-{self.index.last}-{self.running}"

    def facts(self) -> Facts:
        """What a report tells of it, examples aside; the children as far as they are indexed."""
        with self.ledger.snapshot():
            counts = self.index.counts(MOST_REASONS, MOST_LABELS)
            return facts(self.ledger, self.letter, self._runs, counts, [])

    def niche(self, number: int) -> str:
        """A niche in words."""
        cells = zip(self.index.axes.values(), self.index.niches.known[number], strict=False)
        return " × ".join(" + ".join(names(axis, (cell,))) for axis, cell in cells) or "(others)"

    def label(self, number: int) -> str:
        """A label with what it is one of, where there are several such."""
        key, label = self.index.labels.known[number]
        several = len({key for key, _ in self.index.labels.known[1:]}) > 1
        return f"{metric_name(key)}: {label}" if several and key else label
