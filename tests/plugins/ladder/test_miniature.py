"""The files of the miniature: made by rule, true, and apart from one another."""

import json
import subprocess
import sys
from pathlib import Path

from sparq_ladder.rules import read, solve

ROOT = Path(__file__).parents[3]
MINIATURE = ROOT / "examples" / "miniature"


def rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (MINIATURE / f"{name}.jsonl").read_text().splitlines()]


def test_the_miniature_is_made_again_to_the_byte(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, str(ROOT / "plugins" / "sparq_ladder" / "pretrain" / "make_miniature.py"), str(tmp_path)],
        check=True,
    )
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {
        file.name: file.read_bytes() for file in MINIATURE.iterdir()
    }


def test_seeds_and_benchmarks_are_true_and_have_nothing_in_common() -> None:
    seeds, usual, shifted = rows("seeds"), rows("in_distribution"), rows("out_of_distribution")
    assert [len(seeds), len(usual), len(shifted)] == [700, 300, 300]
    for row in seeds + usual + shifted:
        assert solve(row["problem"]) == int(row["answer"])
    assert all(row["solution"].endswith(f"\\boxed{{{row['answer']}}}") for row in seeds)
    assert len({str(read(row["problem"])) for row in seeds + usual + shifted}) == 1300
    assert len({row["shift"] for row in shifted}) == 3
