"""The two sides of an export: what is trained on, and what is held out."""

from collections.abc import Sequence

from sparq_core.contract.errors import PipelineError
from sparq_core.contract.randomness import derive
from sparq_core.ledger.lineages import Lineages
from sparq_core.ledger.reader import Reader

TRAIN, TEST = "train", "test"


def sides(ledger: Reader, ids: Sequence[str], share: float | None) -> dict[str, list[str]]:
    """
    These problems by the file they go into: all of them, or without a share of the run's lineages, which is held out.

    Which lineages are held out follows from the run's seed, so it is the same for every format. PipelineError where that leaves
    no problem on one of the sides.
    """
    if share is None:
        return {TRAIN: list(ids)}
    lineages = Lineages(ledger)
    seed = ledger.pipeline().seed
    names = sorted(lineages.names, key=lambda name: derive(seed, "holdout", name))
    if len(names) < 2:
        why = "all problems come from one seed, or repeat one another"
        raise PipelineError(f"--holdout: {why}, so none can be held out; leave it out")
    held = set(names[: min(len(names) - 1, max(1, round(share * len(names))))])
    split: dict[str, list[str]] = {TRAIN: [], TEST: []}
    for id_ in ids:
        split[TEST if lineages.of(id_) in held else TRAIN].append(id_)
    if not all(split.values()):
        side = "held-out" if split[TRAIN] else "other"
        raise PipelineError(
            f"--holdout: none of the {len(ids):,} problems comes from the {side} seeds, {len(held):,} of {len(names):,} are "
            f"held out; give another share"
        )
    return split
