"""How many requests may be open at a server at once: as many as it bears."""

TOLERATED = 0.2
"""Share of pushed-back requests that is taken for chance: as many come from a server that is not crowded at all."""
LEAST_ANSWERS = 10
"""Answers that are looked at together, at least."""


class Limiter:
    """
    Bounds the requests that are open at once.

    As many answers as may be open are looked at together. While few of them push back (too many requests, time is up), the
    limit grows: it doubles until the first push, then it grows by one. When many do, it shrinks by half their share.
    """

    def __init__(self, start: int, most: int) -> None:
        self.limit, self._most = float(start), most
        self.open = 0
        self._answers = self._pushes = 0
        self._full, self._pushed = False, False

    def enter(self) -> bool:
        """Take a place among the open requests; False where there is none."""
        if self.open >= int(self.limit):
            self._full = True
            return False
        self.open += 1
        return True

    def leave(self) -> None:
        """Give a place back."""
        self.open -= 1

    def answered(self, *, pushed: bool) -> None:
        """Count one answer; `pushed` tells that the server has too much to do."""
        self._answers += 1
        self._pushes += pushed
        if self._answers >= max(LEAST_ANSWERS, int(self.limit)):
            self._adapt(self._pushes / self._answers)
            self._answers = self._pushes = 0
            self._full = False

    def _adapt(self, share: float) -> None:
        if share > TOLERATED:
            self._pushed = True
            self.limit = max(1.0, self.limit * (1 - share / 2))
        elif self._full:
            self.limit = min(float(self._most), self.limit + 1 if self._pushed else self.limit * 2)
