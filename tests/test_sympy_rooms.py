"""The rooms of sparq_sympy: which may import which, and where sympy runs."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "plugins" / "sparq_sympy"
FILES = sorted(PACKAGE.rglob("*.py"))
STANDS_ON = {
    "tree": set(),
    "reading": {"tree"},
    "equality": {"tree"},
    "math_verify": set(),
    "grade": {"reading", "tree", "Sympy", "SympyConfig"},
}
"""What of the package a room imports beside itself."""
SYMPY = {"sympy", "math_verify", "latex2sympy2_extended"}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


def imports(path: Path) -> set[str]:
    """Names a file imports, wherever in it, each with its module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{'.' * node.level}{node.module}.{alias.name}" for alias in node.names}
    return found


def rooms_of(names: set[str]) -> set[str]:
    """What of the package is imported: rooms, or names that the package itself offers."""
    return {f"{name}.".split(".")[1] for name in names if f"{name}.".startswith("sparq_sympy.")}


def test_every_folder_is_a_room() -> None:
    assert {room(path) for path in FILES if path.parent != PACKAGE} == set(STANDS_ON)


@pytest.mark.parametrize("path", [p for p in FILES if p.parent != PACKAGE], ids=lambda p: f"{room(p)}/{p.name}")
def test_a_room_stands_on_the_rooms_below(path: Path) -> None:
    names = imports(path)
    assert not {name for name in names if name.startswith(".")}
    assert rooms_of(names) <= {room(path), *STANDS_ON[room(path)]}


def test_nothing_imports_the_command() -> None:
    assert {room(path) for path in FILES if "grade" in rooms_of(imports(path))} == {"grade"}


def test_sympy_runs_in_one_room() -> None:
    users = {room(path) for path in FILES if SYMPY & {name.split(".")[0] for name in imports(path)}}
    assert users == {"math_verify"}


@pytest.mark.parametrize("name", sorted(STANDS_ON))
def test_a_room_hands_no_names_on(name: str) -> None:
    body = ast.parse((PACKAGE / name / "__init__.py").read_text()).body
    assert [type(node) for node in body] == [ast.Expr]
