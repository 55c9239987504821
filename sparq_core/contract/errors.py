"""
What can go wrong, by who has to act.

A `SparqError` is shown to the user as one message without a traceback; its `exit_code` is the command's. What the operating
system or SQLite refuses is told by `cli/faults`, what comes of a damaged ledger by `cli/damage`. Anything else that escapes is
a bug of ours and keeps its traceback.
"""

import difflib
from collections.abc import Iterable

from sparq_core.contract.messages import message, shown


class SparqError(Exception):
    """A run that cannot go on, for a reason the user can act on."""

    exit_code = 1

    def __str__(self) -> str:
        """Bounded and inert, whatever names and values stand in it."""
        return message(super().__str__())


class PipelineError(SparqError):
    """The pipeline, its files or the command line are wrong. Nothing was written, nothing was spent."""

    exit_code = 2


class PluginError(SparqError):
    """
    A plugin raised, or answered what the contract of its hook does not allow.

    The exception it raised, if any, is the `__cause__`. What was committed before is kept.
    """


class NoParents(SparqError):  # noqa: N818 -- an answer rather than a failure
    """What `select` raises when no problem may be a parent: the round ends, once the steps in flight offered none either."""


class NothingToTrainOn(SparqError):  # noqa: N818 -- what became of a run rather than a failure of it
    """
    Nothing of a round can be trained on: a study counts such a run and goes on, `sparq run` ends.

    No attempt was chosen, or a trainer finds nothing to learn in what was: no wrong attempt beside the right ones, say.
    """


class RunLockedError(SparqError):
    """Another process is writing to this run folder."""

    exit_code = 5


class RunMovedError(SparqError):
    """The run's folder is not where it was when the run began."""

    exit_code = 4


class Interrupted(KeyboardInterrupt):
    """The user or a scheduler asks for an end, and what was being done is left, whatever a plugin catches."""


class HalfWrittenError(SparqError):
    """A writer of the ledger was killed in the midst of a commit; the next writer takes that back, a reader cannot."""


LONGEST_LIST = 700
"""Characters of known words that a hint lists."""
LONGEST_WORD = 100
"""Characters of a mistyped word that are compared with the known ones: names are shorter, and it takes the square of it."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for a mistyped `word`: the closest known one, or else all of them."""
    known = sorted(known)
    told = shown(", ".join(known), LONGEST_LIST) or "none"
    close = difflib.get_close_matches(word[:LONGEST_WORD], known, n=1)
    if close:
        return f"did you mean '{shown(close[0])}'? (known: {told})"
    return f"known: {told}"
