"""The command `sparq` as a user meets it."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from sparq_core.cli.plugins import plugins
from sparq_core.testing import Ran, run_pipeline

SPARQ = [sys.executable, "-m", "sparq_core.cli"]
COLUMNS = [
    "problem",
    "solution",
    "answer",
    "messages",
    "solve_rate",
    "solve_rate_low",
    "solve_rate_high",
    "num_attempts",
    "num_correct",
    "num_unknown",
    "skills",
    "quality",
    "parent_id",
    "round",
    "step",
    "model",
    "id",
]


def sparq(*arguments: str | Path, cwd: Path | None = None, code: int = 0) -> str:
    done = subprocess.run(
        [*SPARQ, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "120", "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("finished")
    rows = [{"problem": f"What is {i + 5} + {3 * i + 7}?", "answer": str(4 * i + 12)} for i in range(40)]
    (folder / "seeds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    uses = ["static-uniform", "mutate", "duplicates", "sympy", "skills", "curate-band"]
    pipeline = {
        "name": "sums",
        "steps": 5,
        "batch": 6,
        "models": {"student": {"use": "scripted", "model": "sums"}},
        "attempts": {"k": 8},
        "plugins": [{"use": "jsonl-seeds", "with": {"path": "seeds.jsonl"}}, *({"use": use} for use in uses)],
    }
    return run_pipeline(pipeline, folder)


SLOW = {
    "accelerate",
    "antlr4",
    "asyncio",
    "datasets",
    "numpy",
    "openai",
    "pyarrow",
    "sympy",
    "torch",
    "transformers",
    "trl",
}


@pytest.mark.parametrize("arguments", [["--help"], ["status", "--help"], ["plugins"]], ids=" ".join)
def test_what_only_tells_imports_nothing_slow(arguments: list[str]) -> None:
    told = f"""
import sys
from sparq_core.cli import main
sys.argv = ["sparq", *{arguments}]
try:
    main()
except SystemExit:
    print("IMPORTED", *sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert not SLOW & set(done.stdout.split("IMPORTED")[1].split())


def test_init_writes_a_pipeline_that_parses(tmp_path: Path) -> None:
    sparq("init", cwd=tmp_path)
    assert yaml.safe_load((tmp_path / "pipeline.yaml").read_text())["name"] == "my-run"
    assert "already exists" in sparq("init", cwd=tmp_path, code=2)
    (tmp_path / "seeds.jsonl").write_text('{"problem": "1 + 1?", "answer": "2"}\n')
    told = sparq("check", "pipeline.yaml", cwd=tmp_path)
    assert "warning: models.student.model" in told
    assert "ok" in told


def test_check_tells_the_plan(finished: Ran) -> None:
    told = sparq("check", finished.folder / "pipeline.yaml", "--set", "plugins.0.with.path=../seeds.jsonl")
    assert "1 round of 5 steps of 6 parents: 30 children, at most 240 attempts" in told


def test_run_shows_the_funnel_and_what_is_next(finished: Ran, tmp_path: Path) -> None:
    told = sparq("run", finished.folder.parent / "pipeline.yaml", "--out", tmp_path / "run")
    for part in ("proposed", "kept", "attempts", "filled niches", "QD-score", "run digest", "Next:"):
        assert part in told


def test_what_is_next_can_be_pasted(finished: Ran, tmp_path: Path) -> None:
    settings = ("--set", "steps=8", "--set", "attempts.k=4", "--set", "budget.kept=1")
    told = sparq("run", finished.folder.parent / "pipeline.yaml", *settings, "--out", tmp_path / "run", code=3)
    found = re.search(r"To continue, raise the budget: (sparq run .* --set budget\.kept=)…", told)
    assert found
    _, *again = shlex.split(found[1] + "1000")
    after = sparq(*again)
    assert "step 8 of 8" in after
    following = re.search(r"^  sparq (run .*--set steps=16)", after, re.MULTILINE)
    assert following
    assert "step 16 of 16" in sparq(*shlex.split(following[1]))


def test_status_json_adds_up(finished: Ran) -> None:
    facts = json.loads(sparq("status", finished.folder, "--json"))
    children = facts["children"]
    assert children["proposed"] == 30 == sum(n for name, n in children.items() if name != "proposed")
    attempts = facts["attempts"]
    assert attempts["drawn"] == sum(attempts.get(v, 0) for v in ("correct", "incorrect", "unknown"))
    assert sum(facts["verdicts"].values()) == attempts["drawn"]
    assert facts["digest"] == finished.read().last_digest()


def test_status_of_nothing(tmp_path: Path) -> None:
    assert "there is no run here" in sparq("status", tmp_path, code=2)


def test_show_tells_a_problems_story(finished: Ran) -> None:
    kept = next(s.child for s in finished.read().solved() if not s.child.problem.is_seed)
    told = sparq("show", finished.folder, kept.problem.id)
    for part in ("as the generator wrote it", "<problem>", "statement", "reference answer", "solve rate", "8 attempts"):
        assert part in told
    assert f"from {kept.problem.parents[0]}" in told


def test_show_tells_a_domains_own_data_as_it_is(sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "domain.py").write_text(
        "import sparq_core as sparq\nclass Tables:\n    @sparq.hookimpl\n    def load_seeds(self):\n"
        "        extra = {'schema': {'t': ['[red]a']}}\n"
        "        return [sparq.Draft(statement='How many [bold] rows :100:?', answer='1', extra=extra)]\n"
    )
    pipeline = sums(steps=1)
    pipeline["plugins"][0] = {"use": "./domain.py:Tables"}
    told = sparq("show", run_pipeline(pipeline, tmp_path).folder, "0.1.0")
    shown = [line.strip("│ ") for line in told.splitlines() if line.startswith("│")]
    assert shown == ["How many [bold] rows :100:?", "{", '"schema": {', '"t": [', '"[red]a"', "]", "}", "}"]
    assert "extra" in told


def test_show_an_unknown_problem(finished: Ran) -> None:
    assert "no problem 9.9.9" in sparq("show", finished.folder, "9.9.9", code=2)


@pytest.mark.parametrize(("kind", "loader"), [("jsonl", "json"), ("parquet", "parquet")])
def test_export_loads_with_datasets(finished: Ran, tmp_path: Path, kind: str, loader: str) -> None:
    from datasets import load_dataset

    sparq("export", finished.folder, "--format", kind, "--to", tmp_path / f"data.{kind}")
    rows = load_dataset(loader, data_files=str(tmp_path / f"data.{kind}"), split="train", cache_dir=str(tmp_path))
    assert rows.column_names == COLUMNS
    correct = sum(s.child.counts.correct for s in finished.read().solved())
    assert len(rows) == correct
    row = rows[0]
    assert row["messages"][0]["content"].startswith(row["problem"])
    assert row["messages"][1]["content"] == row["solution"]
    assert 1 / 8 <= row["solve_rate"] <= 7 / 8
    assert row["quality"] == 1 - row["solve_rate"]


def test_preview_shows_prompts_and_writes_nothing(finished: Ran, tmp_path: Path) -> None:
    before = sorted(finished.folder.parent.rglob("*"))
    told = sparq("preview", finished.folder.parent / "pipeline.yaml", cwd=tmp_path)
    for part in (
        "propose (mutate): the prompt",
        "Write a novel problem",
        "attempt (solver): the prompt",
        "of 8 correct",
    ):
        assert part in told
    assert sorted(finished.folder.parent.rglob("*")) == before
    assert not list(tmp_path.iterdir())


def test_plugins_lists_what_is_installed() -> None:
    told = sparq("plugins")
    for name in ("hf", "map-elites", "mutate", "sympy", "sft", "lm-eval", "sparq-engine"):
        assert name in told
    lines = told.splitlines()
    (heading,) = (i for i, line in enumerate(lines) if line.startswith("curate "))
    assert [line.split()[0] for line in lines[heading + 1 : heading + 3]] == ["curate", "curate-band"]
    assert "A part of the kept problems, at a fixed budget: the paper's filters" in lines[heading + 1]


def test_plugins_are_facts_for_programs() -> None:
    listed = {each["name"]: each for each in json.loads(sparq("plugins", "--json"))["plugins"]}
    assert listed["sft"] == json.loads(sparq("plugins", "sft", "--json"))
    assert listed["event-log"]["options"] == []
    (rate,) = (option for option in listed["sft"]["options"] if option["name"] == "learning_rate")
    assert rate["type"] == "float"
    assert rate["default"] == 2e-6
    (path,) = (option for option in listed["jsonl-seeds"]["options"] if option["name"] == "path")
    assert path["required"]
    assert "default" not in path


def stranger(folder: Path, name: str, source: str, *requires: str) -> None:
    """An installed distribution of somebody else's, as importlib.metadata finds it."""
    (folder / f"sparq_{name}.py").write_text(source)
    info = folder / f"sparq_{name}-1.2.dist-info"
    info.mkdir()
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    urls = "Project-URL: Issues, https://example.org/issues\nProject-URL: Homepage, https://example.org/words\n"
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: sparq-{name}\nVersion: 1.2\n{urls}{needs}")
    (info / "entry_points.txt").write_text(f"[sparq.plugins]\n{name} = sparq_{name}:Plugin\n")


WORDS = """
import sparq_core as sparq
class Plugin:
    "Counts words. Slowly."
    @sparq.hookimpl
    def describe(self, cases): return [{} for _ in cases]
"""


def test_strangers_plugins_are_told_with_where_they_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger(tmp_path, "words", WORDS)
    stranger(tmp_path, "broken", "import nothing_of_the_kind")
    monkeypatch.syspath_prepend(tmp_path)
    told = CliRunner().invoke(plugins, env={"COLUMNS": "120"}, catch_exceptions=False).output
    assert re.search(r"^ +words +\(sparq-words 1\.2\) Counts words$", told, re.MULTILINE)
    assert re.search(
        r"^no hook  these plugins cannot be loaded\n +broken +\(sparq-broken 1\.2\) .*cannot be imported",
        told,
        re.MULTILINE,
    )
    one = CliRunner().invoke(plugins, ["words"], catch_exceptions=False).output
    assert "words (sparq-words 1.2)\nhttps://example.org/words\n" in one
    facts = json.loads(CliRunner().invoke(plugins, ["words", "--json"], catch_exceptions=False).output)
    assert (facts["distribution"], facts["version"]) == ("sparq-words", "1.2")


def test_plugins_shows_options_with_types_and_defaults() -> None:
    told = sparq("plugins", "mutate")
    for part in ("propose", "max_tokens", "int", "1024", "Maximum number of tokens"):
        assert part in told


def test_plugins_of_an_unknown_name() -> None:
    assert "did you mean 'mutate'" in sparq("plugins", "mutat", code=2)


@pytest.mark.parametrize(
    "command", ["run", "check", "preview", "status", "show", "export", "push", "audit", "plugins", "init"]
)
def test_every_command_has_help(command: str) -> None:
    assert "Usage: " in sparq(command, "--help")


def test_usage_errors_exit_2() -> None:
    assert "no such option" in sparq("run", "x.yaml", "--resum", code=2).lower()
    assert "Missing argument" in sparq("run", code=2)


@pytest.mark.parametrize(("bug", "error"), [("1 / 0", "ZeroDivisionError"), ("sparq.shortened(7, 2)", "TypeError")])
def test_a_plugins_bug_is_shown_by_the_plugins_own_frames(
    sums: Callable[..., Any], tmp_path: Path, bug: str, error: str
) -> None:
    (tmp_path / "bug.py").write_text(
        "import sparq_core as sparq\nclass Bug:\n    @sparq.hookimpl\n"
        f"    def screen(self, children): return [{bug} for _ in children]\n"
    )
    pipeline = sums(steps=1)
    pipeline["plugins"].append({"use": "./bug.py:Bug"})
    (tmp_path / "pipeline.yaml").write_text(json.dumps(pipeline))
    told = sparq("run", tmp_path / "pipeline.yaml", "--out", tmp_path / "run", code=1)
    assert f"plugin './bug.py:Bug' (plugins[7]), hook `screen`, step 0.1: {error}" in told
    assert "in screen" in told
    assert "sparq_core" not in told
    whole = sparq("--debug", "run", tmp_path / "pipeline.yaml", "--out", tmp_path / "again", code=1)
    assert "sparq_core/loop/engine.py" in whole
    assert "continue with `--resume`" in told
