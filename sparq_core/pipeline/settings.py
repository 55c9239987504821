"""What a plugin's config record says of its options: names, types, defaults, meaning and marks."""

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sparq_core.contract.errors import PipelineError, nearest

T = TypeVar("T")


def convert(data: Any, kind: type[T], place: str) -> T:
    """`data` as the record type `kind`; `place` leads the message of the PipelineError when it does not fit."""
    for path, key, known in _unknown_keys(data, kind):
        raise PipelineError(f"{place}: unknown setting '{'.'.join([*path, key])}'; {nearest(key, known)}")
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$")
        at = where.rstrip("`").lstrip(".")
        allowed = type_at(kind, at.split(".")) if "enum" in message else None
        told = f"{message}; it may be {type_name(allowed)}" if allowed is not None else message
        raise PipelineError(f"{place}: {at + ': ' if at else ''}{told}") from error


def _unknown_keys(data: Any, kind: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str, list[str]]]:
    kind = _bare(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(data, Mapping):
        hints = get_type_hints(kind)
        fields = {f.encode_name: hints[f.name] for f in msgspec.structs.fields(kind)}
        for key, value in data.items():
            if key not in fields:
                yield path, str(key), list(fields)
            else:
                yield from _unknown_keys(value, fields[key], (*path, key))
    elif get_origin(kind) is dict and isinstance(data, Mapping):
        for key, value in data.items():
            yield from _unknown_keys(value, get_args(kind)[1], (*path, str(key)))
    elif get_origin(kind) in {list, tuple} and isinstance(data, list):
        for i, value in enumerate(data):
            yield from _unknown_keys(value, get_args(kind)[0], (*path[:-1], f"{path[-1] if path else ''}[{i}]"))


def _bare(kind: Any) -> Any:
    """The type without its annotations and without `| None`."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in {Union, types.UnionType}:
        rest = [arg for arg in get_args(kind) if arg is not type(None)]
        return _bare(rest[0]) if len(rest) == 1 else kind
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


def config_of(plugin: type) -> type[Struct] | None:
    """The record that a plugin class takes its options in: the annotation of its `__init__`'s only parameter."""
    init = plugin.__dict__.get("__init__") or getattr(plugin, "__init__", None)
    hints = {k: v for k, v in get_type_hints(init).items() if k != "return"} if hasattr(init, "__annotations__") else {}
    kinds = [kind for kind in hints.values() if isinstance(kind, type) and issubclass(kind, Struct)]
    return kinds[0] if kinds else None


def options_of(config: type[Struct]) -> Iterator[Option]:
    """The options of a config record, in order."""
    hints = get_type_hints(config, include_extras=True)
    for field in msgspec.structs.fields(config):
        metas = list(_metas(hints[field.name]))
        yield Option(
            field.encode_name,
            type_name(hints[field.name]),
            _default(field),
            next((m.description for m in metas if m.description), ""),
            next((m.extra["sparq"] for m in metas if m.extra and "sparq" in m.extra), ""),
        )


def all_options(config: type[Struct], prefix: str = "") -> Iterator[Option]:
    """The options of a config record with those inside them: `niches.NAME.bins`."""
    hints = get_type_hints(config)
    names = {field.encode_name: field.name for field in msgspec.structs.fields(config)}
    for option in options_of(config):
        yield replace(option, name=prefix + option.name)
        if (inner := _record_in(hints[names[option.name]])) is not None:
            nested, named = inner
            yield from all_options(nested, f"{prefix}{option.name}.{'NAME.' if named else ''}")


def _record_in(kind: Any) -> tuple[type[Struct], bool] | None:
    """The record an option holds, and whether it holds several by name."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        return kind, False
    args = get_args(kind)
    if get_origin(kind) is dict:
        found = _record_in(args[1])
        return (found[0], True) if found else None
    return next((found for arg in args if (found := _record_in(arg)) is not None), None)


def type_at(kind: Any, path: Sequence[str]) -> Any:
    """The type of a setting inside a record, by its path; None where it leads nowhere."""
    for name in path:
        found = _record_in(kind)
        hints = get_type_hints(found[0]) if found else {}
        fields = {field.encode_name: field.name for field in msgspec.structs.fields(found[0])} if found else {}
        if name not in fields:
            return None
        kind = hints[fields[name]]
    return kind


def marked(config: Struct | None, mark: str) -> Iterator[tuple[str, str]]:
    """The values of all options with a mark, as (option, value): one for each element of a list or key of a mapping."""
    for option in options_of(type(config)) if config else ():
        if option.mark == mark:
            value = getattr(config, option.name)
            for item in value if isinstance(value, list | tuple | dict) else [value]:
                if item is not None:
                    yield option.name, item


def type_name(kind: Any) -> str:
    """A type as a user reads it: `int`, `list of str`, `'a' or 'b'`, …"""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return type_name(args[0])
    if origin is Literal:
        return " or ".join(repr(arg) for arg in args)
    names = ["none" if arg is type(None) else type_name(arg) for arg in args if arg is not Ellipsis]
    if origin in {Union, types.UnionType}:
        return " or ".join(names)
    if origin in {list, tuple}:
        return f"[{', '.join(names)}]" if Ellipsis not in args and origin is tuple else f"list of {names[0]}"
    if origin is not None:
        return f"mapping of {names[0]} to {names[1]}"
    return "settings" if isinstance(kind, type) and issubclass(kind, Struct) else getattr(kind, "__name__", str(kind))


def _metas(kind: Any) -> Iterator[msgspec.Meta]:
    if get_origin(kind) is Annotated:
        yield from (meta for meta in get_args(kind)[1:] if isinstance(meta, msgspec.Meta))
        yield from _metas(get_args(kind)[0])
    elif get_origin(kind) in {Union, types.UnionType, list, tuple}:
        for arg in get_args(kind):
            yield from _metas(arg)
    elif get_origin(kind) is dict:
        yield from _metas(get_args(kind)[0])


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default_factory is not msgspec.NODEFAULT:
        return str(msgspec.to_builtins(field.default_factory()))
    if field.default is msgspec.NODEFAULT:
        return "required"
    return msgspec.json.encode(field.default).decode()
