"""What a plugin's config record says of its options: names, types, defaults, meaning and marks."""

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping
from functools import reduce
from inspect import Parameter, signature
from operator import getitem
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct, inspect
from msgspec.structs import astuple, replace

from sparq_core.contract.config import PATTERNS
from sparq_core.contract.errors import PipelineError, nearest
from sparq_core.contract.messages import shown

T = TypeVar("T", bound=Struct)


def convert(data: Any, kind: type[T], place: str) -> T:
    """`data` as the record type `kind`; `place` leads the message of the PipelineError when it does not fit."""
    _refuse_unknown(data, inspect.type_info(kind), place)
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        message, at = _located(error)
        options = all_options(kind) if "enum" in message else ()
        allowed = next((option.type for option in options if option.name == at.replace("[...]", ".NAME")), None)
        told = f"{message}; it may be {allowed}" if allowed else message
        way = _way(data, kind, at)
        raise PipelineError(f"{place}: {_path(way) + ': ' if way else ''}{told}{_user(data, way)}") from error


Way = list[str | int]
"""Names of settings and places in lists, from the outermost to the innermost."""


def _located(error: msgspec.ValidationError) -> tuple[str, str]:
    """What is wrong and where; of a mapping's values msgspec says `[...]`, not whose."""
    message, _, where = str(error).partition(" - at ")
    for pattern, allowed in PATTERNS.items():
        message = message.replace(
            f"matching regex {pattern!r}", f"of {allowed} that begins with a letter or a digit, since it names a folder"
        )
    at = where.removeprefix("`key` in ").strip("`").removeprefix("$").removeprefix(".")
    return f"a name in it: {message}" if where.startswith("`key`") else message, at


def _way(data: Any, kind: type[Struct], at: str) -> Way:
    """The way to what is wrong: in a mapping, to the first value that alone is wrong in the same way."""
    way: Way = []
    for part in re.findall(r"\[\.\.\.\]|\[\d+\]|[^.\[\]]+", at):
        if part == "[...]":
            names = list(_reached(data, way))
            way.append(next((name for name in names if _fails(_alone(data, [*way, name]), kind, at)), names[0]))
        else:
            way.append(int(part[1:-1]) if part.startswith("[") else part)
    return way


def _reached(data: Any, way: Way) -> Any:
    return reduce(getitem, way, data)


def _alone(data: Any, way: Way) -> Any:
    """The data with one name left in the mapping that a way ends in."""
    if len(way) == 1:
        return {way[0]: data[way[0]]}
    inner = _alone(data[way[0]], way[1:])
    return (
        {**data, way[0]: inner} if isinstance(data, dict) else [inner if i == way[0] else v for i, v in enumerate(data)]
    )


def _fails(data: Any, kind: type[Struct], at: str) -> bool:
    try:
        msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        return _located(error)[1] == at
    return False


def _path(way: Way) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{shown(part)}" for part in way).removeprefix(".")


def _user(data: Any, way: Way) -> str:
    """Which plugin stands where the way goes through a list."""
    for i, part in enumerate(way):
        entry = _reached(data, way[: i + 1]) if isinstance(part, int) else None
        if isinstance(entry, dict) and isinstance(use := entry.get("use"), str):
            return f" ({_path(way[: i + 1])} is {shown(use)})"
    return ""


def _refuse_unknown(data: Any, kind: inspect.Type, place: str, path: str = "") -> None:
    """PipelineError for a key that no setting has, whether or not the record forbids it."""
    match _bare(kind), data:
        case inspect.StructType(fields=fields), Mapping():
            known = {field.encode_name: field.type for field in fields}
            for key, value in data.items():
                if key not in known:
                    raise PipelineError(f"{place}: unknown setting '{path}{shown(key)}'; {nearest(str(key), known)}")
                _refuse_unknown(value, known[key], place, f"{path}{shown(key)}.")
        case inspect.DictType(value_type=inner), Mapping():
            for key, value in data.items():
                _refuse_unknown(value, inner, place, f"{path}{shown(key)}.")
        case ((inspect.ListType(item_type=inner) | inspect.VarTupleType(item_type=inner)), list()):
            for i, value in enumerate(data):
                _refuse_unknown(value, inner, place, f"{path.removesuffix('.')}[{i}].")
        case inspect.TupleType(item_types=inners), list():
            for i, (value, inner) in enumerate(zip(data, inners, strict=False)):
                _refuse_unknown(value, inner, place, f"{path.removesuffix('.')}[{i}].")


def _bare(kind: inspect.Type) -> inspect.Type:
    """The type without its annotations and without `| None`."""
    match kind:
        case inspect.Metadata(type=inner):
            return _bare(inner)
        case inspect.UnionType(types=(inner, inspect.NoneType()) | (inspect.NoneType(), inner)):
            return _bare(inner)
    return kind


class Option(Struct, frozen=True):
    """One option of a config record."""

    name: str
    type: str
    default: str
    """As YAML would show it; `required` where there is none."""
    description: str
    mark: str
    """`file`, `role` or `descriptor` where the option names one, `free` where it may change on resume, else empty."""


def config_of(plugin: type, place: str) -> type[Struct] | None:
    """The record that a plugin class takes its options in: the annotation of its `__init__`'s only parameter."""
    try:
        hints = get_type_hints(getattr(plugin, "__init__", None))
        config = next((kind for kind in hints.values() if isinstance(kind, type) and issubclass(kind, Struct)), None)
        if config:
            inspect.type_info(config)
    except (NameError, TypeError) as error:
        raise PipelineError(f"{place}: the options of {plugin.__name__} cannot be read: {error}") from error
    if config is None and (asked := _asked_by(plugin)):
        raise PipelineError(
            f"{place}: the constructor of {plugin.__name__} asks for '{asked}', whose annotation is no record of options; "
            f"declare one, `class {plugin.__name__}Config(msgspec.Struct)`, and write `{asked}: {plugin.__name__}Config`"
        )
    return config


def _asked_by(plugin: type) -> str | None:
    """The first argument that a constructor cannot do without."""
    every = signature(plugin).parameters.values()
    several = {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}
    return next((p.name for p in every if p.kind not in several and p.default is Parameter.empty), None)


def options_of(config: type[Struct]) -> Iterator[Option]:
    """The options of a config record, in order."""
    hints = get_type_hints(get_origin(config) or config)
    for field in _fields(config):
        metas = [kind for kind, way in _within(field.type) if isinstance(kind, inspect.Metadata) and not way]
        said = ChainMap(*({**(meta.extra_json_schema or {}), **(meta.extra or {})} for meta in metas))
        name = type_name(hints[field.name])
        yield Option(field.encode_name, name, _default(field), said.get("description", ""), said.get("sparq", ""))


def all_options(config: type[Struct], prefix: str = "", around: tuple[type, ...] = ()) -> Iterator[Option]:
    """The options of a config record with those inside them: `niches.NAME.bins`; a record inside itself is not entered."""
    around = (*around, config)
    for option, field in zip(options_of(config), _fields(config), strict=True):
        yield replace(option, name=prefix + option.name)
        records = ((kind.cls, way) for kind, way in _within(field.type) if isinstance(kind, inspect.StructType))
        record, way = next(records, (None, ""))
        if record and record not in around:
            yield from all_options(record, f"{prefix}{option.name}.{way}", around)


def _fields(config: type[Struct]) -> tuple[inspect.Field, ...]:
    return cast("inspect.StructType", inspect.type_info(config)).fields


def _within(kind: inspect.Type, way: str = "") -> Iterator[tuple[inspect.Type, str]]:
    """A type and all it is made of, each with the way there: `NAME.` for what stands in a mapping's values."""
    yield kind, way
    match kind:
        case inspect.UnionType(types=parts) | inspect.TupleType(item_types=parts):
            for part in parts:
                yield from _within(part, way)
        case inspect.DictType(key_type=key, value_type=value):
            yield from _within(key, way)
            yield from _within(value, f"{way}NAME.")
        case inspect.Metadata(type=inner) | inspect.ListType(item_type=inner) | inspect.VarTupleType(item_type=inner):
            yield from _within(inner, way)


def marked(config: Struct | None, mark: str) -> Iterator[tuple[str, str]]:
    """The values of all options with a mark, as (option, value): one for each element of a list or key of a mapping."""
    for option, value in zip(options_of(type(config)), astuple(config), strict=True) if config else ():
        if option.mark == mark:
            for item in value if isinstance(value, list | tuple | dict) else [value]:
                if item is not None:
                    yield option.name, item


def type_name(kind: Any) -> str:
    """A type as a user reads it: `int`, `list of str`, `'a' or 'b'` in the order it was written, …"""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " or ".join(map(repr, args))
    names = ["none" if arg is NoneType else type_name(arg) for arg in args if arg is not Ellipsis]
    if origin in {Union, UnionType}:
        return " or ".join(names)
    if origin is list or Ellipsis in args:
        return f"list of {names[0]}"
    if origin is tuple:
        return f"[{', '.join(names)}]"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"mapping of {names[0]} to {names[1]}"
    record = isinstance(kind := origin or kind, type) and issubclass(kind, Struct)
    return "settings" if record else getattr(kind, "__name__", str(kind))


def _default(field: inspect.Field) -> str:
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.json.encode(field.default_factory(), enc_hook=str).decode()
    if field.default is not msgspec.NODEFAULT:
        return msgspec.json.encode(field.default, enc_hook=str).decode()
    return "required" if field.required else "unset"
