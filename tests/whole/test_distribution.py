"""The stranger's door: wheels, a clean environment, a plugin that is a distribution of its own."""

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

VERIFIER = """
import sparq_core as sparq

class Same:
    @sparq.hookimpl
    def verify(self, trials):
        answers = [sparq.last_boxed(t.attempt.text) for t in trials]
        return [
            sparq.Verdict(value="correct" if a == t.problem.answer else "incorrect", answer=a)
            for a, t in zip(answers, trials)
        ]
"""

PIPELINE = {
    "name": "words",
    "steps": 4,
    "batch": 4,
    "models": {"student": {"use": "scripted", "model": "sums"}},
    "attempts": {"k": 8},
    "plugins": [
        {"use": "jsonl-seeds", "with": {"path": "seeds.jsonl"}},
        {"use": "map-elites", "with": {"niches": {"words": {"bins": 12, "low": 0, "high": 60}}}},
        {"use": "mutate"},
        {"use": "./same.py:Same"},
        {"use": "word-count"},
    ],
}


def build(project: Path, to: Path) -> Path:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(to), str(project)]
    subprocess.run(command, check=True, capture_output=True)
    return max(to.glob("*.whl"), key=lambda path: path.stat().st_mtime_ns)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with our two wheels, the core's dependencies, and nothing else."""
    folder = tmp_path_factory.mktemp("clean")
    wheels = [build(ROOT, folder), build(ROOT / "plugin_examples" / "word_count", folder)]
    venv.create(folder / "env", with_pip=True)
    pip = [
        folder / "env" / "bin" / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--constraint",
        ROOT / "constraints.txt",
    ]
    subprocess.run([str(part) for part in [*pip, *wheels]], check=True, capture_output=True)
    return folder / "env" / "bin" / "sparq"


@pytest.mark.timeout(300)
def test_an_installed_plugin_is_found_and_used(clean: Path, tmp_path: Path) -> None:
    def sparq(*arguments: str, code: int = 0) -> str:
        done = subprocess.run([str(clean), *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    listed = sparq("plugins")
    assert "word-count" in listed
    assert "sparq-word-count 0.1.0" in listed
    assert '"word-count"' in sparq("schema")
    sparq("new-domain", "letters", "--to", "letters")
    sparq("new-plugin", "words", "--to", "words")
    assert sparq("check", "letters/pipeline.yaml", code=2).count("no plugin named 'letters' is installed") == 1
    assert (tmp_path / "words" / "sparq_words" / "py.typed").exists()
    (tmp_path / "seeds.jsonl").write_text('{"problem": "What is 12 + 7?", "answer": "19"}\n')
    (tmp_path / "same.py").write_text(VERIFIER)
    (tmp_path / "words.yaml").write_text(json.dumps(PIPELINE))
    sparq("run", "words.yaml")
    sparq("export", "runs/words")
    rows = [json.loads(line) for line in (tmp_path / "runs/words/dataset/export.jsonl").read_text().splitlines()]
    assert rows
    assert all(row["words"] == len(row["problem"].split()) for row in rows)
    import sparq_core

    with sparq_core.Reader.open(tmp_path / "runs" / "words") as ledger:
        assert {value for (value,) in ledger.query("SELECT value FROM descriptor WHERE key = 'words'")} == {"5.0"}
    without = json.dumps({**PIPELINE, "plugins": [*PIPELINE["plugins"], {"use": "sympy"}]})  # type: ignore[misc] # a list
    (tmp_path / "sympy.yaml").write_text(without)
    assert "pip install 'sparq-engine[sympy]'" in sparq("check", "sympy.yaml", code=2)
