"""`sparq new-plugin` and `sparq new-domain`: what they write is a good distribution as it stands, for every hook."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from runs import sparq_command

from sparq_core import hookspecs
from sparq_core.cli.new_domain import new_domain
from sparq_core.cli.new_plugin import new_plugin
from sparq_core.cli.scaffold import LONGEST, range_of_today
from sparq_core.contract.errors import PipelineError
from sparq_core.hookspecs import HOOKS

LONG, SHORT = "z" * LONGEST, "a"
SEVERAL = [*("verify", "describe", "propose", "screen", "check", "admit", "load_seeds", "select"), "observe"]


def names() -> dict[str, list[str]]:
    """The distributions that are written, each with the hooks it answers."""
    return {**{f"only-{hook.replace('_', '-')}": [hook] for hook in HOOKS}, LONG: SEVERAL, SHORT: ["policy", "stop"]}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plugin for every hook, two with several, and domains of a short and a long name."""
    folder = tmp_path_factory.mktemp("written")
    for name, hooks in names().items():
        options = [part for hook in hooks for part in ("--hook", hook)]
        CliRunner().invoke(new_plugin, [name, "--to", str(folder / name), *options], catch_exceptions=False)
    for name in ("b", "y" * LONGEST):
        CliRunner().invoke(new_domain, [name, "--to", str(folder / name)], catch_exceptions=False)
    return folder


@pytest.fixture(scope="module")
def installed(written: Path) -> Path:
    """Where all of them are installed together."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target"]
    projects = [str(path.parent) for path in written.glob("*/pyproject.toml")]
    subprocess.run([*command, str(written / "site"), *projects], check=True, capture_output=True)
    return written / "site"


def run(command: list[str], folder: Path, site: Path | None = None) -> str:
    there = {"PYTHONPATH": str(site)} if site else {}
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1", **there},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_is_written_is_linted_and_formatted_as_its_own_settings_say(written: Path) -> None:
    assert len(list(written.glob("*/pyproject.toml"))) == len(HOOKS) + 4
    ruff = shutil.which("ruff", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert ruff
    run([ruff, "check", "."], written)
    run([ruff, "format", "--check", "."], written)


@pytest.mark.timeout(300)
def test_what_is_written_passes_its_own_tests(written: Path, installed: Path) -> None:
    tests = [str(path) for path in written.glob("*/tests")]
    told = run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *tests], written, installed
    )
    assert f"{2 * (len(HOOKS) + 2) + 2 * 11} passed" in told


@pytest.mark.timeout(300)
def test_what_is_written_is_typed_strictly(written: Path, installed: Path) -> None:
    projects = [path.parent for path in written.glob("*/pyproject.toml")]
    files = [str(path) for project in projects for path in (*project.glob("sparq_*"), *project.glob("tests/*.py"))]
    settings = ["--config-file", str(written / "only-verify" / "pyproject.toml"), "--python-executable", sys.executable]
    assert "no issues found" in run([sys.executable, "-m", "mypy", *settings, *files], written, installed)


def test_what_is_written_is_typed_for_pyright(written: Path) -> None:
    checked = [str(Path(sys.executable).with_name("basedpyright")), "--pythonpath", sys.executable]
    for name in (LONG, "b"):
        settings = {"typeCheckingMode": "strict", "exclude": ["tests"]}
        (written / name / "pyrightconfig.json").write_text(json.dumps(settings))
        assert "0 errors" in run(checked, written / name)


def test_a_domain_brings_its_seeds(installed: Path, tmp_path: Path) -> None:
    """It is run from what was installed, with nothing of its folder."""
    for name in ("seeds.jsonl", "simulated.jsonl"):
        assert (installed / "sparq_b" / name).is_file()
    text = (installed / "sparq_b" / "pipeline.yaml").read_text(encoding="utf-8")
    for name in ("path: seeds.jsonl", "problems: simulated.jsonl"):
        assert name in text
        text = text.replace(name, name.replace(": ", ": package:sparq_b/"))
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "sparq_core.cli"]
    run([*command, "run", "mine.yaml", "--out", "run"], tmp_path, installed)
    run([*command, "export", "run"], tmp_path, installed)
    assert (tmp_path / "run/dataset/export.jsonl").read_text()


def test_pipelines_that_are_written_are_good(written: Path, installed: Path) -> None:
    for project in ["only-describe", "only-verify", "only-train", "only-sampler", LONG, "b"]:
        told = run([sys.executable, "-m", "sparq_core.cli", "check", "pipeline.yaml"], written / project, installed)
        assert told.startswith("ok"), told


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hooks_contract_is_its_docstring(written: Path, hook: str) -> None:
    name = f"only-{hook.replace('_', '-')}"
    module = (written / name / f"sparq_{name.replace('-', '_')}" / "__init__.py").read_text()
    assert " ".join((getattr(hookspecs, hook).__doc__ or "?").split()) in " ".join(module.split())


def test_nothing_that_is_there_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for command in ("new-plugin", "new-domain"):
        told = sparq_command(command, "word", "--to", str(tmp_path / "mine"), code=2)
        assert "mine: already exists; choose another folder with --to" in told
    (tmp_path / "file").write_text("mine")
    assert "already exists" in sparq_command("new-plugin", "word", "--to", str(tmp_path / "file"), code=2)
    assert (tmp_path / "file").read_text() == "mine"
    assert not list((tmp_path / "mine").iterdir())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["Word_Count"], "a plugin name starts with a letter and has lower-case letters, digits and single hyphens"),
        (["../word"], "a plugin name starts with a letter"),
        (["z" * (LONGEST + 1)], "at most 28"),
        (["sympy"], "has a plugin of this name; choose another"),
        (["random", "--hook", "select"], "the new module has another Random; give the plugin another name"),
        (
            ["word", "--hook", "select", "--hook", "curate"],
            "may implement only one of select and curate; write two plugins",
        ),
        (["word", "--hook", "descrbe"], "descrbe"),
    ],
)
def test_what_cannot_be_written_is_told(tmp_path: Path, arguments: list[str], told: str) -> None:
    assert told in sparq_command("new-plugin", *arguments, "--to", str(tmp_path / "new"), code=2)
    assert not (tmp_path / "new").exists()


def test_companions_come_along(tmp_path: Path) -> None:
    told = sparq_command("new-plugin", "word", "--hook", "select", "--to", str(tmp_path / "new"))
    assert "a plugin that implements select, commit" in told


@pytest.mark.parametrize(
    ("version", "range"), [("0.1.0", ">=0.1,<0.2"), ("0.12.3", ">=0.12,<0.13"), ("1.4.0", ">=1.4,<2")]
)
def test_the_engines_range_is_that_of_the_policy(version: str, range: str) -> None:
    assert range_of_today(version) == range


def test_a_name_that_is_taken_is_refused_in_process() -> None:
    with pytest.raises(PipelineError, match=r"sparq-engine .* has a plugin"):
        CliRunner().invoke(new_domain, ["sympy"], catch_exceptions=False)
