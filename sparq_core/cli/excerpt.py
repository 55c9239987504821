"""
Of `templates/hooks.py` the methods of some hooks, with what they use and no more.

A part is a method, an option, an attribute that `__init__` sets, or what stands at the top: a constant, a class, a function.
The parts that nothing needs are left out; what is left is the text as it stands, with names and docstrings of its own.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from sparq_core import hookspecs
from sparq_core.contract.errors import PipelineError

WIDTH = 120
OWN = "self."
OPTION = "self._config."
ATTRIBUTE = "describes"
"""What the engine reads of a plugin that describes."""
ALWAYS = frozenset({"Annotated", "Meta", "Struct", "sparq"})

THEIRS = (
    "from msgspec import Meta, Struct\n\nimport sparq_core as sparq\n",
    "import sparq_core as sparq\nfrom msgspec import Meta, Struct\n",
)
"""In the template the engine is its own project, in what is written a dependency as any other."""

Part = tuple[str, ast.stmt]
"""The name under which others use it, and where it stands."""


def excerpt(source: str, hooks: Sequence[str], names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    """
    The source of a module that answers these hooks.

    `names` replace those of classes; `texts` are the docstrings of classes, and under the empty name that of the module.
    """
    tree = ast.parse(source)
    parts = list(_parts(tree))
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {alias.asname or alias.name for node in imports for alias in node.names}
    if taken := ({name for name, _ in parts} | imported) & set(names.values()):
        raise PipelineError(f"the new module has another {min(taken)}; give the plugin another name")
    needed = _needed(parts, hooks)
    page = _Page(source)
    for name, node in parts:
        if name not in needed:
            page.put(node, None)
    for node in imports:
        page.put(node, _imports(node, needed))
    for told, text in _documented(tree, hooks, texts):
        page.put(told, text)
    return page.text(names)


class _Page:
    """The lines of a source, of which some are replaced."""

    def __init__(self, source: str) -> None:
        self._lines: list[str | None] = list(source.splitlines())

    def put(self, node: ast.stmt, text: str | None) -> None:
        """Let a text, or nothing at all, stand where a statement did."""
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
        self._lines[first - 1 : node.end_lineno] = [text, *[None] * ((node.end_lineno or first) - first)]

    def text(self, names: Mapping[str, str]) -> str:
        """What is left, with the blank lines that the formatter wants."""
        text = "\n".join(line for line in self._lines if line is not None)
        for old, new in names.items():
            text = re.sub(rf"\b{old}\b", new, text)
        text = text.replace(*THEIRS)
        text = re.sub(r"\n{3,}(?= )", "\n\n", text)
        text = re.sub(r"\n{3,}(?=\w)", "\n\n", text)
        return re.sub(r"\n+(?=(?:class|def) )", "\n\n\n", text).strip() + "\n"


def _parts(tree: ast.Module) -> Iterator[Part]:
    for node in tree.body:
        if not (isinstance(node, ast.ClassDef) and node.name in {"Plugin", "Config"}):
            yield from ((name, node) for name in _bound(node))
            continue
        owner = OWN if node.name == "Plugin" else OPTION
        for member in node.body:
            if isinstance(member, ast.FunctionDef) and member.name == "__init__":
                yield from ((ast.unparse(one.target), one) for one in member.body if isinstance(one, ast.AnnAssign))
            else:
                yield from ((owner + name, member) for name in _bound(member))


def _bound(node: ast.stmt) -> list[str]:
    """The names that a statement gives."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    if isinstance(node, ast.AnnAssign):
        return [ast.unparse(node.target)]
    return [ast.unparse(target) for target in node.targets] if isinstance(node, ast.Assign) else []


def _needed(parts: Sequence[Part], hooks: Sequence[str]) -> set[str]:
    """The parts that these hooks need, and all names in them."""
    known = dict(parts)
    needed: set[str] = set(ALWAYS)
    left = [f"{OWN}{hook}" for hook in hooks]
    left += [f"{OWN}{ATTRIBUTE}"] if hookspecs.describe.__name__ in hooks else []
    while left:
        name = left.pop()
        if name not in needed:
            needed.add(name)
            inside = ast.walk(known[name]) if name in known else ()
            left += [ast.unparse(node) for node in inside if isinstance(node, ast.Name | ast.Attribute)]
    return needed


def _imports(node: ast.Import | ast.ImportFrom, needed: set[str]) -> str | None:
    node.names = [alias for alias in node.names if (alias.asname or alias.name) in needed]
    return ast.unparse(node) if node.names else None


def _documented(tree: ast.Module, hooks: Sequence[str], texts: Mapping[str, str]) -> Iterator[tuple[ast.stmt, str]]:
    """The docstrings that are replaced, each with the text in its place."""
    yield tree.body[0], f'"""{texts[""]}"""'
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name in texts:
            yield node.body[0], f'    """{texts[node.name]}"""'
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name in hooks:
                    yield method.body[0], contract(method.name, ast.get_docstring(method) or "")


def contract(hook: str, here: str) -> str:
    """The docstring of a hook's method: the contract, then what the method does `here`."""
    said, labelled = (inspect.getdoc(getattr(hookspecs, hook)) or "").rsplit("\n\n", 1)
    lines = re.split(r"\n(?=(?:Called|Answer|Merged|Errors): )", labelled)
    blocks = [
        "\n".join(_wrapped(paragraph) for paragraph in part) for part in (said.split("\n\n"), lines, [f"Here: {here}"])
    ]
    quotes = 'r"""' if "\\" in "".join(blocks) else '"""'
    text = f"{quotes}\n" + "\n\n".join(blocks) + '\n"""'
    return textwrap.indent(text, " " * 8)


def _wrapped(paragraph: str) -> str:
    return textwrap.fill(" ".join(paragraph.split()), WIDTH - 8, break_long_words=False, break_on_hyphens=False)
