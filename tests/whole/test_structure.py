"""How the house is built: layers, heavy imports, documentation of hooks."""

import ast
import json
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import sparq_sandbox
from sparq_core import hookspecs
from sparq_core.hookspecs import HOOKS, ONE_OWNER
from sparq_core.pipeline.discovery import hooks_of, installed

ROOT = Path(__file__).parents[2]
HEAVY = {
    "openai",
    "torch",
    "transformers",
    "vllm",
    "sympy",
    "lm_eval",
    "datasets",
    "trl",
    "peft",
    "math_verify",
    "numpy",
    "pyarrow",
    "ray",
    "wandb",
    "mlflow",
    "tensorboard",
    "trackio",
    "prometheus_client",
}
MAP = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
MAY_IMPORT = {
    room.strip("`/").removesuffix(".py"): set(re.findall(r"`(\w+)`", below))
    for room, below in re.findall(r"^\| (`[\w./]+`) \| .* \| ([^|]+) \|$", MAP, re.MULTILINE)
}
"""The rooms and files of the core, each with those it may import: the table of docs/explanation/architecture.md."""


def imports(path: Path, *, top_level: bool = False) -> set[str]:
    """Modules a file imports, by their first two parts; those under TYPE_CHECKING do not count."""
    tree = ast.parse(path.read_text())
    guarded = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in ast.walk(node)
    }
    nodes = tree.body if top_level else list(ast.walk(tree))
    found = set()
    for node in nodes:
        if node in guarded:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


TESTING = {
    "sparq_pytest": {"sparq_core.testing", "sparq_core.testing.sums", "sparq_core.testing.run_pipeline"},
}
"""Plugins of other programs than ours, each with what it may import besides."""
REWARD = {f"sparq_core.{name}" for name in ("reward", "reward.Reward", "reward.trl", "reward.trl.reward_of")}
"""The reward as users import it, which a trainer of ours takes like any other."""
CORE = sorted((ROOT / "sparq_core").rglob("*.py"))
PLUGINS = sorted(p for p in (ROOT / "plugins").rglob("*.py") if "pretrain" not in p.parts)


@pytest.mark.parametrize("path", CORE, ids=lambda p: str(p.relative_to(ROOT)))
def test_core_imports_no_plugin_and_nothing_heavy(path: Path) -> None:
    tops = {name.split(".")[0] for name in imports(path)}
    allowed = {"pyarrow"} if path.stem in {"dataset", "outputs"} else set()
    assert not tops & (HEAVY - allowed)
    assert not {top for top in tops if top.startswith("sparq_") and top != "sparq_core"}


def test_importing_the_core_loads_nothing_heavy() -> None:
    code = "import sys, sparq_core, sparq_core.cli, sparq_core.testing; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & HEAVY
    assert {name for name in loaded if name.startswith("sparq_")} == {"sparq_core"}


def room_of(module: str) -> str:
    return module.split(".")[1]


def core_imports(path: Path) -> set[str]:
    """The files of the core that a file imports, as `room.file` or the name of a file at the top."""
    files = {".".join(p.relative_to(ROOT).with_suffix("").parts) for p in CORE}
    return {name for name in imports(path) if name in files}


@pytest.mark.parametrize("path", [p for p in CORE if p.name != "__init__.py" or p.parent.name == "cli"], ids=str)
def test_a_room_stands_only_on_those_before_it(path: Path) -> None:
    own = room_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
    assert {room_of(name) for name in core_imports(path)} <= MAY_IMPORT[own] | {own}


def test_the_map_shows_every_room_and_no_arrow_back() -> None:
    rooms = {room_of(".".join(path.relative_to(ROOT).with_suffix("").parts)) for path in CORE} - {"__init__"}
    assert set(MAY_IMPORT) == rooms
    assert len([room for room in rooms if (ROOT / "sparq_core" / room).is_dir()]) == 12
    TopologicalSorter({room: below - {room} for room, below in MAY_IMPORT.items()}).prepare()


def test_no_file_imports_itself_through_others() -> None:
    graph = {".".join(p.relative_to(ROOT).with_suffix("").parts): core_imports(p) for p in CORE}
    TopologicalSorter(graph).prepare()


LIBRARY = "sparq_sandbox"
"""The one package under `plugins/` that others may import: a library, which knows nothing of the engine."""


@pytest.mark.parametrize("path", PLUGINS, ids=lambda p: str(p.relative_to(ROOT)))
def test_plugins_import_only_the_cores_public_names_the_sandbox_and_themselves(path: Path) -> None:
    own = path.relative_to(ROOT / "plugins").parts[0]
    names = imports(path)
    others = {n for n in names if n.startswith("sparq_") and n.split(".")[0] not in {own, "sparq_core"}}
    assert others <= {LIBRARY, *(f"{LIBRARY}.{name}" for name in sparq_sandbox.__all__)}
    assert {n for n in names if n.startswith("sparq_core.")} <= {
        "sparq_core.contract.workers",
        "sparq_core.contract.workers.serve",
        *REWARD,
        *TESTING.get(own, ()),
    }


@pytest.mark.parametrize("path", [p for p in PLUGINS if LIBRARY in p.parts], ids=lambda p: p.name)
def test_the_sandbox_stands_on_the_standard_library_alone(path: Path) -> None:
    assert {name.split(".")[0] for name in imports(path)} <= {LIBRARY, *sys.stdlib_module_names}


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """What loading each plugin brings in, in one process: each by the name it is installed under."""
    code = (
        "import json, sys; from sparq_core.pipeline.discovery import installed; found = {}\n"
        "for name, entry in sorted(installed().items()):\n"
        "    before = set(sys.modules); entry.load(); found[name] = sorted(set(sys.modules) - before)\n"
        "print(json.dumps(found))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name: {module.split(".")[0] for module in modules} for name, modules in json.loads(done.stdout).items()}


@pytest.mark.parametrize("name", sorted(installed()))
def test_plugins_load_without_anything_heavy(loaded: dict[str, set[str]], name: str) -> None:
    assert not loaded[name] & HEAVY


@pytest.mark.parametrize("hook", HOOKS)
def test_hooks_are_documented_in_one_shape(hook: str) -> None:
    doc = getattr(hookspecs, hook).__doc__
    labels = [line.strip().split(":")[0] for line in doc.splitlines() if ":" in line]
    assert [label for label in labels if label in {"Called", "Answer", "Merged", "Errors"}] == [
        "Called",
        "Answer",
        "Merged",
        "Errors",
    ]


def test_every_hook_has_a_customer() -> None:
    answered = {hook for entry in installed().values() for hook in hooks_of(entry.load())}
    assert answered == set(HOOKS)


def test_entry_points_own_at_most_one_one_owner_hook() -> None:
    for entry in installed().values():
        assert len({spec.__name__ for spec in ONE_OWNER} & set(hooks_of(entry.load()))) <= 1


def test_hooks_are_named_by_their_specs_and_called_by_the_cast_alone() -> None:
    """Phases, commands and a finish have the names of hooks, too; all other hooks are never spelt out as text."""
    ours = {"train", "curate", "benchmark", "check", "stop", "policy", "sampler", "audit"}
    spelt = set(HOOKS) - ours
    allowed = {"hookspecs.py", "contract/records.py"}
    for path in CORE:
        texts = {n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant)}
        assert not texts & spelt or str(path.relative_to(ROOT / "sparq_core")) in allowed
