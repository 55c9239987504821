"""
Faults by the thousand: `make torture MINUTES=60`, or `python tests/torture.py --minutes 60`.

Each sweep has numbered trials whose number is their seed, so that one that fell short is repeated by its number. The sweeps
take turns until the time is up; the next call goes on with higher numbers, and `benchmarks/results/torture.json` adds them up.
`make test` runs some trials of each.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

HERE = Path(__file__).parent
RESULTS = HERE.parent / "benchmarks" / "results" / "torture.json"
PAGE = HERE.parent / "docs" / "explanation" / "guarantees.md"
FOLDERS = ("", "ledger", "pipeline", "plugins/openai", "plugins/sympy")
sys.path[:0] = [str(HERE / folder) for folder in FOLDERS]

import msgspec  # noqa: E402 -- the tests' own modules are on the path from here on
from answer_pairs import answer_pair, odd_text  # noqa: E402
from faults import calls_in_child, environment, is_loaded  # noqa: E402
from faults.cuts import Cuts  # noqa: E402
from faults.kills import killed, pipeline, story  # noqa: E402
from hostile_inputs import pipeline_text, seed_lines  # noqa: E402
from hostile_replies import hostile_reply  # noqa: E402
from hostile_texts import READERS, hostile_text  # noqa: E402
from sweeps.commands import Commands  # noqa: E402
from sweeps.hooks import Hooks  # noqa: E402
from sweeps.plans import Plans  # noqa: E402
from sweeps.rewards import Rewards  # noqa: E402
from sweeps.rows import Rows  # noqa: E402
from sweeps.servers import Servers  # noqa: E402
from test_doctor import contents, flips  # noqa: E402

from sparq_core.contract.errors import SparqError  # noqa: E402
from sparq_core.contract.texts import valid  # noqa: E402
from sparq_core.ledger import storage  # noqa: E402
from sparq_core.ledger.doctor import examine  # noqa: E402
from sparq_core.pipeline.file import mapping_in, pipeline_of  # noqa: E402
from sparq_core.testing import run_pipeline  # noqa: E402
from sparq_openai.replies import completions, read  # noqa: E402
from sparq_seeds import FileConfig, JsonlSeeds  # noqa: E402
from sparq_sympy import Checker  # noqa: E402
from sparq_sympy.decide import decide  # noqa: E402
from sparq_sympy.equality.compare import Conventions  # noqa: E402

Trial = Callable[[Random], str | None]
"""What fell short; None where all held."""


class Sweep(NamedTuple):
    """Trials of one kind."""

    what: str
    trial: Trial
    at_once: int
    """Trials before it is another sweep's turn."""


def sweeps(folder: Path) -> dict[str, Sweep]:
    """All there are; `folder` is theirs to work in."""
    return {
        "kills": Sweep(
            "a run killed at a system call that changes its folder resumes to the same end", Kills(folder), 10
        ),
        "commands": Sweep(
            "a command killed, or with a failing disk, at a system call that changes its folder gives the same result when it "
            "is called again",
            Commands(folder),
            4,
        ),
        "plans": Sweep("a run of any plan, killed three times, resumes to the same end", Plans(folder), 1),
        "hooks": Sweep(
            "a faulty hook is named with its plugin and step; once it is fixed, the run resumes to the same end",
            Hooks(folder),
            5,
        ),
        "servers": Sweep(
            "a run through a server with several kinds of faults ends as through one without, and the key is not leaked",
            Servers(folder),
            2,
        ),
        "rewards": Sweep(
            "two hundred rewards requested from 64 threads while their workers are killed: each gets its number or None",
            Rewards(folder),
            1,
        ),
        "rows": Sweep(
            "a ledger with a changed row is read to a result or a message, and to no other digest",
            Rows(folder),
            10,
        ),
        "flips": Sweep(
            "a flipped bit of a ledger is noticed, or changes nothing that a digest covers", Flips(folder), 20
        ),
        "pipelines": Sweep("a corrupted pipeline is read, or rejected with a reason", _pipeline, 100),
        "seeds": Sweep("corrupted seeds are read, or rejected with a reason", lambda rng: _seeds(folder, rng), 200),
        "replies": Sweep("a reply of a server is read, or requested again", _reply, 2000),
        "completions": Sweep("a completion is read by every reader of completions", _completion, 100),
        "answers": Sweep("a pair of answers is judged as it was constructed, in both orders", Answers(), 200),
        "odd answers": Sweep(
            "a text that is not an answer is judged alike in both orders, within two seconds", _odd_answer, 200
        ),
        "cuts": Sweep(
            "what was reported before a power cut is there after it, and a run or a command on it reaches the same end",
            Cuts(folder / "cuts"),
            5,
        ),
    }


class Kills:
    """The run of `faults/kills.py`, on a local and on a network disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "kills"
        self._worlds: list[tuple[str, dict[str, Any], int, object]] = []

    def __call__(self, rng: Random) -> str | None:
        if not self._worlds:
            self._worlds = [self._world(kind) for kind in ("ext4", "nfs4")]
        kind, plan, calls, expected = rng.choice(self._worlds)
        storage.file_system = lambda folder: kind
        told: str | None = killed(self._folder, plan, rng.randint(1, calls), expected)
        return told

    def _world(self, kind: str) -> tuple[str, dict[str, Any], int, object]:
        storage.file_system = lambda folder: kind
        self._folder.mkdir(exist_ok=True)
        plan, run = pipeline(self._folder), self._folder / "run"
        shutil.rmtree(run, ignore_errors=True)
        run_pipeline(plan, self._folder)
        expected = story(run)
        shutil.rmtree(run)
        return kind, plan, calls_in_child(lambda: run_pipeline(plan, self._folder), run), expected


class Flips:
    """One bit of a small ledger at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "flips"
        self._before: list[Any] = []

    def __call__(self, rng: Random) -> str | None:
        run = self._folder / "run"
        if not self._before:
            self._folder.mkdir(exist_ok=True)
            run_pipeline(pipeline(self._folder), self._folder)
            self._before = contents(run / storage.DATABASE)
        fell_short = None
        for offset in flips(run / storage.DATABASE, rng, 1):
            with suppress(SparqError):
                if examine(run).is_sound and contents(run / storage.DATABASE) != self._before:
                    fell_short = f"silent at byte {offset}"
        return fell_short


class Answers:
    """Pairs of random kinds."""

    def __init__(self) -> None:
        self._checker = Checker()

    def __call__(self, rng: Random) -> str | None:
        gold, answer, equal = answer_pair(rng)
        found = {self._checker.equivalent(gold, answer).value, self._checker.equivalent(answer, gold).value}
        return None if found == {"correct" if equal else "incorrect"} else f"{gold!r} and {answer!r}: {found}"


def _odd_answer(rng: Random) -> str | None:
    one, other = odd_text(rng), odd_text(rng)
    began = time.process_time()
    there, back = decide(one, other, Conventions()), decide(other, one, Conventions())
    if time.process_time() - began > 4:
        return f"{one!r} and {other!r} take long"
    if one.strip() and other.strip() and (there and there.value) != (back and back.value):
        return f"{one!r} and {other!r} are judged by their order"
    return None


def _pipeline(rng: Random) -> str | None:
    with suppress(SparqError):
        pipeline_of(mapping_in(pipeline_text(rng), "p.yaml"), "p.yaml")
    return None


def _seeds(folder: Path, rng: Random) -> str | None:
    path = folder / "seeds.jsonl"
    path.write_bytes(seed_lines(rng))
    with suppress(SparqError):
        list(JsonlSeeds(FileConfig(path=str(path))).load_seeds())
    return None


def _reply(rng: Random) -> str | None:
    with suppress(msgspec.DecodeError):
        given = completions(read(hostile_reply(rng)), 1)
        if not all(0 <= c.tokens < 2**31 for c in given):
            return "tokens out of bounds"
    return None


def _completion(rng: Random) -> str | None:
    text = valid(hostile_text(rng))
    for reader in READERS.values():
        reader(text)
    return None


def tried(sweep: Sweep, number: int) -> str | None:
    """A trial by its number; an exception is a way to fall short."""
    try:
        return sweep.trial(Random(number))
    except Exception as error:  # noqa: BLE001 -- whatever it is, it should not have been
        return f"{type(error).__name__}: {error}"[:300]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=60)
    options.add_argument("--only", nargs="+")
    options.add_argument("--results", type=Path, default=RESULTS, help="where the sums are")
    given = options.parse_args()
    if not is_loaded():
        again = [sys.executable, *sys.argv]
        os.execve(sys.executable, again, environment(Path(tempfile.gettempdir())))  # noqa: S606 -- with the shim
    with tempfile.TemporaryDirectory() as scratch:
        found = json.loads(given.results.read_text()) if given.results.exists() else {}
        until = time.monotonic() + 60 * given.minutes
        all_of_them = {name: s for name, s in sweeps(Path(scratch)).items() if not given.only or name in given.only}
        while time.monotonic() < until:
            for name, sweep in all_of_them.items():
                _turn(found.setdefault(name, {"what": sweep.what, "tried": 0, "fell short": {}}), sweep, until)
        given.results.write_text(json.dumps(found, indent=1) + "\n")
    if given.results == RESULTS:
        before, _, after = PAGE.read_text().partition("<!-- sweeps -->\n")
        PAGE.write_text(before + "<!-- sweeps -->\n" + table(RESULTS) + "\n\n" + after[after.index("Beside") :])
    for name, sums in found.items():
        sys.stdout.write(f"{name}: {sums['tried']:,} tried, {len(sums['fell short'])} fell short\n")


def table(results: Path) -> str:
    """The sums of all sweeps, as the page of guarantees has them."""
    rows = [
        f"| {name}: {sums['what']} | {sums['tried']:,} | {len(sums['fell short']):,} |"
        for name, sums in json.loads(results.read_text()).items()
    ]
    return "\n".join(["| sweep | tried | fell short |", "|---|---|---|", *rows])


def _turn(sums: dict[str, Any], sweep: Sweep, until: float) -> None:
    for number in range(sums["tried"], sums["tried"] + sweep.at_once):
        if time.monotonic() > until:
            return
        sums["tried"] = number + 1
        if why := tried(sweep, number):
            sums["fell short"][str(number)] = why


if __name__ == "__main__":
    main()
