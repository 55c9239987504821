"""What makes a run this run: whatever of it changes, the ledger would mix two different ones."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from sparq_core import hookspecs
from sparq_core.contract.changes import Change, differences
from sparq_core.contract.config import Pipeline
from sparq_core.contract.run import Run
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.discovery import Member
from sparq_core.pipeline.settings import marked, options_of


def identity_of(run: Run, cast: Cast) -> dict[str, Any]:
    """Everything that steps depend on: models, prompts, files and options, but not how many steps or rounds."""
    pipeline = run.pipeline
    return {
        "seed": pipeline.seed,
        "batch": pipeline.batch,
        **({} if is_static(pipeline, cast) else {"in_flight": pipeline.in_flight}),
        "roles": dict(run.roles),
        **({"weights_version": run.weights_version} if run.weights_version > 1 else {}),
        "models": {
            name: {"weights": model.digest, "chat_template": model.chat_template} for name, model in run.models.items()
        },
        "attempts": {k: v for k, v in deciding(pipeline.attempts).items() if k != "warn_unknown"},
        "train.updates": list(pipeline.train.updates),
        **({"train.seeds": True} if pipeline.train.seeds else {}),
        "plugins": {member.name: _member(member) for member in cast.deciding()},
    }


def phase_config(run: Run, round: int, members: Sequence[Member]) -> str:
    """The settings a phase depends on, as JSON: those of the plugins that do it, what is trained and where that starts."""
    config: dict[str, Any] = {member.name: _member(member) for member in members}
    if run.trained != run.model_of("solver") and any(m.answers(hookspecs.train, hookspecs.benchmark) for m in members):
        config["train.model"] = run.trained.name
    if any(member.answers(hookspecs.train) for member in members):
        if round:
            config["train.from"] = run.pipeline.train.start
        if round and run.pipeline.train_seed != run.pipeline.seed:
            config["train.seed"] = run.pipeline.train_seed
    return msgspec.json.encode(config, order="sorted").decode()


def changes_since(recorded: str, now: Mapping[str, Any], members: Sequence[Member]) -> list[Change]:
    """What of an identity is other than the recorded one; an option that its version did not know was as its default has it."""
    before = msgspec.json.decode(recorded)
    for member in members:
        if member.config and (there := before.get("plugins", {}).get(member.name)):
            there["with"] = _defaults(member.config, now["plugins"][member.name]["with"]) | there["with"]
    return list(differences(before, msgspec.json.decode(msgspec.json.encode(now))))


def changes_in_part(recorded: str, run: Run, cast: Cast) -> list[Change]:
    """What of its models, roles and plugins is other than recorded, where a cast has but some of the plugins."""
    before, now = msgspec.json.decode(recorded), identity_of(run, cast)
    parts = {part: now[part] for part in ("models", "roles", "plugins")}
    known = {part: before[part] for part in parts} | {"plugins": {n: before["plugins"].get(n) for n in now["plugins"]}}
    return changes_since(msgspec.json.encode(known).decode(), parts, cast.deciding())


def _defaults(config: Struct, given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the given options that are as their default has them."""
    builtin = {
        field.encode_name: msgspec.to_builtins(
            field.default_factory() if callable(field.default_factory) else field.default
        )
        for field in fields(config)
        if not field.required
    }
    return {name: value for name, value in given.items() if name in builtin and builtin[name] == value}


def other_code(recorded: str, members: Sequence[Member]) -> list[str]:
    """The plugins of one file that are not, to the byte, those of a recorded identity."""
    before = msgspec.json.decode(recorded).get("plugins", {})
    return [
        member.origin
        for member in members
        if (code := _member(member)["files"].get("code"))
        and before.get(member.name, {}).get("files", {}).get("code") != code
    ]


def _member(member: Member) -> dict[str, Any]:
    files = {f"{option} {Path(path).name}": _content(Path(path)) for option, path in marked(member.config, "file")}
    if member.origin.endswith(".py"):
        files["code"] = _content(Path(member.origin))
    version = getattr(type(member.plugin), "version", None)
    return {
        "with": deciding(member.config) if member.config else {},
        "files": files,
        **({"version": version} if version else {}),
        **({"without": sorted(member.without)} if member.without else {}),
    }


def deciding(config: Struct) -> dict[str, Any]:
    """The options that decide, without those whose content does; one that came later only where it is not as by default."""
    options: dict[str, Any] = msgspec.to_builtins(config)
    marks, default = {option.name: option.mark for option in options_of(type(config))}, _defaults(config, options)
    unwritten = {
        name for name, mark in marks.items() if mark in {"file", "free"} or (mark == "later" and name in default)
    }
    return {name: value for name, value in options.items() if name not in unwritten}


def settings_of(cast: Cast) -> dict[str, Any]:
    """What the answers of some plugins depend on: the options of each, the content of its files, its code and version."""
    return {member.name: _member(member) for member in cast.members}


PART = 1 << 20
"""Bytes of a file that are held at once."""


def _content(path: Path) -> str:
    files = sorted(f for f in path.rglob("*") if f.is_file()) if path.is_dir() else [path]
    digest = hashlib.blake2b(digest_size=8)
    for file in files:
        with file.open("rb") as stream:
            while part := stream.read(PART):
                digest.update(part)
    return digest.hexdigest()


def is_static(pipeline: Pipeline, cast: Cast) -> bool:
    """Whether parents are chosen without looking at what became of children, so that `in_flight` changes nothing."""
    return cast.selects_statically and not pipeline.attempts.again


def grading_of(pipeline: Pipeline, cast: Cast) -> dict[str, object]:
    """Who says what attempts are worth, and how: options, files, code of one-file plugins, and the least that is decided."""
    grading = [m for m in cast.members if m.answers(hookspecs.verify, hookspecs.assess, hookspecs.policy)]
    how: dict[str, object] = {member.name: {"hooks": member.hooks(), **_member(member)} for member in grading}
    return {**how, "attempts.min_decided": pipeline.attempts.min_decided}
