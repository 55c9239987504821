"""A small pipeline of sums around plugins that are to be tried: what they do not answer, built-ins do."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sparq_core import hookspecs
from sparq_core.contract.config import PluginConfig
from sparq_core.pipeline.discovery import hooks_of, load_class
from sparq_core.pipeline.settings import convert

SEEDS = "seeds.jsonl"
BUILT_INS: Mapping[Callable[..., Any], Mapping[str, Any]] = {
    hookspecs.load_seeds: {"use": "jsonl-seeds", "with": {"path": SEEDS}},
    hookspecs.select: {"use": "static-uniform"},
    hookspecs.propose: {"use": "mutate"},
    hookspecs.verify: {"use": "sympy"},
    hookspecs.describe: {"use": "skills"},
    hookspecs.curate: {"use": "curate-band"},
}
"""Who answers a hook where no plugin that is tried does; skills are described by both."""


def sums(folder: Path, *plugins: Mapping[str, Any] | str, **settings: Any) -> dict[str, Any]:
    """
    A pipeline over the scripted model, which writes and solves sums; its seeds are written into `folder`.

    Each of `plugins` is an entry of `plugins:`, or its `use` alone; files are named from `folder`. Where one answers a hook
    that a built-in of the pipeline would, it takes its place; `describe` is answered by both. `settings` replace those at the
    top level. Needs `sparq-engine[sympy]`, unless a plugin verifies.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"problem": f"What is {i + 5} + {3 * i + 7}?", "answer": str(4 * i + 12)} for i in range(40)]
    (folder / SEEDS).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    given = [{"use": plugin} if isinstance(plugin, str) else dict(plugin) for plugin in plugins]
    answered = {hook for entry in given for hook in _hooks(entry, folder)} - {hookspecs.describe.__name__}
    built_in = [dict(entry) for spec, entry in BUILT_INS.items() if spec.__name__ not in answered]
    pipeline: dict[str, Any] = {
        "name": "sums",
        "seed": 1,
        "steps": 10,
        "batch": 6,
        "in_flight": 3,
        "models": {"student": {"use": "scripted", "model": "sums"}},
        "attempts": {"k": 8},
        "plugins": [*built_in, *given],
    }
    return {**pipeline, **settings}


def _hooks(entry: Mapping[str, Any], folder: Path) -> list[str]:
    use = convert(dict(entry), PluginConfig, "plugins").use
    return hooks_of(load_class(use, "plugins", folder)[0])
