"""Which descriptor's labels make the niches that take turns."""

from collections.abc import Mapping

import sparq_core as sparq


def descriptor_of_niches(described: Mapping[str, bool], wanted: str | None) -> str:
    """
    The descriptor that is wanted, else the only list of labels; SparqError where problems have no such, or several.

    `described` says of each descriptor whether it is a list of labels.
    """
    if wanted is not None:
        if wanted not in described:
            raise sparq.SparqError(f"curate: labels: no problem has '{wanted}'; {sparq.nearest(wanted, described)}")
        return wanted
    lists = [key for key, is_labels in described.items() if is_labels]
    if len(lists) > 1:
        raise sparq.SparqError(f"curate: labels: problems have several lists of labels, name one of {', '.join(lists)}")
    if not lists:
        raise sparq.SparqError(
            "curate: by: niches are to take turns, but no problem has a list of labels to make them; set `by` to quality or "
            f"random, or `labels` to what makes a niche ({sparq.nearest('', described)})"
        )
    return lists[0]
