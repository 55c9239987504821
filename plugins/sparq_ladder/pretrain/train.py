"""
Pre-train the models of the ladder from scratch: `python train.py FOLDER [MODEL ...]`.

All read the same text in the same order and differ in their width only. How is in sparq_tiny's `small.py` and `recipe.py`.
"""

import argparse
import sys
from pathlib import Path

import torch
from text import example

sys.path.append(str(Path(__file__).parents[2] / "sparq_tiny" / "pretrain"))

from small import save, small_model, small_tokenizer

WIDTHS = {"sparq-0.3m": 72, "sparq-0.6m": 104, "sparq-1.2m": 152, "sparq-2.5m": 224}
STEPS = {"sparq-0.3m": 850, "sparq-0.6m": 1000, "sparq-1.2m": 1500, "sparq-2.5m": 2000}
"""The larger a model, the longer it reads."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("models", nargs="*", default=list(WIDTHS), help="by default all")
    options.add_argument("--steps", type=int, help="by default each model's own")
    options.add_argument("--batch", type=int, default=12, help="rows a step")
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    tokenizer = small_tokenizer(example)
    for name in given.models:
        steps = given.steps or STEPS[name]
        model = small_model(tokenizer, example, width=WIDTHS[name], steps=steps, batch=given.batch)
        print(name, model.num_parameters(), flush=True)
        save(model, tokenizer, given.folder / name)


if __name__ == "__main__":
    main()
