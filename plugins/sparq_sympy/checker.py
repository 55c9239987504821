"""The whole checker: what is quick in this process, math-verify in others, and verdicts remembered."""

import atexit
from collections import OrderedDict
from functools import lru_cache
from threading import Lock

from sparq_sympy.decide import Decision, decide
from sparq_sympy.equality.compare import Conventions
from sparq_sympy.math_verify.pool import Pool
from sparq_sympy.math_verify.trust import is_read
from sparq_sympy.reading.answer import read

REMEMBERED = 50_000
"""Verdicts of math-verify that are kept."""
_SAID = {
    "equal": Decision("correct", "sympy", "math-verify finds them equal"),
    "different": Decision("incorrect", "sympy", "math-verify finds them different"),
    "unparsed": Decision("unknown", "unparsed", "neither our grammar nor math-verify's reads both"),
    "error": Decision("unknown", "unparsed", "math-verify fails on it"),
    "timeout": Decision("unknown", "timeout", "math-verify took longer than the deadline"),
    "memory": Decision("unknown", "memory", "math-verify took more memory than a worker has"),
    "crash": Decision("unknown", "crash", "two workers died of it"),
}


class Checker:
    """
    Compares answers with references; may be used from any thread.

    Up to `workers` processes run math-verify, each comparison for at most `deadline` CPU seconds.
    """

    def __init__(self, conventions: Conventions | None = None, *, workers: int = 2, deadline: float = 0.5) -> None:
        self._conventions = conventions or Conventions()
        self._pool = Pool(workers, deadline)
        self._remembered: OrderedDict[tuple[str, str], Decision] = OrderedDict()
        self._lock = Lock()

    def equivalent(self, gold: str, answer: str) -> Decision:
        """Whether an answer equals the reference."""
        quick = decide(gold, answer, self._conventions)
        return quick or self._with_workers(read(gold).value, read(answer).value)

    def _with_workers(self, gold: str, answer: str) -> Decision:
        """The verdict of math-verify on two normalised texts, the same whenever it is asked."""
        if not (is_read(gold) and is_read(answer)):
            return _SAID["unparsed"]
        key = gold, answer
        with self._lock:
            if key in self._remembered:
                self._remembered.move_to_end(key)
                return self._remembered[key]
        said = self._pool.compare(gold, answer)
        decision = _SAID[said]
        if said != "crash":
            with self._lock:
                self._remembered[key] = decision
                if len(self._remembered) > REMEMBERED:
                    self._remembered.popitem(last=False)
        return decision

    def forget(self) -> None:
        """Drop the remembered verdicts."""
        with self._lock:
            self._remembered.clear()

    def close(self) -> None:
        """End the worker processes."""
        self._pool.close()


@lru_cache(maxsize=1)
def _shared() -> Checker:
    checker = Checker()
    atexit.register(checker.close)
    return checker


def equivalent(gold: str, answer: str) -> Decision:
    """
    Whether an answer equals the reference, under the default conventions.

    `value` is `correct`, `incorrect` or `unknown`, `reason` what decided or why nothing could, `how` a sentence.
    """
    return _shared().equivalent(gold, answer)
