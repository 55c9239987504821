"""What makes the niches that take turns."""

from collections.abc import Mapping

import sparq_core as sparq

Axes = Mapping[str, sparq.Axis]


def axes_of_niches(described: Mapping[str, bool], wanted: Axes | None, selectors: Axes) -> Axes:
    """
    The axes that are wanted, else the selector's, else the only list of labels; SparqError where there is none, or several.

    `described` says of each descriptor whether it is a list of labels.
    """
    if wanted is not None:
        for key in wanted.keys() - described.keys():
            raise sparq.SparqError(f"curate: niches: no problem has '{key}'; {sparq.nearest(key, described)}")
        return wanted
    if known := {key: axis for key, axis in selectors.items() if key in described}:
        return known
    lists = [key for key, is_labels in described.items() if is_labels]
    if len(lists) > 1:
        raise sparq.SparqError(f"curate: niches: problems have several lists of labels, name one of {', '.join(lists)}")
    if not lists:
        raise sparq.SparqError(
            "curate: by: niches are to take turns, but no problem has a list of labels to make them; set `by` to quality or "
            f"random, or `niches` to what makes a niche ({sparq.nearest('', described)})"
        )
    return {lists[0]: sparq.Axis()}
