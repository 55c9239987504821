"""The pages of every public type and helper, made from the code; `make_reference` writes them."""

import ast
import inspect
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from importlib import import_module
from types import ModuleType
from typing import TypeGuard

from msgspec import Struct

import sparq_core
import sparq_pytest
import sparq_sandbox
from sparq_core import hookspecs, reward, testing
from sparq_core.hookspecs import HOOKS

Function = ast.FunctionDef | ast.AsyncFunctionDef
LONGEST_SOURCE = 100
"""Characters of what a name stands for that the page shows."""
GROUPS = {
    "What hooks exchange": ["contract.records"],
    "Models": ["contract.sampling", "contract.vocabulary", "pipeline.inner"],
    "Attempts": ["contract.policy"],
    "Niches": ["contract.niches"],
    "The run and its ledger": ["contract.run", "ledger.reader", "contract.tally", "ledger.intervals", "publish.pairs"],
    "Events": ["contract.events"],
    "Options": ["contract.config", "pipeline.file"],
    "Prompts and answers": ["contract.templates", "contract.answers", "contract.texts"],
    "Files and weights": [
        "contract.files",
        "ledger.outputs",
        "contract.weights",
        "contract.model_files",
        "contract.hub",
    ],
    "Randomness and processes": [
        "contract.randomness",
        "contract.curriculum",
        "contract.workers",
        "contract.descendants",
    ],
    "Marks and errors": ["hookspecs", "contract.errors"],
}
"""Where the public names stand, in the order of the page; the test of the page finds a name that is nowhere."""

REWARDS = ("trl", "verl", "openrlhf", "skyrl", "verifiers", "inspect")
"""The trainers that have a file of their own in `sparq_core.reward`."""


def names_page() -> Iterator[str]:
    """The page of every public type and helper."""
    yield "# Types and helpers\n\n<!-- made by docs/make_reference.py -->\n"
    yield "Every public name: what hooks exchange, what they are handed, and what helps to answer them. Those of `sparq_core`"
    yield "are written `import sparq_core as sparq`, then `sparq.Problem`. Records are frozen: to change one, make another"
    yield "(`msgspec.structs.replace`). A field without a default must be given.\n"
    for title, modules in GROUPS.items():
        yield f"## {title}\n"
        for module in modules:
            yield from _names(sparq_core, f"sparq_core.{module}")
    yield "## Testing\n\nOf `sparq_core.testing`; with pytest come the fixtures of `sparq_pytest`.\n"
    for module in dict.fromkeys(_homes(testing).values()):
        yield from _names(testing, module)
    yield from _names(sparq_pytest, "sparq_pytest")


def sandbox_page() -> Iterator[str]:
    """The page of the sandbox's public names."""
    yield "# sparq_sandbox\n\n<!-- made by docs/make_reference.py -->\n"
    yield "Every public name of `sparq_sandbox`, which runs programs that nobody trusts. It comes with `sparq-engine`, uses"
    yield "only the standard library and can be used without the engine. Start with the guide,"
    yield "[run code you do not trust](../how_to/run_untrusted_code.md); what it holds and what it does not is in"
    yield "[the sandbox](../explanation/sandbox.md).\n"
    for module in ("sandbox", "records", "confinement"):
        yield from _names(sparq_sandbox, f"sparq_sandbox.{module}")


def reward_page() -> Iterator[str]:
    """The page of what trainers call."""
    yield "# sparq_core.reward\n\n<!-- made by docs/make_reference.py -->\n"
    yield "A pipeline's own verifiers as the reward of a trainer. Start with the guide,"
    yield "[train with the pipeline's own checks as the reward](../how_to/reward.md).\n"
    for module in dict.fromkeys(_homes(reward).values()):
        yield from _names(reward, module)
    for trainer in REWARDS:
        yield f"## sparq_core.reward.{trainer}\n"
        module = f"sparq_core.reward.{trainer}"
        yield from _named(module, _public(module))


def _public(home: str) -> set[str]:
    """The functions and classes that a module defines for others."""
    body = ast.parse(inspect.getsource(import_module(home))).body
    defined = (node.name for node in body if isinstance(node, ast.ClassDef | Function))
    return {name for name in defined if not name.startswith("_")}


def _homes(package: ModuleType) -> dict[str, str]:
    """The names that a package hands on, each with the module it is from."""
    tree = ast.parse(inspect.getsource(package))
    taken = [
        (node.module, alias.name) for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    return {name: str(module) for module, name in taken if name in package.__all__}


def _names(package: ModuleType, home: str) -> Iterator[str]:
    """The names of a package that one module defines, in its order."""
    yield from _named(home, {name for name, where in _homes(package).items() if where == home} or set(package.__all__))


def _named(home: str, wanted: AbstractSet[str]) -> Iterator[str]:
    """Names that a module defines, in its order."""
    module = import_module(home)
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ClassDef) and node.name in wanted:
            yield from _class(node, getattr(module, node.name))
        elif isinstance(node, Function) and node.name in wanted:
            yield f"### {node.name}\n\n```text\n{_call(node)}\n```\n\n{_said(node)}\n"
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            name = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
            if name in wanted:
                yield f"### {name}\n\n{_alias(node, _below(module, node))}\n"


def _alias(node: ast.Assign | ast.AnnAssign, meaning: str) -> str:
    source = ast.unparse(node.value) if node.value else ""
    return f"{meaning}\n\nIt is `{source}`.\n".strip() if len(source) < LONGEST_SOURCE else meaning


def _below(module: ModuleType, node: ast.stmt) -> str:
    """The string that stands under an assignment of a module."""
    body = ast.parse(inspect.getsource(module)).body
    at = next(i for i, each in enumerate(body) if each.lineno == node.lineno)
    following = body[at + 1] if at + 1 < len(body) else None
    constant = following.value if isinstance(following, ast.Expr) else None
    return inspect.cleandoc(str(constant.value)) if isinstance(constant, ast.Constant) else ""


def _call(node: Function) -> str:
    """A function as it is called, with types; of a method without its first argument."""
    arguments = ast.unparse(node.args).removeprefix("self, ").removeprefix("cls, ")
    given = "" if arguments in {"self", "cls"} else arguments
    call = f"{node.name}({given}) -> {ast.unparse(node.returns) if node.returns else 'None'}"
    waited = "await " if isinstance(node, ast.AsyncFunctionDef) else ""
    return waited + re.sub(r"(=?)'([^']*)'", lambda m: m[0] if m[1] else m[2], call)


def _said(node: ast.ClassDef | Function) -> str:
    return inspect.cleandoc(ast.get_docstring(node) or "")


def _class(node: ast.ClassDef, kind: type) -> Iterator[str]:
    """A class's meaning, its fields with theirs, who gives and takes it, and what can be asked of it."""
    yield f"### {node.name}\n\n{_said(node)}\n"
    yield " ".join(filter(None, [_made(node, kind), *_exchanged(node.name)])) + "\n"
    if node.name == "Pipeline":
        yield "Its settings are those of [the pipeline file](pipeline.md).\n"
        return
    fields = [n for n in node.body if isinstance(n, ast.AnnAssign)]
    if fields:
        yield "| field | type | default | meaning |\n|---|---|---|---|"
    for field in fields:
        kind_of_field = ast.unparse(field.annotation)
        meaning = _said_below(node, field)
        if described := _description(field.annotation):
            kind_of_field = kind_of_field.removeprefix("Annotated[").partition(", Meta(")[0]
            meaning = meaning or described
        default = f"`{ast.unparse(field.value)}`".replace("field(default_factory=dict)", "{}") if field.value else ""
        escaped = kind_of_field.replace("|", "\\|")
        yield f"| `{ast.unparse(field.target)}` | `{escaped}` | {default} | {' '.join(meaning.split())} |"
    yield ""
    for method in filter(_is_public, node.body):
        asked = any(ast.unparse(d) == "property" for d in method.decorator_list)
        call = f"{method.name}: {ast.unparse(method.returns)}" if asked and method.returns else _call(method)
        call = call.replace("__call__", node.name.lower(), 1)
        call = call.replace("__init__", node.name).removesuffix(" -> None") if method.name == "__init__" else call
        yield f"- `{call}`: {' '.join(_said(method).split())}".rstrip(": ")
    yield ""


def _is_public(node: ast.stmt) -> TypeGuard[Function]:
    """Whether it is a method to be called by others: the constructor and the call are such where they say what they take."""
    if not isinstance(node, Function):
        return False
    return bool(ast.get_docstring(node)) if node.name in {"__init__", "__call__"} else not node.name.startswith("_")


def _description(annotation: ast.expr) -> str:
    """What `Meta(description=…)` says in an annotation."""
    said = [node.value for node in ast.walk(annotation) if isinstance(node, ast.keyword) and node.arg == "description"]
    return str(ast.literal_eval(said[0])) if said else ""


def _made(node: ast.ClassDef, kind: type) -> str:
    """How one is made."""
    if is_dataclass(kind):
        return "Its fields are given by keyword only." if all(field.kw_only for field in fields(kind)) else ""
    if issubclass(kind, Struct):
        return "Its fields are given by keyword only." if any(k.arg == "kw_only" for k in node.keywords) else ""
    return "A protocol: any object will do that has these." if getattr(kind, "_is_protocol", False) else ""


def _exchanged(name: str) -> Iterator[str]:
    """Which hooks take and give a record, and which records hold it."""
    word = re.compile(rf"\b{name}\b")
    specs = [getattr(hookspecs, hook) for hook in HOOKS]
    takes = [
        s.__name__
        for s in specs
        if any(word.search(str(p.annotation)) for p in inspect.signature(s).parameters.values())
    ]
    gives = [s.__name__ for s in specs if word.search(str(inspect.signature(s).return_annotation))]
    public = [getattr(sparq_core, each) for each in sparq_core.__all__]
    holds = [
        each.__name__
        for each in public
        if isinstance(each, type)
        and each.__name__ != name
        and any(word.search(str(kind)) for kind in vars(each).get("__annotations__", {}).values())
    ]
    for what, names in (("Hooks that take it", takes), ("Hooks that give it", gives), ("Part of", holds)):
        if names:
            yield f"{what}: {', '.join(f'`{each}`' for each in names)}."


def _said_below(node: ast.ClassDef, field: ast.AnnAssign) -> str:
    """The string that stands under a field."""
    following = node.body[node.body.index(field) + 1 :][:1]
    below = following[0] if following else None
    return str(below.value.value) if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) else ""
