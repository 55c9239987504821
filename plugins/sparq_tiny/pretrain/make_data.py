"""
Write the quickstart's seeds and benchmarks: `python make_data.py FOLDER`.

The benchmarks' numbers are held out from pre-training and seeds; the unseen wordings and the larger numbers stand in neither.
"""

import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from corpus import textbook
from stories import Story, tell

SEEDS, IN_DISTRIBUTION, OUT_OF_DISTRIBUTION = 40, 600, 600

TASK = """\
task: {name}
dataset_path: json
dataset_kwargs:
  data_files: {{test: {name}.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{problem}}}}\\n\\nPlease reason step by step, and put your final answer within \\\\boxed{{}}."
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["<|end|>"], max_gen_toks: 96, do_sample: false}}
filter_list:
  - name: boxed
    filter:
      - {{function: regex, regex_pattern: "boxed\\\\{{([^{{}}]*)\\\\}}", group_select: -1}}
      - {{function: take_first}}
metric_list:
  - {{metric: exact_match, aggregation: mean, higher_is_better: true}}
metadata: {{version: 1}}
"""


def distinct(stories: Iterator[Story], count: int, keep: Callable[[Story], bool]) -> list[Story]:
    """The first stories that may be kept, no two of them with the same arithmetic."""
    found: dict[str, Story] = {}
    for story in stories:
        if keep(story):
            found.setdefault(story.numbers, story)
        if len(found) == count:
            return list(found.values())
    raise AssertionError("stories never end")


def forever(rng: random.Random, **how: object) -> Iterator[Story]:
    while True:
        yield tell(rng, **how)  # type: ignore[arg-type] # keyword options


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random("seeds")
    seeds = distinct(forever(rng), SEEDS, lambda s: not s.held_out)
    with (folder / "seeds.jsonl").open("w") as file:
        for s in seeds:
            file.write(json.dumps({**row(s), "solution": textbook(rng, s)}) + "\n")
    usual = distinct(forever(random.Random("in distribution")), IN_DISTRIBUTION, lambda s: s.held_out)
    third = OUT_OF_DISTRIBUTION // 3
    shifts = {
        "larger numbers": distinct(forever(random.Random("large"), large=True), third, lambda _: True),
        "more steps": distinct(forever(random.Random("steps"), events=2), third, lambda s: s.held_out),
        "unseen wording": distinct(forever(random.Random("wording"), unseen=True), third, lambda s: s.held_out),
    }
    write(folder, "in_distribution", [("usual", s) for s in usual])
    write(folder, "out_of_distribution", [(shift, s) for shift, stories in shifts.items() for s in stories])


def row(story: Story) -> dict[str, str]:
    return {"problem": story.statement, "answer": str(story.answer), "kind": story.family}


def write(folder: Path, name: str, stories: list[tuple[str, Story]]) -> None:
    with (folder / f"{name}.jsonl").open("w") as file:
        for shift, story in stories:
            file.write(json.dumps({**row(story), "shift": shift}) + "\n")
    (folder / f"{name}.yaml").write_text(TASK.format(name=name))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
