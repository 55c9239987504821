"""What repeats a benchmark is turned away: the run's own and those in files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_core.contract.sampling import Place
from sparq_core.loop import session
from sparq_core.pipeline import prepare
from sparq_core.testing import run_pipeline
from sparq_lmeval import LmEval, LmEvalConfig
from sparq_screen.decontaminate import Decontaminate, DecontaminateConfig

QUICKSTART = Path(__file__).parents[3] / "examples" / "quickstart"


def children(*statements: str) -> list[sparq.Problem]:
    return [sparq.Problem(id=f"1.1.{i}", statement=text, answer="1") for i, text in enumerate(statements)]


def test_what_repeats_a_benchmark_is_turned_away(tmp_path: Path) -> None:
    benchmark = tmp_path / "test.jsonl"
    question = "A farmer has seven red apples and gives three of them to her youngest neighbour. How many are left?"
    rows = [
        {"question": question, "answer": "4"},
        {"question": "What is 2 + 2?", "meta": {"also": ["Name the capital."]}},
    ]
    benchmark.write_text("".join(json.dumps(row) + "\n" for row in rows))
    plugin = Decontaminate(DecontaminateConfig(files=[str(benchmark)], ngram=8))
    plugin.start(tuple)
    said = plugin.screen(
        children(
            question.upper(),
            "Yesterday a farmer has seven red apples and gives three, of them, to a friend.",
            "A farmer has seven green apples and gives three of them away.",
            "what is 2 + 2",
            "What is 2 + 3?",
            "Name the capital!",
        )
    )
    assert said == [
        "contaminated by test.jsonl",
        "contaminated by test.jsonl",
        None,
        "contaminated by test.jsonl",
        None,
        "contaminated by test.jsonl",
    ]


def test_only_the_columns_named_are_looked_at(tmp_path: Path) -> None:
    benchmark = tmp_path / "test.jsonl"
    benchmark.write_text(json.dumps({"question": "What is 2 + 2?", "note": "What is 3 + 3?"}) + "\n")
    plugin = Decontaminate(DecontaminateConfig(files=[str(benchmark)], columns=["question"]))
    plugin.start(tuple)
    assert plugin.screen(children("What is 2 + 2?", "What is 3 + 3?")) == ["contaminated by test.jsonl", None]


def test_a_line_separator_in_a_benchmark_ends_no_line(tmp_path: Path) -> None:
    benchmark = tmp_path / "test.jsonl"
    benchmark.write_text(json.dumps({"question": "What is\u20282 + 2?"}, ensure_ascii=False) + "\n")
    plugin = Decontaminate(DecontaminateConfig(files=[str(benchmark)]))
    plugin.start(tuple)
    assert plugin.screen(children("What is 2 + 2?")) == ["contaminated by test.jsonl"]


def test_nothing_to_check_against_is_an_error() -> None:
    text = sparq.BenchmarkText(task="t", text="What is 2 + 2?")
    with pytest.raises(sparq.PipelineError, match="nothing to check against"):
        Decontaminate(DecontaminateConfig()).start(tuple)
    with pytest.raises(sparq.PipelineError, match="nothing to check against"):
        Decontaminate(DecontaminateConfig(benchmarks=False)).start(lambda: [text])


BENCHMARK = """
import sparq_core as sparq
class Sums:
    @sparq.hookimpl
    def benchmark(self): return [sparq.Score(task="sums", item="1", value=1.0)]
    @sparq.hookimpl
    def benchmark_texts(self, run): yield sparq.BenchmarkText(task="sums", text="What is 7 + 13?")
"""


def test_hook_benchmark_texts_keeps_the_runs_own_benchmark_out(sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "sums.py").write_text(BENCHMARK)
    pipeline = sums(steps=2)
    pipeline["plugins"] += [{"use": "decontaminate"}, {"use": "./sums.py:Sums"}]
    with run_pipeline(pipeline, tmp_path).read() as ledger:
        query = "SELECT DISTINCT statement, rejected_why FROM problem WHERE rejected_by = 'decontaminate'"
        assert list(ledger.query(query)) == [("What is 7 + 13?", "contaminated by sums")]
    (tmp_path / "sums.py").write_text(BENCHMARK.replace("7 + 13", "8 + 13"))
    with pytest.raises(sparq.PipelineError, match="sums"):
        run_pipeline({**pipeline, "steps": 3}, tmp_path, resume=True)


def test_benchmarks_are_free_where_nobody_asks_for_their_texts(sums: Callable[..., Any], tmp_path: Path) -> None:
    pipeline = sums(steps=1)
    run_pipeline(pipeline, tmp_path)
    (tmp_path / "sums.py").write_text(BENCHMARK)
    pipeline["plugins"].append({"use": "./sums.py:Sums"})
    run_pipeline({**pipeline, "steps": 2}, tmp_path, resume=True)


def test_the_quickstarts_benchmark_is_known_without_naming_its_files(sums: Callable[..., Any], tmp_path: Path) -> None:
    asked = json.loads((QUICKSTART / "in_distribution.jsonl").read_text().partition("\n")[0])["problem"]
    pipeline = sums()
    tasks = {"tasks": ["in_distribution", "out_of_distribution"], "include": str(QUICKSTART)}
    pipeline["plugins"] += [{"use": "decontaminate"}, {"use": "lm-eval", "with": tasks}]
    pipeline["models"]["student"] = {"use": "hf", "model": "sparq-tiny"}
    (tmp_path / "pipeline.yaml").write_text(json.dumps(pipeline))
    loaded = prepare.load(tmp_path / "pipeline.yaml")
    with session.started(loaded.run, loaded.cast, lambda event: None):
        fresh = "A fresh problem: how many horns have nine goats?"
        said = loaded.cast.screen(Place(1, 1, 1), children(asked.upper(), fresh))
    assert [rejection and rejection.reason for rejection in said] == ["contaminated by in_distribution", None]


def test_a_task_whose_documents_cannot_be_had_is_named(tmp_path: Path) -> None:
    task = "task: far\ndataset_path: nobody/nothing\ntest_split: test\noutput_type: generate_until\n"
    (tmp_path / "far.yaml").write_text(task + 'doc_to_text: "{{q}}"\ndoc_to_target: "{{a}}"\n')
    plugin = LmEval(LmEvalConfig(tasks=["far"], include=str(tmp_path)))
    pipeline = sparq.Pipeline(name="far", steps=1, models={}, plugins=[])
    run = sparq.Run(pipeline=pipeline, base=tmp_path, folder=tmp_path, models={})
    with pytest.raises(sparq.SparqError, match="the documents of task 'far' cannot be read"):
        list(plugin.benchmark_texts(run))
