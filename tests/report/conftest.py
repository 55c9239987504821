"""The runs that tests of reports and of the viewer look at."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from browsers import CHROMIUM
from hostile_texts import TEXTS

from sparq_core.testing import Ran, run_pipeline

EXACT_TEXT = Path(__file__).parents[2] / "plugin_examples" / "exact_text"
HOSTILE = """
import json
from pathlib import Path
import sparq_core as sparq
NAMED = json.loads(Path(__file__).with_name("texts.json").read_text())
TEXTS, BIDI, HTML = list(NAMED.values()), NAMED["bidi"], NAMED["HTML"]


class Sampler:
    deterministic, digest, slots = True, "hostile", None

    def sample(self, requests):
        return [[self._complete(request, request.seed + j) for j in range(request.n)] for request in requests]

    def close(self):
        pass

    def _complete(self, request, seed):
        text = TEXTS[seed % len(TEXTS)]
        if "Write a novel" in request.messages[-1].content and seed % 3:
            text = f"<problem>{seed} {text}</problem><solution>{text} \\\\boxed{{{text[:200]}}}</solution>"
        return sparq.Completion(text=text, finish="stop", tokens=3)


class Loud:
    describes = ("skills",)

    @sparq.hookimpl
    def sampler(self):
        return Sampler()


class Judge:
    describes = ("skills", *(text for text in TEXTS if text.strip()))

    @sparq.hookimpl
    def screen(self, children):
        return [TEXTS[len(c.statement) % len(TEXTS)] or None if len(c.statement) % 5 == 0 else None for c in children]

    @sparq.hookimpl
    def verify(self, trials):
        texts = [TEXTS[trial.attempt.seed % len(TEXTS)] for trial in trials]
        values = ["correct" if trial.attempt.k == 0 else "incorrect" for trial in trials]
        return [sparq.Verdict(value=v, reason=text, answer=text) for v, text in zip(values, texts)]

    @sparq.hookimpl
    def describe(self, cases):
        return [{"skills": [TEXTS[i % 7], BIDI, HTML]} for i, _ in enumerate(cases)]

    @sparq.hookimpl
    def commit(self, step):
        return {text or "none": 1.0 for text in TEXTS}

    @sparq.hookimpl
    def benchmark(self):
        return [sparq.Score(task=text, item=f"{text}/1", value=1.0) for text in TEXTS]
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, as playwright drives it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run of several operators with problems of every kind: unread, duplicate, disputed, out of band, kept."""
    folder = tmp_path_factory.mktemp("mixed")
    seeds = [{"problem": f"What is {i} + {i + 3}?", "answer": str(2 * i + 3)} for i in (5, 17, 41)]
    (folder / "seeds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in seeds))
    operators = {"mutate": {"weight": 2}, "harder": {}, "crossover": {}}
    pipeline: dict[str, Any] = {
        "name": "mixed",
        "seed": 1,
        "steps": 20,
        "batch": 12,
        "models": {"student": {"use": "scripted", "model": "sums"}},
        "attempts": {"k": 8},
        "plugins": [
            {"use": "jsonl-seeds", "with": {"path": "seeds.jsonl"}},
            {"use": "dynamic-uniform"},
            {"use": "mutate", "with": {"operators": operators}},
            {"use": "duplicates"},
            {"use": "sympy"},
            {"use": "band", "with": {"disputed": 0.5}},
            {"use": "skills"},
            {"use": "curate-band"},
        ],
    }
    return run_pipeline(pipeline, folder)


@pytest.fixture
def hostile(tmp_path: Path) -> Ran:
    """A run whose model and plugins say all hostile texts, a megabyte of markup among them, in every place there is."""
    texts = {**TEXTS, "megabyte": "<b onclick=alert(1)>&\u202e" * 45_000}
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    (tmp_path / "loud.py").write_text(HOSTILE)
    seeds = [
        {"problem": f"What is {i} + 1? {text[:500]}", "answer": text[:500]} for i, text in enumerate(texts.values())
    ]
    (tmp_path / "seeds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in seeds))
    pipeline: dict[str, Any] = {
        "name": "hostile",
        "seed": 1,
        "steps": 3,
        "batch": 40,
        "models": {"student": {"use": "./loud.py:Loud", "model": "m"}},
        "attempts": {"k": 4},
        "plugins": [
            {"use": "jsonl-seeds", "with": {"path": "seeds.jsonl"}},
            {"use": "static-uniform"},
            {"use": "mutate"},
            {"use": "./loud.py:Judge"},
            {"use": "band"},
            {"use": "curate-band"},
        ],
    }
    return run_pipeline(pipeline, tmp_path)


@pytest.fixture
def of_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """The run of `plugin_examples/exact_text`: questions and short answers in words, niches of topics."""
    folder = tmp_path / "of_texts"
    shutil.copytree(EXACT_TEXT, folder)
    monkeypatch.syspath_prepend(EXACT_TEXT)
    (folder / "exact.py").write_text("from sparq_exact_text import ExactText\n")
    pipeline = yaml.safe_load((folder / "pipeline.yaml").read_text())
    for plugin in pipeline["plugins"]:
        plugin["use"] = {"exact-text": "./exact.py:ExactText"}.get(plugin["use"], plugin["use"])
    return run_pipeline(pipeline, folder)


@pytest.fixture
def empty(sums: Callable[..., Any], tmp_path: Path) -> Ran:
    """A run that has its seeds and nothing else."""
    folder = tmp_path / "empty"
    folder.mkdir()
    return run_pipeline(sums(rounds=0), folder)
