"""Items of reasoning-gym's families: made in this process, since the library's generators are trusted with nothing hostile."""

import json
from collections.abc import Mapping
from typing import Any, TypedDict


class Item(TypedDict):
    """What reasoning-gym's scorers want back, as plain JSON."""

    question: str
    answer: str | None
    metadata: Mapping[str, Any]


EVALUATING = frozenset(
    {
        "binary_matrix",
        "countdown",
        "intermediate_integration",
        "n_queens",
        "polynomial_multiplication",
        "puzzle24",
        "simple_integration",
        "spiral_matrix",
        "string_insertion",
    }
)
"""Families whose scorer runs the answer as Python: an answer could say how right it is."""


def families() -> frozenset[str]:
    """All that the library has; it takes seconds to import."""
    import reasoning_gym  # noqa: F401 -- which registers them
    from reasoning_gym.factory import DATASETS

    return frozenset(DATASETS) - {"composite"}


def make_item(family: str, level: int, seed: int) -> Item | str:
    """One item, the same for the same numbers, or why there is none; families without levels have one level."""
    from reasoning_gym.factory import CURRICULA, DATASETS

    kind, config = DATASETS[family]
    given = {"seed": seed, "size": 1}
    try:
        if family in CURRICULA:
            curriculum = CURRICULA[family]()
            curriculum.set_global_level(level)
            made = kind(curriculum.generate_configuration(given))[0]
        else:
            made = kind(config(**given))[0]
        item: Item = json.loads(json.dumps(made, default=str))
    except Exception as error:  # noqa: BLE001 -- a hundred generators; one that fails is an item that was not made
        return f"{family} made none: {type(error).__name__}"
    return item
