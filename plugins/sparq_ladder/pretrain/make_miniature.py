"""
Write the seeds and benchmarks of the miniature: `python make_miniature.py FOLDER`.

The benchmarks' games are held out from pre-training and seeds; their longest and their unseen pairs of skills stand in no seed.
"""

import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from text import worked_out

from sparq_ladder.games import Plan, Told, draw

SEEDS, IN_DISTRIBUTION, OUT_OF_DISTRIBUTION = 700, 300, 300
LENGTHS = {3: 0.1, 4: 0.3, 5: 0.3, 6: 0.3}
USUAL = Plan(lengths=LENGTHS, large=0.3)
"""What seeds and the benchmark are drawn from: all skills alike."""

TASK = """\
task: {name}
dataset_path: json
dataset_kwargs:
  data_files: {{test: {name}.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{problem}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["<|end|>"], max_gen_toks: 144, do_sample: false}}
filter_list:
  - name: boxed
    filter:
      - {{function: regex, regex_pattern: "boxed\\\\{{([^{{}}]*)\\\\}}", group_select: -1}}
      - {{function: take_first}}
metric_list:
  - {{metric: exact_match, aggregation: mean, higher_is_better: true}}
metadata: {{version: 1}}
"""


def distinct(name: str, plan: Plan, count: int, keep: Callable[[Told], bool]) -> list[Told]:
    """The first games that may be kept, no two of them the same."""
    found: dict[str, Told] = {}
    for told in forever(random.Random(name), plan):
        if keep(told):
            found.setdefault(told.numbers, told)
        if len(found) == count:
            return list(found.values())
    raise AssertionError("games never end")


def forever(rng: random.Random, plan: Plan) -> Iterator[Told]:
    while True:
        yield draw(rng, plan)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    seeds = distinct("seeds", USUAL, SEEDS, lambda told: not told.held_out and not told.unseen)
    rng = random.Random("solutions")
    write(folder / "seeds.jsonl", [{**row(told), "solution": worked_out(rng, told.game)} for told in seeds])
    usual = distinct("in distribution", USUAL, IN_DISTRIBUTION, lambda told: told.held_out and not told.unseen)
    third = OUT_OF_DISTRIBUTION // 3
    shifts = {
        "more steps": distinct(
            "steps", Plan({7: 0.5, 8: 0.5}, large=0.3), third, lambda told: told.held_out and not told.unseen
        ),
        "larger numbers": distinct(
            "large", Plan(LENGTHS, large=1.0), third, lambda told: told.held_out and not told.unseen
        ),
        "unseen pairs": distinct("pairs", USUAL, third, lambda told: told.held_out and told.unseen),
    }
    benchmark(folder, "in_distribution", {"usual": usual})
    benchmark(folder, "out_of_distribution", shifts)


def row(told: Told) -> dict[str, object]:
    return {"problem": told.statement, "answer": str(told.answer), "skills": told.skills}


def benchmark(folder: Path, name: str, shifts: dict[str, list[Told]]) -> None:
    write(
        folder / f"{name}.jsonl", [{**row(told), "shift": shift} for shift, games in shifts.items() for told in games]
    )
    (folder / f"{name}.yaml").write_text(TASK.format(name=name))


def write(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
