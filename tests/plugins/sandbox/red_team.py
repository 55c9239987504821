"""
Tries every attack and prints, as JSON, what did not end as it must: `python red_team.py FOLDER OWNER THREADS`.

By itself it needs nothing but the library, so that another user, or another Python, can run it.
"""

import json
import os
import random
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from attacks import ATTACKS, IMPORTS, WALL, Attack

from sparq_sandbox import Limits, Outcome, Sandbox

LIMITS = Limits(seconds=0.2, wall=10, memory=64 << 20, output=16 << 10)
SHORT = Limits(seconds=0.5, wall=0.6)


def escaped(folder: Path, owner: int, threads: int, attacks: Sequence[Attack] = ATTACKS) -> dict[str, str]:
    """The attacks that did not end as they must, with what became of them; each is answered once."""
    order = random.Random(threads).sample(attacks, len(attacks))
    with Sandbox(imports=IMPORTS, limits=LIMITS) as sandbox, ThreadPoolExecutor(threads) as pool:
        arguments = (str(folder), owner)
        outcomes = list(pool.map(lambda a: sandbox.run(a.source, entry="attack", arguments=arguments), order))
        assert sandbox.run("print(6 * 7)") == Outcome(value="42\n")
    return wrong(order, outcomes)


def endless(threads: int) -> dict[str, str]:
    """The same of those that only wait."""
    with Sandbox(imports=IMPORTS, limits=SHORT) as sandbox, ThreadPoolExecutor(threads) as pool:
        return wrong(WALL, list(pool.map(lambda a: sandbox.run(a.source, entry="attack", arguments=("", 0)), WALL)))


def wrong(attacks: Sequence[Attack], outcomes: Sequence[Outcome]) -> dict[str, str]:
    ends = zip(attacks, outcomes, strict=True)
    return {a.name: str(o) for a, o in ends if str(o.reason or o.value) not in a.ends.split("|")}


def furnish(folder: Path) -> None:
    """What the attacks are after."""
    (folder / "canary").write_text("alive")
    (folder / "inner").mkdir()


def untouched(folder: Path) -> bool:
    """Whether all of it is there, and nothing else."""
    return {path.name for path in folder.iterdir()} == {"canary", "inner"} and (
        folder / "canary"
    ).read_text() == "alive"


def main() -> None:
    folder, owner, threads = sys.argv[1:]
    found = escaped(Path(folder), int(owner), int(threads)) | endless(2)
    sys.stdout.write(json.dumps({"user": os.getuid(), "attacks": len(ATTACKS) + len(WALL), "escaped": found}))


if __name__ == "__main__":
    main()
