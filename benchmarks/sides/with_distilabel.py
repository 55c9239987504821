"""distilabel: a pipeline of a text generation task and a step that compares strings; no cache, raw copies left out."""

import tempfile
from pathlib import Path
from typing import Any

from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts, Step, StepInput
from distilabel.steps.tasks import TextGeneration
from rows import MODEL, Counted, K, Task, is_right, prompt, report


class Compare(Step):
    """Grades each generation."""

    @property
    def inputs(self) -> list[str]:
        return ["generation", "problem"]

    @property
    def outputs(self) -> list[str]:
        return ["right"]

    def process(self, inputs: StepInput) -> Any:
        for row in inputs:
            row["right"] = is_right(row["generation"] or "", row["problem"])
        yield inputs


def work(task: Task) -> Counted:
    rows = [{"instruction": prompt(i), "problem": i} for i in range(task.problems) for _ in range(K // task.n)]
    with tempfile.TemporaryDirectory() as scratch:
        with Pipeline(name="rows", cache_dir=Path(scratch)) as pipeline:
            load = LoadDataFromDicts(data=rows, batch_size=task.concurrency)
            generate = TextGeneration(
                llm=OpenAILLM(
                    model=MODEL,
                    base_url=task.base_url,
                    api_key="none",
                    generation_kwargs={"max_new_tokens": 1024, "temperature": 1.0},
                ),
                num_generations=task.n,
                input_batch_size=task.concurrency,
                add_raw_input=False,
                add_raw_output=False,
            )
            load >> generate >> Compare(input_batch_size=task.concurrency * task.n)  # type: ignore[operator]
        graded = pipeline.run(use_cache=False)["default"]["train"]
        return len(graded), sum(graded["right"])


if __name__ == "__main__":
    report(work)
