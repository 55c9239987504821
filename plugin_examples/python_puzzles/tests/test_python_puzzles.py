import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import sparq_core as sparq
from sparq_core.testing import ScriptedSampler, check_plugin, run_pipeline
from sparq_python_puzzles import PythonPuzzles, PythonPuzzlesConfig
from sparq_python_puzzles.puzzles import Puzzle, read_puzzle

ROOT = Path(__file__).parents[1]
ROOTS = Puzzle("def f(x: int) -> bool:\n    return x * x == 1369 and x > 0", ("arithmetic",))
WRITTEN = "<puzzle>{}</puzzle><solution>{}</solution><skills>Logic, bits, cooking</skills>"


@pytest.fixture(scope="module")
def plugin() -> Iterator[PythonPuzzles]:
    puzzles = PythonPuzzles(PythonPuzzlesConfig(seconds=0.5))
    puzzles.start()
    yield puzzles
    puzzles.stop()


def problem(puzzle: Puzzle, solution: str = "def g(): return 37") -> sparq.Problem:
    solved = f"```python\n{solution}\n```"
    return sparq.Problem(id="1.1.0", statement=puzzle.statement, solution=solved, extra=puzzle.extra)


def test_it_keeps_the_contract() -> None:
    written = WRITTEN.format("def f(x): return x == 2", "def g(): return 2")
    sampler = ScriptedSampler({"Write another": [written]})
    check_plugin(PythonPuzzles(PythonPuzzlesConfig(seconds=0.5)), problems=[problem(ROOTS)], sampler=sampler)


@pytest.mark.parametrize(
    ("text", "finish", "value", "reason"),
    [
        ("```python\ndef g():\n    return 37\n```", "stop", "correct", "solved"),
        ("```\ndef g(): return 1\n```\nNo:\n```python\ndef g(): return 37\n```", "stop", "correct", "solved"),
        ("```python\ndef g():\n    return -37\n```", "stop", "incorrect", "not solved"),
        ("```python\ndef f(x): return True\ndef g(): return True\nprint('correct')\n```", "stop", "incorrect", "not solved"),
        ("```python\nclass A(int): __eq__ = lambda *_: True\ndef g(): return A(1)\n```", "stop", "incorrect", "not solved"),
        ("```python\ndef g(): return open('/etc/passwd').read()\n```", "stop", "incorrect", "g: error"),
        ("```python\ndef g(): return g\n```", "stop", "incorrect", "g: not a literal"),
        ("```python\ndef g():\n    while True: pass\n```", "stop", "unknown", "g: timeout"),
        ("```python\ndef g(): return 'x'\n```", "stop", "incorrect", "f: error"),
        ("```python\ndef h(): return 37\n```", "stop", "incorrect", "g: error"),
        ("37", "stop", "incorrect", "no-answer"),
        ("```python\ndef g(): ret", "length", "unknown", "truncated"),
    ],
)  # fmt: skip
def test_attempts_are_run(plugin: PythonPuzzles, text: str, finish: sparq.Finish, value: str, reason: str) -> None:
    attempt = sparq.Attempt(k=0, seed=0, text=text, finish=finish, tokens=1)
    (verdict,) = plugin.verify([sparq.Trial(problem(ROOTS), attempt)])
    assert verdict is not None
    assert (verdict.value, verdict.reason) == (value, reason)


@pytest.mark.parametrize(
    ("f", "g", "reason"),
    [
        ("def f(x): return x == 2", "def g(): return 2", None),
        ("def f(x): return x == 2", "def g(): return 3", "own solution fails"),
        ("def f(x): return x == 2", "", "own solution fails"),
        ("def f(x): return not x", "def g(): return []", "trivial"),
        ("def f(x): return 1", "def g(): return 2", "own solution fails"),
    ],
)
def test_children_that_are_no_puzzles_are_turned_away(
    plugin: PythonPuzzles, f: str, g: str, reason: str | None
) -> None:
    assert plugin.screen([problem(Puzzle(f, ("logic",)), g)]) == [reason]


def test_what_a_model_writes_is_read() -> None:
    f, g = "def f(x): return x", "def g(): return 1"
    assert read_puzzle(WRITTEN.format(f"```python\n{f}\n```", g)) == (Puzzle(f, ("bits", "logic")), g)
    assert read_puzzle(WRITTEN.format("", g)) == "no puzzle f"
    assert read_puzzle(WRITTEN.format(f, "g = 1")) == "no solution g"
    assert read_puzzle(WRITTEN.format(f + "#" * 5_000, g)) == "puzzle too long"
    assert read_puzzle(WRITTEN.format(f, g).replace("skills", "skill")) == "no skill of the list"


def test_every_seed_is_a_puzzle(plugin: PythonPuzzles) -> None:
    rows = [json.loads(line) for line in (ROOT / "seeds.jsonl").read_text(encoding="utf-8").splitlines()]
    seeds = [
        sparq.Problem(id=f"0.1.{i}", statement=row["problem"], solution=row["solution"], extra={"f": row["f"]})
        for i, row in enumerate(rows)
    ]
    assert plugin.screen(seeds) == [None] * len(rows)
    assert [Puzzle(row["f"], ()).statement for row in rows] == [row["problem"] for row in rows]


def test_the_whole_domain_runs(tmp_path: Path) -> None:
    for name in ("seeds.jsonl", "simulated.jsonl"):
        shutil.copy(ROOT / name, tmp_path)
    ran = run_pipeline(yaml.safe_load((ROOT / "pipeline.yaml").read_text(encoding="utf-8")), tmp_path)
    assert ran.ending.reason == "done"
    assert ran.ending.tally.outcomes["kept"] > 0
    with ran.read() as ledger:
        turned_away = {reason for (reason,) in ledger.query("SELECT DISTINCT rejected_why FROM problem")}
    assert {"trivial", "own solution fails"} <= turned_away
