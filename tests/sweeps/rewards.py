"""
Rewards asked from 64 threads while their workers are killed: every call is answered once, by the right number or by None.

A call takes one of three completions, right, wrong or one that needs another process of the checker, so that kills meet all of
its parts.
"""

import os
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from random import Random

from sparq_core.reward import Reward

CALLS = 200
"""A trial."""
KILLS = 4
"""A trial, on average."""
THREADS = 64
PAIRS = (
    (r"\boxed{0.5}", "1/2", 1.0),
    (r"\boxed{7}", "1/2", 0.0),
    ("I do not know.", "1/2", 0.0),
    (r"\boxed{1/2}", r"\int_0^1 x dx", 1.0),
    (r"\boxed{" + "(" * 300 + "}", "1/2", None),
)
PIPELINE = """\
name: rewards
steps: 1
models: {student: {use: scripted, model: none}}
plugins: [{use: sympy}]
"""


class Rewards:
    """Two hundred calls a trial."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "rewards.yaml"
        self._reward: Reward | None = None

    def __call__(self, rng: Random) -> str | None:
        if self._reward is None:
            self._path.write_text(PIPELINE)
            self._reward = Reward(self._path)
        pairs = [rng.choice(PAIRS) for _ in range(CALLS)]
        kills = [rng.random() if rng.random() < KILLS / CALLS else None for _ in pairs]
        with ThreadPoolExecutor(THREADS) as threads:
            found = list(threads.map(self._asked, pairs, kills))
        wrong = [f"{pair}: {value}" for pair, value in zip(pairs, found, strict=True) if value not in (pair[2], None)]
        return f"{len(wrong)} of {CALLS}: {wrong[0]}" if wrong else _known(found)

    def _asked(self, pair: tuple[str, str, float | None], kill: float | None) -> float | None:
        assert self._reward is not None
        if kill is not None:
            _kill(kill)
        return self._reward(pair[0], pair[1])

    def close(self) -> None:
        if self._reward:
            self._reward.close()


def _known(found: Sequence[float | None]) -> str | None:
    """Kills are rare beside calls: where most are unknown, workers no longer come back."""
    unknown = sum(value is None for value in found)
    return f"{unknown} of {CALLS} are unknown" if unknown > CALLS / 2 else None


def _kill(which: float) -> None:
    """Kill one of the workers, or one of what they have begun."""
    ours = _children(os.getpid())
    if found := [*ours, *(pid for child in ours for pid in _children(child))]:
        with suppress(ProcessLookupError):
            os.kill(found[int(which * len(found))], signal.SIGKILL)


def _children(pid: int) -> list[int]:
    """The Python processes that a process has begun for rewards."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in path.read_text().split()]
    return [child for child in found if _is_ours(child)]


def _is_ours(pid: int) -> bool:
    with suppress(OSError):
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
        return b"sparq_core.reward.worker" in line or b"sparq_sympy.math_verify.worker" in line
    return False
