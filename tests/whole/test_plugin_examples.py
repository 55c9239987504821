"""All examples of plugins together: wheels in one environment, listed, tested and run; and two plugins that clash."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from test_distribution import build

from sparq_core import Reader

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.parent for path in (ROOT / "plugin_examples").glob("*/pyproject.toml"))
NEEDS = {"reasoning_gym": "reasoning_gym", "program_answers": "math_verify", "word_count": "math_verify"}
"""What an example, or its pipeline, wants of the environment beside the engine."""
LEARNING = [example for example in EXAMPLES if (example / "learn.yaml").is_file()]
"""Those with a model of their own."""
MOST_LINES = 300
CLASH = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"
[project]
name = "another-word-count"
version = "0.1.0"
[project.entry-points."sparq.plugins"]
{name} = "another_word_count:Another"
[tool.hatch.build.targets.wheel]
packages = ["another_word_count"]
"""
ANOTHER = """\
import sparq_core as sparq

class Another:
    @sparq.hookimpl
    def describe(self, cases):
        return [{"words": 1.0} for _ in cases]
"""

Run = Callable[..., str]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the engine and all examples, from wheels, beside the dependencies that are installed here."""
    folder = tmp_path_factory.mktemp("examples")
    wheels = [build(project, folder / project.name) for project in (ROOT, *EXAMPLES)]
    venv.create(folder / "env", with_pip=False)
    interpreter = folder / "env" / "bin" / "python"
    (site,) = (folder / "env").glob("lib/*/site-packages")
    here = {sysconfig.get_paths()["purelib"], *(path for path in sys.path if path.endswith("site-packages"))}
    (site / "zz_dependencies.pth").write_text("\n".join(sorted(here)), encoding="utf-8")
    install(interpreter, *wheels)
    return interpreter


def install(interpreter: Path, *wheels: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--python", str(interpreter), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--force-reinstall", *map(str, wheels)], check=True, capture_output=True)


@pytest.fixture
def sparq(python: Path, tmp_path: Path) -> Run:
    def run(*arguments: str, code: int = 0, folder: Path = tmp_path) -> str:
        command = [str(python.parent / "sparq"), *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def names(example: Path) -> list[str]:
    """The plugins that an example offers."""
    import tomllib

    project = tomllib.loads((example / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return list(project["entry-points"]["sparq.plugins"])


@pytest.mark.timeout(600)
def test_all_are_listed(sparq: Run) -> None:
    listed = sparq("plugins")
    assert len(EXAMPLES) == 6
    assert [name for example in EXAMPLES for name in names(example) if name not in listed] == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_each_passes_its_own_tests_and_runs(example: Path, python: Path, sparq: Run, tmp_path: Path) -> None:
    needed = NEEDS.get(example.name, "yaml")
    if find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed here")
    # Tests and data as a user has them: without the repository around them, so that what is tested is what was installed.
    for path in (*(example / "tests").glob("*.py"), *example.glob("*.jsonl"), *example.glob("*.yaml")):
        copy = tmp_path / path.relative_to(example)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    sparq("run", "pipeline.yaml", "--out", "run")
    sparq("export", "run")
    rows = [json.loads(line) for line in (tmp_path / "run/dataset/export.jsonl").read_text().splitlines()]
    assert rows


@pytest.mark.timeout(600)
@pytest.mark.parametrize("example", LEARNING, ids=lambda path: path.name)
def test_a_domain_with_a_model_writes_verifies_and_trains(example: Path, sparq: Run, tmp_path: Path) -> None:
    if find_spec("trl") is None or find_spec(NEEDS.get(example.name, "yaml")) is None:
        pytest.skip("its dependencies are not installed here")
    pipeline = yaml.safe_load((example / "learn.yaml").read_text(encoding="utf-8"))
    options = {entry["use"]: entry.setdefault("with", {}) for entry in pipeline["plugins"]}
    options["pass-at-n"].update(limit=4, n=2)
    options["sft"].update(max_steps=2)
    shutil.copytree(example / "learn", tmp_path / "learn")
    (tmp_path / "slice.yaml").write_text(yaml.safe_dump({**pipeline, "steps": 1, "batch": 12}), encoding="utf-8")
    sparq("run", "slice.yaml", "--out", "run")
    rows = [json.loads(line) for line in (tmp_path / "run/dataset/round-1.jsonl").read_text().splitlines()]
    assert rows
    with Reader.open(tmp_path / "run") as ledger:
        assert ledger.tally().outcomes["kept"] > 0
        assert len(ledger.scores(0)) == len(ledger.scores(1)) > 0
    trained = (tmp_path / "run/models/round-1/model.safetensors").read_bytes()
    assert trained != (example / "learn/model/model.safetensors").read_bytes()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_each_brings_its_seeds(example: Path, python: Path, sparq: Run, tmp_path: Path) -> None:
    """A pipeline of the user's names what the wheel holds, with nothing of the example beside it."""
    if find_spec(NEEDS.get(example.name, "yaml")) is None:
        pytest.skip(f"{NEEDS[example.name]} is not installed here")
    (site,) = python.parent.parent.glob("lib/*/site-packages")
    brought = site / f"sparq_{example.name}"
    for path in (*example.glob("*.jsonl"), example / "pipeline.yaml"):
        assert (brought / path.name).read_bytes() == path.read_bytes()
    text = (brought / "pipeline.yaml").read_text(encoding="utf-8")
    text = re.sub(
        r"\b(seeds|simulated)\.jsonl(?=}| *$)", rf"package:sparq_{example.name}/\g<0>", text, flags=re.MULTILINE
    )
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    assert sparq("check", "mine.yaml").startswith("ok")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_each_is_small_and_whole(example: Path) -> None:
    domain = [path for path in example.glob("sparq_*/**/*.py") if path.name != "careless.py"]  # a stand-in for a model
    lines = [line for path in domain for line in path.read_text(encoding="utf-8").splitlines()]
    assert 0 < len(lines) < MOST_LINES
    for name in ("README.md", "pipeline.yaml", f"tests/test_{example.name}.py"):
        assert (example / name).is_file()
    assert (example / "seeds.jsonl").is_file() or example.name == "reasoning_gym"  # whose library makes them


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["word-count", "another-count"])
def test_two_that_clash_give_the_documented_error(name: str, python: Path, sparq: Run, tmp_path: Path) -> None:
    project = tmp_path / "another"
    (project / "another_word_count").mkdir(parents=True)
    (project / "pyproject.toml").write_text(CLASH.format(name=name), encoding="utf-8")
    (project / "another_word_count" / "__init__.py").write_text(ANOTHER, encoding="utf-8")
    pipeline = (ROOT / "plugin_examples/word_count/pipeline.yaml").read_text(encoding="utf-8")
    (tmp_path / "pipeline.yaml").write_text(pipeline + f"  - {{use: {name}}}\n", encoding="utf-8")
    (tmp_path / "seeds.jsonl").write_bytes((ROOT / "plugin_examples/word_count/seeds.jsonl").read_bytes())
    install(python, build(project, tmp_path / "wheels"))
    try:
        if name == "word-count":
            said = sparq("check", "pipeline.yaml", code=2)
            assert "two installed packages offer a plugin 'word-count'" in said
            assert "another-word-count 0.1.0" in said
        else:
            said = sparq("run", "pipeline.yaml", code=1)
            assert "word-count" in said
            assert "words" in said
    finally:
        pip = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(python),
            "uninstall",
            "--quiet",
            "--yes",
            "another-word-count",
        ]
        subprocess.run(pip, check=True, capture_output=True)
