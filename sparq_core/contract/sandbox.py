"""The sandbox that templates are rendered in: what a slip makes endless or huge is an error instead."""

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, cast

from jinja2 import Template, TemplateRuntimeError, Undefined, nodes
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from jinja2.visitor import NodeTransformer

MOST_TURNS, MOST_CHARACTERS = 1_000_000, 10_000_000
"""Turns of all loops and calls of one rendering, and characters of any text in it."""
CALL = 20
"""Turns that a call counts for: it takes as long."""
_EACH, _JOINED = "each, counted", "joined, measured"
"""Filters of our own; no template can spell their names."""
_WIDE = re.compile(r"\d{6,}|\*")
"""A width in a format that makes a long text of a short one."""
_MULTIPLYING = {"replace", "join", "expandtabs", "indent"}
"""What makes a text as long as the product of what it is given."""


class TooMuchError(TemplateRuntimeError):
    """A template goes on, or writes, beyond all that a prompt could be."""


class Sandbox(SandboxedEnvironment):
    """Jinja's sandbox, with bounds on turns, calls, powers, and on the lengths of texts and lists."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, undefined: type[Undefined]) -> None:
        super().__init__(undefined=undefined, keep_trailing_newline=False, autoescape=False)
        self._spent = threading.local()
        self.filters = {name: _bounded(f) for name, f in self.filters.items()} | {
            _EACH: self._each,
            _JOINED: lambda parts: _measured("".join(map(str, parts))),
        }

    def template(self, text: str) -> Template:
        """A template compiled with its bounds."""
        return self.from_string(_Bounds().visit(self.parse(text)))

    def rendered(self, template: Template, **names: Any) -> str:
        """A template with its names filled in."""
        self._spent.turns = size = 0
        parts = []
        for part in template.generate(**names):
            parts.append(part)
            size += len(part)
            if size > MOST_CHARACTERS:
                raise TooMuchError(f"it writes more than {MOST_CHARACTERS:,} characters")
        return "".join(parts)

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        self._turn(CALL)
        method = getattr(function, "__wrapped__", function)
        _refuse_large(method, (getattr(method, "__self__", None), *args, *kwargs.values()))
        return _measured(super().call(context, function, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**":
            _refuse(_bits(left) * _size(right) > MOST_TURNS, "a power")
        elif operator == "*":
            _refuse(_bits(left) + _bits(right) > MOST_TURNS, "a product")
            _refuse(_is_long(left) != _is_long(right) and _size(left) * _size(right) > MOST_CHARACTERS, "a repetition")
        elif operator == "%" and isinstance(left, str):
            _refuse(_WIDE.search(left) is not None, "a format")
        elif operator == "+" and _is_long(left) and _is_long(right):
            _refuse(_size(left) + _size(right) > MOST_CHARACTERS, "a sum")
        return super().call_binop(context, operator, left, right)

    def _each(self, values: Iterable[Any]) -> Iterator[Any]:
        for value in values:
            self._turn()
            yield value

    def _turn(self, turns: int = 1) -> None:
        self._spent.turns = getattr(self._spent, "turns", 0) + turns
        if self._spent.turns > MOST_TURNS:
            raise TooMuchError(f"its loops and calls come to more than {MOST_TURNS:,} turns")


class _Bounds(NodeTransformer):
    """Puts the counting of turns and of characters into a template."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 -- as Jinja names it
        self.generic_visit(node)
        node.iter = _filtered(node.iter, _EACH)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 -- as Jinja names it
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), _JOINED)


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(cast("nodes.Expr", node), name, [], [], None, None, lineno=node.lineno)


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        _refuse_large(function, (*args, *kwargs.values()))
        return _measured(function(*args, **kwargs))

    return bounded


def _refuse_large(function: Any, values: tuple[Any, ...]) -> None:
    """TooMuchError for what would make a call of a function endless, or its answer huge."""
    name = str(getattr(function, "__name__", "")).removeprefix("do_").removeprefix("safe_")
    _refuse(any(isinstance(v, int) and _size(v) > MOST_TURNS for v in values), f"what '{name}' is given")
    if name in {"format", "format_map"}:
        _refuse(any(isinstance(v, str) and _WIDE.search(v) for v in values[:1]), "a format")
    if name in _MULTIPLYING:
        *_, one, other = sorted([1, 1, *map(_size, values)])
        _refuse(one * other > 10 * MOST_CHARACTERS, f"what '{name}' makes")


def _measured(value: Any) -> Any:
    _refuse(isinstance(value, str) and len(value) > MOST_CHARACTERS, "a text")
    return value


def _refuse(too_large: bool, what: str) -> None:
    if too_large:
        raise TooMuchError(f"{what} in it is larger than any prompt")


def _is_long(value: Any) -> bool:
    return isinstance(value, str | list | tuple)


def _size(value: Any) -> int:
    """The length of a text or list, a whole number itself, nothing else has one."""
    return len(value) if _is_long(value) else abs(value) if isinstance(value, int) else 0


def _bits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 0
