"""YAML without its traps: the notation of pipelines, of study files and of values on the command line, within bounds."""

import re
from collections.abc import Hashable
from math import isfinite
from typing import Any

import yaml

from sparq_core.contract.errors import PipelineError
from sparq_core.contract.files import DEEPEST
from sparq_core.contract.messages import shown
from sparq_core.contract.texts import valid

MOST_VALUES = 10_000
"""Values in a file, those that aliases repeat counted each time: a large study has some thousands."""
_LARGEST = 2**63 - 1
_TEXT = "tag:yaml.org,2002:str"


def values_in(text: str, place: str) -> Any:
    """What a text in YAML says; PipelineError, led by `place`, where it is none or goes beyond what settings come to."""
    loader = None
    try:
        loader = _Loader(text)
        return loader.get_single_data()
    except yaml.reader.ReaderError as error:
        said = f"the character #x{error.character:04x} at position {error.position} is not allowed"
        raise PipelineError(f"{place}: is not YAML: {said}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        context = f"{error.context}, " if error.context and not error.context.startswith("while constructing") else ""
        what = "" if isinstance(error, _BeyondError) else "is not YAML: "
        raise PipelineError(f"{place}: {what}{context}{shown(error.problem)}{where}") from None
    finally:
        if loader:
            loader.dispose()


class _BeyondError(yaml.MarkedYAMLError):
    """What YAML allows and settings do not."""


class _Loader(yaml.SafeLoader):
    """`1e-4` is a number, `12:30` and `no` are texts, a key given twice is an error, and so is what goes beyond all bounds."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._values = 0
        self._sizes: dict[yaml.Node, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # its stubs leave it out
        mark, tag, before = event.start_mark, getattr(event, "tag", None), self._values
        if tag not in {None, "!", _TEXT}:
            raise _wrong(f"the tag {tag} is not supported in settings; omit it", mark)
        self._depth += 1
        if self._depth > DEEPEST:
            raise _wrong(f"it is nested deeper than {DEEPEST} levels, more than settings have", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if node is None:
            return None
        if not isinstance(event, yaml.AliasEvent):
            self._sizes[node] = self._values - before + 1
        elif node not in self._sizes:
            raise _wrong(f"the alias *{event.anchor} stands within what it repeats", mark)
        self._values = before + self._sizes[node]
        if self._values > MOST_VALUES:
            raise _wrong(f"it has more than {MOST_VALUES:,} values, aliases included, more than settings have", mark)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise _wrong("a key must be a string, not a list or a mapping", key_node.start_mark)
            if key in seen:
                raise _wrong(f"the key '{key}' is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)

    def text(self, node: yaml.ScalarNode) -> str:
        text = str(self.construct_scalar(node))
        if "\0" in text or text != valid(text):
            raise _wrong("a string here must not contain NUL or unpaired surrogates", node.start_mark)
        return text

    def whole(self, node: yaml.ScalarNode) -> int:
        text = str(self.construct_scalar(node))
        if len(text) > len(str(-_LARGEST)) or abs(int(text)) > _LARGEST:
            raise _wrong(f"{shown(text)} is beyond the numbers a setting may be: 64 bits", node.start_mark)
        return int(text)

    def real(self, node: yaml.ScalarNode) -> float:
        text = str(self.construct_scalar(node))
        if not isfinite(number := float(text)):
            raise _wrong(f"{shown(text)} is beyond the numbers a setting may be: infinite", node.start_mark)
        return number


def _wrong(problem: str, mark: yaml.Mark) -> "_BeyondError":
    return _BeyondError(problem=problem, problem_mark=mark)


_SCALARS = {
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?(0|[1-9]\d*)",
    "float": r"[-+]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][-+]?\d+)?",
    "null": r"~|null|Null|NULL|",
}
_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern in _SCALARS.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})\Z", re.ASCII), None)
_Loader.add_constructor(_TEXT, _Loader.text)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.whole)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.real)
