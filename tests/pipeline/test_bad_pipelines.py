"""A mistake in a pipeline ends the command at once: exit 2, place, thing and remedy, no traceback, nothing written."""

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Pipeline = dict[str, Any]
SPARQ = [sys.executable, "-m", "sparq_core.cli"]
SECONDS = 5.0


def plugin(pipeline: Pipeline, use: str) -> dict[str, Any]:
    return next(entry for entry in pipeline["plugins"] if entry["use"] == use)


def drop(pipeline: Pipeline, use: str) -> None:
    pipeline["plugins"] = [entry for entry in pipeline["plugins"] if entry["use"] != use]


def options(pipeline: Pipeline, use: str, **values: Any) -> None:
    plugin(pipeline, use).setdefault("with", {}).update(values)


def train_tiny(pipeline: Pipeline, **values: Any) -> None:
    pipeline["models"]["student"] = {"use": "hf", "model": "sparq-tiny"}
    add(pipeline, "sft", **values)


def replace(pipeline: Pipeline, use: str, other: str) -> None:
    plugin(pipeline, use).update(use=other)


def add(pipeline: Pipeline, use: str, **values: Any) -> None:
    pipeline["plugins"].append({"use": use, "with": values})


def added(pipeline: Any, *uses: str) -> None:
    for use in uses:
        add(pipeline, use)


CASES: dict[str, tuple[Callable[[Pipeline], Any], list[str]]] = {
    "unknown top-level key": (lambda p: p.update(stepps=3), ["stepps", "did you mean 'steps'"]),
    "unknown nested key": (lambda p: p["attempts"].update(kk=3), ["attempts.kk", "did you mean 'k'"]),
    "unknown plugin option": (lambda p: options(p, "mutate", promt="x"), ["plugins[2].with", "did you mean 'prompt'"]),
    "unknown key of a plugin entry": (
        lambda p: p["plugins"][2].update(wth={}),
        ["plugins[2].wth", "did you mean 'with'"],
    ),
    "unknown key of a model": (lambda p: p["models"]["student"].update(dtype="x"), ["models.student.dtype"]),
    "wrong type": (lambda p: p.update(steps="many"), ["steps", "Expected `int`, got `str`"]),
    "wrong type in a plugin": (
        lambda p: options(p, "mutate", max_tokens="x"),
        ["plugins[2].with", "max_tokens", "int"],
    ),
    "K = 0": (lambda p: p["attempts"].update(k=0), ["attempts.k", "`int` >= 1"]),
    "no steps": (lambda p: p.pop("steps"), ["missing required field `steps`"]),
    "negative seed": (lambda p: p.update(seed=-1), ["seed", ">= 0"]),
    "temperature below 0": (lambda p: p["attempts"].update(temperature=-1), ["attempts.temperature", ">= 0"]),
    "money without prices": (lambda p: p.update(budget={"cost": 5}), ["budget.cost", "models.<name>.prices"]),
    "band upside down": (lambda p: add(p, "band", correct=[6, 2]), ["band.correct", "upside down"]),
    "band above K": (lambda p: add(p, "band", correct=[2, 14]), ["band.correct", "attempts.k = 8"]),
    "missing plugin": (lambda p: add(p, "map-elitse"), ["plugins[7]", "did you mean 'map-elites'"]),
    "a file without ./": (lambda p: add(p, "rules.py:Rules"), ["plugins[7]", "for a file, write './rules.py:Rules'"]),
    "two selectors": (
        lambda p: add(p, "map-elites"),
        ["only one plugin may implement 'select'", "plugins[1]", "plugins[7]"],
    ),
    "two curators": (lambda p: add(p, "curate-band"), ["only one plugin may implement 'curate'"]),
    "no selector": (lambda p: drop(p, "static-uniform"), ["'select'", "e.g. static-uniform"]),
    "no seeds plugin": (lambda p: drop(p, "jsonl-seeds"), ["'load_seeds'", "e.g. jsonl-seeds"]),
    "no verifier": (lambda p: drop(p, "sympy"), ["'verify'", "e.g. sympy"]),
    "no proposer": (lambda p: drop(p, "mutate"), ["'propose'", "e.g. mutate"]),
    "training without curation": (lambda p: replace(p, "curate-band", "sft"), ["'train'", "e.g. curate-band"]),
    "dropout where nothing can": (
        lambda p: options(p, "mutate", dropout=0.1),
        ["plugins[2].with.dropout", "'scripted' serves cannot go without tokens", "by hf or vllm"],
    ),
    "attempts with dropout of an API model": (
        lambda p: p.update(
            models={"student": {"use": "openai", "model": "x"}}, attempts={**p["attempts"], "dropout": 0.1}
        ),
        ["attempts.dropout", "'openai' serves cannot go without tokens"],
    ),
    "dropout of a sampler in replicas that cannot": (
        lambda p: p.update(
            models={"student": {"use": "ray", "model": "x", "with": {"sampler": "scripted"}}},
            attempts={**p["attempts"], "dropout": 0.1},
        ),
        ["attempts.dropout", "'ray' serves cannot go without tokens"],
    ),
    "dropout of a sampler in replicas that is not installed": (
        lambda p: p.update(
            models={"student": {"use": "ray", "model": "x", "with": {"sampler": "scriptd"}}},
            attempts={**p["attempts"], "dropout": 0.1},
        ),
        ["models.student.with.sampler", "no plugin named 'scriptd'", "did you mean 'scripted'"],
    ),
    "training an API model": (lambda p: add(p, "sft"), ["models.student", "cannot be trained", "omit the plugin"]),
    "missing seeds file": (
        lambda p: options(p, "jsonl-seeds", path="none.jsonl"),
        ["plugins[0].with.path", "none.jsonl"],
    ),
    "seed row that is not JSON": (
        lambda p: seeds(p, '{"problem": "x", "answer": "1"}\n{"problem"'),
        ["line 2", "not JSON"],
    ),
    "seed row without an answer": (
        lambda p: seeds(p, '{"problem": "x", "solution": "1"}'),
        ["line 1", "no column 'answer'"],
    ),
    "seed row that is a list": (lambda p: seeds(p, "[1, 2]"), ["line 1", "must be an object"]),
    "seed statement that is a number": (lambda p: seeds(p, '{"problem": 5, "answer": "1"}'), ["line 1", "holds 5"]),
    "no seeds at all": (lambda p: seeds(p, "\n"), ["plugins[0].with.path", "no seeds"]),
    "sampler that is no sampler": (
        lambda p: p["models"]["student"].update(use="mutate"),
        ["models.student", "not a sampler"],
    ),
    "no models": (lambda p: p.update(models={}), ["models"]),
    "role without a model": (lambda p: p.update(roles={"solver": "teacher"}), ["roles.solver", "'teacher'", "student"]),
    "role left out among two models": (
        two_models := lambda p: p["models"].update(x=p["models"]["student"]),
        ["solver"],
    ),
    "role nobody plays": (lambda p: options(p, "mutate", role="poet"), ["plugins[2].with.role", "'poet'"]),
    "update of an unknown role": (lambda p: p.update(train={"updates": ["poet"]}), ["train.updates", "'poet'"]),
    "training of an unknown model": (
        lambda p: p.update(train={"model": "studnet"}),
        ["train.model", "'studnet'", "did you mean 'student'"],
    ),
    "model folder that is not there": (
        lambda p: p["models"].update(student={"use": "hf", "model": "./no-such-model"}),
        ["models", "./no-such-model"],
    ),
    "chat template that is not there": (
        lambda p: p["models"]["student"].update(chat_template="none.jinja"),
        ["models.student.chat_template", "plain"],
    ),
    "template with an unknown name": (
        lambda p: options(p, "mutate", prompt="{{ parnt.statement }}"),
        ["mutate.with.prompt", "parnt", "parent"],
    ),
    "template with a misspelt attribute": (
        lambda p: options(p, "mutate", prompt="{{ parent.statment }}"),
        ["mutate.with.prompt", "did you mean 'statement'"],
    ),
    "template that is broken": (lambda p: p["attempts"].update(prompt="{{ problem"), ["attempts.prompt"]),
    "prompt without the problem": (
        lambda p: p["attempts"].update(prompt="Solve it."),
        ["attempts.prompt", "'problem'"],
    ),
    "policy in its old place": (
        lambda p: p["attempts"].update(policy="bayes", worth=60.0),
        [
            "attempts.policy",
            "is decided by a plugin now",
            "remove policy, worth from",
            '{"use": "bayes", "with": {"worth": 60.0}}',
        ],
    ),
    "policy that was all attempts": (
        lambda p: p["attempts"].update(policy="fixed", wave=4),
        ["remove policy, wave from attempts\n"],
    ),
    "two policies": (lambda p: added(p, "settled", "bayes"), ["only one plugin may implement 'policy'"]),
    "policy that needs an assessment by counts": (
        lambda p: added(p, "settled", "majority"),
        ["'settled' may stop early", "'majority' needs all attempts"],
    ),
    "role nothing asks for": (lambda p: p.update(roles={"solvr": "student"}), ["roles.solvr", "did you mean 'solver'"]),
    "broken name": (lambda p: p.update(name="../up"), ["name"]),
    "local plugin file that is not there": (
        lambda p: add(p, "./none.py:Plugin"),
        ["plugins[7]", "there is no file", "none.py"],
    ),
    "lm-eval task that is not there": (
        lambda p: add(p, "lm-eval", tasks=["gsm9k"]),
        ["plugins[7].with.tasks", "'gsm9k' is not a stock task of lm-eval", "did you mean", "'gsm8k'"],
    ),
    "niche that nothing describes": (
        lambda p: options(p, "static-uniform", niches={"skils": {}}),
        ["plugins[1].with.niches", "did you mean 'skills'"],
    ),
    "niche upside down": (
        lambda p: options(p, "static-uniform", niches={"words": {"bins": 5, "low": 9, "high": 1}}),
        ["plugins[1].with", "9", "below"],
    ),
    "batch that cannot be cut": (
        lambda p: train_tiny(p, batch_size=16, micro_batch_size=5),
        ["micro_batch_size", "16"],
    ),
}


def seeds(pipeline: Pipeline, text: str) -> None:
    path = Path(plugin(pipeline, "jsonl-seeds")["with"]["path"])
    path.write_text(text)


def sparq(*arguments: str | Path, cwd: Path) -> tuple["subprocess.CompletedProcess[str]", float]:
    before = os.times()
    done = subprocess.run([*SPARQ, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False)
    after = os.times()
    return done, after.children_user + after.children_system - before.children_user - before.children_system


@pytest.mark.parametrize("name", CASES)
def test_bad_pipeline(sums: Callable[..., Pipeline], tmp_path: Path, name: str) -> None:
    pipeline = copy.deepcopy(sums())
    change, expected = CASES[name]
    change(pipeline)
    assert_refused(pipeline, expected, tmp_path)


def assert_refused(pipeline: Pipeline, expected: list[str], folder: Path) -> None:
    (folder / "work").mkdir()
    path = folder / "pipeline.yaml"
    path.write_text(yaml.safe_dump(pipeline))
    before = sorted(folder.rglob("*"))
    done, seconds = sparq("run", path, cwd=folder / "work")
    assert done.returncode == 2, done.stderr
    for part in expected:
        assert part in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(folder.rglob("*")) == before
    assert seconds < SECONDS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a list", "a pipeline is a mapping"),
        ("", "this is empty"),
        ("name: [", "is not YAML"),
        ("name: a\nname: b", "'name' is given twice"),
    ],
)
def test_file_that_is_no_pipeline(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(text)
    done, _ = sparq("check", path, cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert expected in done.stderr


def test_missing_pipeline_file_points_to_init(tmp_path: Path) -> None:
    done, _ = sparq("run", "none.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "sparq init" in done.stderr


@pytest.mark.parametrize("override", ["attempts", "=3", "plugins.nothing.with.x=1", "steps.x=1", "steps=[", "nope=1"])
def test_bad_override(sums: Callable[..., Pipeline], tmp_path: Path, override: str) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(yaml.safe_dump(sums()))
    done, _ = sparq("check", path, "--set", override, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert override.partition("=")[0].rpartition(".")[2] in done.stderr


def test_run_folder_of_another_identity(sums: Callable[..., Pipeline], tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(json.dumps(sums(steps=1)))
    assert sparq("run", path, cwd=tmp_path)[0].returncode == 0
    ledger = (tmp_path / "runs" / "sums" / "sparq.db").read_bytes()
    done, _ = sparq("run", path, "--resume", "--set", "attempts.k=9", "--set", "seed=2", cwd=tmp_path)
    assert done.returncode == 2
    assert "attempts.k: 8 → 9" in done.stderr
    assert "seed: 1 → 2" in done.stderr
    assert "--out" in done.stderr
    assert (tmp_path / "runs" / "sums" / "sparq.db").read_bytes() == ledger


def test_run_folder_that_holds_a_run_needs_resume(sums: Callable[..., Pipeline], tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(json.dumps(sums(steps=1)))
    assert sparq("run", path, cwd=tmp_path)[0].returncode == 0
    done, _ = sparq("run", path, cwd=tmp_path)
    assert done.returncode == 2
    assert "--resume" in done.stderr


def test_folder_with_other_files_is_refused(sums: Callable[..., Pipeline], tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("precious")
    path = tmp_path / "pipeline.yaml"
    path.write_text(json.dumps(sums(steps=1)))
    done, _ = sparq("run", path, "--out", tmp_path / "full", cwd=tmp_path)
    assert done.returncode == 2
    assert sorted(p.name for p in (tmp_path / "full").iterdir()) == ["thesis.txt"]
