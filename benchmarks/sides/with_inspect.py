"""inspect_ai: a task of K epochs and a scorer that compares strings; its log is written, live views of it are off."""

import tempfile

from inspect_ai import Epochs
from inspect_ai import Task as InspectTask
from inspect_ai import eval as evaluate
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import get_model
from inspect_ai.scorer import Score, Target, accuracy, scorer
from inspect_ai.solver import TaskState, generate
from rows import MODEL, Counted, K, Task, answer, is_right, prompt, report


@scorer(metrics=[accuracy()])
def compare():  # noqa: ANN201 -- the decorator reads it
    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=is_right(state.output.completion, int(target.text) - 1))

    return score


def work(task: Task) -> Counted:
    assert task.n == 1, "inspect_ai grades one choice a sample"
    dataset = MemoryDataset([Sample(input=prompt(i), target=answer(i)) for i in range(task.problems)])
    inspect_task = InspectTask(dataset=dataset, solver=generate(), scorer=compare(), epochs=Epochs(K, "mean"))
    with tempfile.TemporaryDirectory() as scratch:
        (log,) = evaluate(
            inspect_task,
            model=get_model(f"openai-api/local/{MODEL}", base_url=task.base_url, api_key="none"),
            max_connections=task.concurrency,
            max_samples=task.concurrency,
            log_dir=scratch,
            display="none",
            log_realtime=False,
            ctl_server=False,
        )
    assert log.results is not None
    rows = log.results.completed_samples
    return rows, round(rows * log.results.scores[0].metrics["accuracy"].value)


if __name__ == "__main__":
    report(work)
