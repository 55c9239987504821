"""lm-eval's tasks: tried before the run, and scored by the right metric."""

import json
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_lmeval import LmEval, LmEvalConfig
from sparq_lmeval.loading import installs
from sparq_lmeval.tasks import UnknownNameError, filter_of, metric_of

TASK = """
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
{functions}
output_type: generate_until
doc_to_text: "{{{{problem}}}}"
doc_to_target: "{{{{solution}}}}"
generation_kwargs: {{until: ["Problem:"], do_sample: false}}
metric_list:
  - {{metric: exact_match, aggregation: mean, higher_is_better: true}}
  - {{metric: math_verify, aggregation: mean, higher_is_better: true}}
"""
MINERVA = "process_docs: !function {0}.process_docs\nprocess_results: !function {0}.process_results"
"""The form of lm-eval's own minerva_math."""
CODE = """
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model
from lm_eval.tasks.minerva_math.utils import process_docs, process_results

@register_model("always")
class Always(LM):
    @classmethod
    def create_from_arg_obj(cls, *_, **__): return cls()
    def generate_until(self, requests, **_): return [r"So it is $\\boxed{24}$." for _ in requests]
    def loglikelihood(self, requests): return []
    loglikelihood_rolling = loglikelihood
"""
FILTERED = """
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: data.jsonl}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{problem}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["Problem:"], do_sample: false}}
filter_list:
  - {{name: strict-match, filter: [{{function: regex, regex_pattern: '#### (\\d+)'}}, {{function: take_first}}]}}
  - {{name: flexible-extract, filter: [{{function: regex, regex_pattern: '(\\d+)'}}, {{function: take_first}}]}}
metric_list:
  - {{metric: exact_match, aggregation: mean, higher_is_better: true}}
"""
"""The form of lm-eval's own gsm8k."""
ROW = {"problem": "What is 4!?", "answer": "24", "solution": r"It is $4 \cdot 6 = \boxed{24}$."}


def add(folder: Path, name: str, *, data: str = "data.jsonl", code: str = "") -> None:
    """A task file, and the code it names."""
    functions = MINERVA.format(name) if code else ""
    (folder / f"{name}.yaml").write_text(TASK.format(name=name, data=data, functions=functions))
    if code:
        (folder / f"{name}.py").write_text(code)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the task `minerva` of one document."""
    add(tmp_path, "minerva", code=CODE)
    (tmp_path / "data.jsonl").write_text(json.dumps(ROW) + "\n")
    return tmp_path


def plugin(folder: Path, *tasks: str, **options: Any) -> LmEval:
    return LmEval(LmEvalConfig(tasks=list(tasks), include=str(folder), apply_chat_template=False, **options))


def test_a_right_box_scores_by_math_verify_unless_another_metric_is_asked(folder: Path) -> None:
    """
    What `exact_match` asks for beside a right answer is the sentence of the few-shot examples; and so does a strict filter.
    """
    (folder / "texts.yaml").write_text((folder / "minerva.yaml").read_text().replace("task: minerva", "task: texts"))
    for name in ("loose", "strict"):
        (folder / f"{name}.yaml").write_text(FILTERED.format(name=name))
    model = sparq.Model(name="student", path="none", digest="none")
    asked: dict[str, Any] = {"metric": {"texts": "exact_match"}, "filter": {"strict": "strict-match"}}
    benchmark = plugin(folder, "minerva", "texts", "loose", "strict", backend="always", **asked)
    scores = {score.task: score.value for score in benchmark.benchmark(model, folder / "logs")}
    assert scores == {"minerva": 1.0, "texts": 0.0, "loose": 1.0, "strict": 0.0}


def test_tasks_are_tried_before_the_run(folder: Path) -> None:
    """All in one process, which takes seconds; lm-eval's own minerva_math is among them, without its documents."""
    add(folder, "needy", code="import langdetect_of_nobody")
    add(folder, "broken", code="raise AssertionError('antlr 4.11 is required:\\n pip install lm-eval[math]')")
    add(folder, "lost", data="lost.jsonl")
    names = ["needy", "broken", "lost", "minerva_math500", "minerva"]
    needy, broken, lost, far, metric = plugin(folder, *names, metric="bleu").check()
    assert (needy.level, needy.place) == ("error", "with.tasks")
    assert needy.message.startswith(
        "'needy' cannot be loaded, it needs the package 'langdetect_of_nobody': pip install"
    )
    assert broken.message.endswith("AssertionError: antlr 4.11 is required: pip install lm-eval[math]")
    assert "'lost' cannot be loaded, FileNotFoundError" in lost.message
    assert "lost.jsonl" in lost.message
    assert far.level == "warning"
    assert far.message.startswith("the documents of 'minerva_math500' are not on this machine")
    assert (metric.level, metric.place) == ("error", "with.metric")
    (filtered,) = plugin(folder, "minerva", filter={"minerva": "strict"}).check()
    assert (filtered.place, filtered.message) == ("with.filter", "task 'minerva' has no filter 'strict', only none")
    assert metric.message == "task 'minerva' has no metric 'bleu', only exact_match, math_verify"


def test_a_metric_of_a_task_that_is_not_there_is_told_and_tried_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check() -> list[sparq.Finding]:
        return plugin(folder, "minerva", metric={"minrva": "exact_match"}).check()

    found = check()
    assert [f.message for f in found] == ["no task is named 'minrva'; did you mean 'minerva'? (known: minerva)"]
    monkeypatch.setattr(sparq, "run_worker", lambda *_: pytest.fail("a process"))
    assert check() == found
    (folder / "data.jsonl").write_text("{}")
    with pytest.raises(pytest.fail.Exception, match="a process"):
        check()


def test_a_package_is_told_by_the_extra_that_brings_it() -> None:
    assert installs("langdetect") == "lm-eval[ifeval]"
    assert installs("numpy_of_nobody") == "numpy_of_nobody"


@pytest.mark.parametrize(
    ("has", "asked", "metric"),
    [
        (["exact_match", "math_verify"], None, "math_verify"),
        (["acc", "acc_norm"], None, "acc"),
        (["acc", "acc_norm"], "acc_norm", "acc_norm"),
        (["acc", "acc_norm"], {"other": "f1"}, "acc"),
    ],
)
def test_the_metric_of_a_task(has: list[str], asked: str | dict[str, str] | None, metric: str) -> None:
    assert metric_of("task", has, asked) == metric


def test_a_task_without_the_metric_names_those_it_has() -> None:
    with pytest.raises(UnknownNameError, match="task 'sums' has no metric 'f1', only acc, acc_norm"):
        metric_of("sums", ["acc", "acc_norm"], {"sums": "f1"})


def test_the_flexible_filter_is_taken_of_a_task_that_has_it() -> None:
    assert filter_of("gsm8k", ["strict-match", "flexible-extract"], None) == "flexible-extract"
    assert filter_of("gsm8k", ["strict-match", "flexible-extract"], "strict-match") == "strict-match"
    assert filter_of("sums", ["boxed"], {"gsm8k": "strict-match"}) == "boxed"
