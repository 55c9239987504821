"""Every block in the documentation is executed; generated pages are up to date; links lead somewhere."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INIT = "sparq init"
WITHOUT_A_MODEL = (
    "sed -i 's/use: hf .*/use: scripted/; s/steps: 100/steps: 3/; s/{tasks: .gsm8k.}/{tasks: [gsm8k]}/; "
    "/- use: sft/,$d' pipeline.yaml"
)
"""After `sparq init`: the starter pipeline, made to run without a download."""


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    yield from BLOCK.findall(page.read_text())


def run(command: list[str], folder: Path) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(folder), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_blocks_run(page: Path, tmp_path: Path) -> None:
    seeds = [{"problem": f"What is {i} + {i + 3}?", "answer": str(2 * i + 3)} for i in range(5, 25)]
    (tmp_path / "seeds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in seeds))
    solution = {"problem": "1 + 1?", "answer": "2", "solution": "#### 2"}
    (tmp_path / "solutions.jsonl").write_text(json.dumps(solution) + "\n")
    for number, (language, text) in enumerate(blocks(page)):
        if language == "bash":
            script = text.replace(INIT, f"{INIT}\n{WITHOUT_A_MODEL}\n:", 1) if INIT in text else text
            run(["bash", "-euo", "pipefail", "-c", script], tmp_path)
        elif language == "python":
            run([sys.executable, "-c", text], tmp_path)
        elif language == "yaml":
            if "use: vllm" in text and importlib.util.find_spec("vllm") is None:
                pytest.skip("needs vLLM; make test-vllm has it")
            (tmp_path / f"block{number}.yaml").write_text(text)
            run(["sparq", "check", f"block{number}.yaml"], tmp_path)
        else:
            assert language in {"console", "text", "toml", "sql"}, f"a {language} block is not executed"


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda p: str(p.relative_to(ROOT)))
def test_make_targets_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^\$ make (\S+)", page.read_text(), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_reference_pages_are_up_to_date(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "docs" / "make_reference.py", tmp_path], check=True)
    for made in tmp_path.iterdir():
        assert (ROOT / "docs" / "reference" / made.name).read_text() == made.read_text(), (
            f"run `make docs`: {made.name}"
        )


NAMES = {
    "sparq_core": "records.md",
    "sparq_core.testing": "records.md",
    "sparq_pytest": "records.md",
    "sparq_sandbox": "sandbox.md",
    "sparq_core.reward": "reward.md",
}
"""Packages of public names, each with its page."""


@pytest.mark.parametrize("package", NAMES)
def test_the_reference_has_every_public_name(package: str) -> None:
    page = (ROOT / "docs" / "reference" / NAMES[package]).read_text()
    told = re.findall(r"^### (\w+)$", page, re.MULTILINE)
    assert set(importlib.import_module(package).__all__) - set(told) == set()
    assert len(told) == len(set(told))


@pytest.mark.parametrize("name", sorted(set(NAMES.values())))
def test_the_reference_says_what_each_name_is_for(name: str) -> None:
    page = (ROOT / "docs" / "reference" / name).read_text()
    sections = re.split(r"^### ", page, flags=re.MULTILINE)[1:]
    assert [s.splitlines()[0] for s in sections if not re.search(r"^[A-Z`].*[.:]$", s, re.MULTILINE)] == []
    assert re.findall(r"^\| .* \|  \|$", page, re.MULTILINE) == []
    assert re.findall(r"^- `\w+[^`]*`$", page, re.MULTILINE) == []
