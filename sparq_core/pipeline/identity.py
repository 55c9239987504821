"""What makes a run this run: whatever of it changes, the ledger would mix two different ones."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from sparq_core.contract.config import Pipeline
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.run import Run
from sparq_core.pipeline.cast import Cast, Member
from sparq_core.pipeline.settings import marked, options_of

FREE_HOOKS = {"check", "start", "stop", "observe", "curate", "train", "benchmark", "benchmark_texts"}
"""A plugin that answers only these may change between a run and its resumption; finished phases may not."""


def identity_of(run: Run, cast: Cast) -> dict[str, Any]:
    """Everything that steps depend on: models, prompts, files and options, but not how many steps or rounds."""
    pipeline = run.pipeline
    free = FREE_HOOKS - ({"benchmark_texts"} if cast.asks("start", "benchmark_texts") else set())
    cast_identity = {m.name: _member(m) for m in cast.members if not set(m.hooks()) <= free}
    return {
        "seed": pipeline.seed,
        "batch": pipeline.batch,
        **({} if is_static(pipeline, cast) else {"in_flight": pipeline.in_flight}),
        "roles": dict(run.roles),
        "models": {
            name: {"weights": model.digest, "chat_template": model.chat_template} for name, model in run.models.items()
        },
        "attempts": {k: v for k, v in msgspec.to_builtins(pipeline.attempts).items() if k != "warn_unknown"},
        "train.updates": list(pipeline.train.updates),
        "plugins": cast_identity,
    }


def phase_config(cast: Cast, hook: str, run: Run) -> str:
    """The settings a phase depends on, as JSON."""
    config: dict[str, Any] = {m.name: _member(m) for m, _ in cast.each(hook)}
    if hook == "train":
        config["train.from"] = run.pipeline.train.start
    return msgspec.json.encode(config, order="sorted").decode()


def check_same(recorded: str, now: Mapping[str, Any], folder: Path | None) -> None:
    """PipelineError showing the difference, where a run folder holds a run of another identity."""
    differences = list(_differences(msgspec.json.decode(recorded), _plain(now)))
    if differences:
        raise PipelineError(
            f"{folder}: holds another run; these settings differ (there → here):\n  "
            + "\n  ".join(differences)
            + "\nSet them back to go on with it, or give another --out."
        )


def _member(member: Member) -> dict[str, Any]:
    files = {f"{option} {Path(path).name}": _content(Path(path)) for option, path in marked(member.config, "file")}
    if member.origin.endswith(".py"):
        files["code"] = _content(Path(member.origin))
    options = msgspec.to_builtins(member.config) if member.config else {}
    version = getattr(type(member.plugin), "version", None)
    marks = {option.name: option.mark for option in options_of(type(member.config))} if member.config else {}
    return {"with": {k: v for k, v in options.items() if marks[k] not in {"file", "free"}}, "files": files} | (
        {"version": version} if version else {}
    )


def _content(path: Path) -> str:
    files = sorted(f for f in path.rglob("*") if f.is_file()) if path.is_dir() else [path]
    digest = hashlib.blake2b(digest_size=8)
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def _differences(there: Any, here: Any, path: str = "") -> Iterator[str]:
    if isinstance(there, dict) and isinstance(here, dict):
        for key in sorted(there.keys() | here.keys()):
            yield from _differences(there.get(key), here.get(key), f"{path}.{key}" if path else key)
    elif there != here:
        yield f"{path}: {_short(there)} → {_short(here)}"


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else text[:57] + "…"


def is_static(pipeline: Pipeline, cast: Cast) -> bool:
    """Whether parents are chosen without looking at what became of children, so that `in_flight` changes nothing."""
    selectors = [member.plugin for member, _ in cast.each("select")]
    return all(getattr(type(plugin), "static", False) for plugin in selectors) and not pipeline.attempts.again


def grading_of(cast: Cast) -> dict[str, object]:
    """Who verifies and assesses, and how."""
    return {
        m.name: {"hooks": m.hooks(), "with": msgspec.to_builtins(m.config) if m.config else {}}
        for m in cast.members
        if {"verify", "assess"} & set(m.hooks())
    }
