"""How good and diverse problems are by what they are labelled with: those that were attempted, and those chosen of them."""

from collections.abc import Callable, Mapping
from math import log
from typing import Any

from sparq_core.contract.niches import Axis, Niche, labels_of
from sparq_core.ledger import overview
from sparq_core.ledger.afresh import Filled, axis_of
from sparq_core.ledger.reader import Reader


def curated(ledger: Reader) -> dict[str, Any]:
    """How many problems the last choice of training examples has, and how good and diverse they are by each list of labels."""
    problems = overview.curated(ledger)
    return {"problems": problems, "labels": _by_labels(ledger, overview.curated_niches) if problems else {}}


def archive(ledger: Reader) -> dict[str, Any]:
    """How many children were attempted and described, whatever became of them, and how good and diverse those are."""
    children = overview.labelled(ledger)
    labels = _by_labels(ledger, overview.labelled_niches) if children.described else {}
    return {"problems": children.attempted, "described": children.described, "labels": labels}


def _by_labels(
    ledger: Reader, filled: Callable[[Reader, str, Axis], Mapping[Niche, Filled]]
) -> dict[str, dict[str, float]]:
    """
    How good and diverse problems are by each list of labels.

    Labels make niches as the run's selector has it, and by its defaults where it takes no notice of them.
    """
    keys = [key for key, is_labels in ledger.descriptors().items() if is_labels]
    return {key: diversity_of(filled(ledger, key, axis_of(ledger, key))) for key in keys}


def diversity_of(niches: Mapping[Niche, Filled]) -> dict[str, float]:
    """Unique labels are the paper's DIV; the entropy of the sets is in nats."""
    total = sum(filled.problems for filled in niches.values())
    shares = [filled.problems / total for filled in niches.values()]
    return {
        "unique": len(frozenset[str]().union(*map(labels_of, niches))),
        "sets": len(niches),
        "qd_score": round(sum(filled.best for filled in niches.values()), 6),
        "entropy": round(sum(share * log(1 / share) for share in shares), 6),
    }
