"""A model that a run trains and servers serve: what has to be so before anything is spent."""

import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import sparq_core as sparq


def findings(command: tuple[str, ...], run: sparq.Run, model: sparq.Model) -> Iterator[sparq.Finding]:
    """Why its weights cannot be swapped and proved."""
    yield from sparq.folder_findings(model)
    told = {"with.reload": _program(command, run.base) or _roles(run, model.name), "use": _libraries()}
    yield from (sparq.Finding(level="error", place=place, message=wrong) for place, wrong in told.items() if wrong)


def _program(command: tuple[str, ...], base: Path) -> str:
    if not command or not command[0].strip():
        return 'names no program; give one with its arguments, such as ["./swap.sh", "{url}", "{model}"]'
    program = str(base / command[0]) if "/" in command[0] else command[0]
    if shutil.which(program) is None:
        return f"'{command[0]}' is no program that can be run; give its path from the pipeline's folder, and make it executable"
    return ""


def _roles(run: sparq.Run, name: str) -> str:
    """Servers hold one model: a role that keeps the old weights beside the new ones has none."""
    updated = run.pipeline.updated()
    kept = [role for role, model in run.roles.items() if model == name and role not in updated]
    if not updated or not kept:
        return ""
    return (
        f"the servers cannot serve new weights to {', '.join(updated)} and old ones to {', '.join(kept)} at once; list all of "
        "them in train.updates, or give those that keep the old weights a model of their own"
    )


def _libraries() -> str:
    if all(find_spec(module) for module in ("torch", "transformers")):
        return ""
    return "local weights are read by transformers: pip install 'sparq-engine[hf]'"
