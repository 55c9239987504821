"""The band of a profile that is there already: no attempt depends on it, so another one is applied to what was measured."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from sparq_core import hookspecs
from sparq_core.contract.errors import PipelineError
from sparq_core.ledger.storage import DATABASE, RESOLVED
from sparq_core.pipeline.file import load_pipeline
from sparq_core.pipeline.prepare import Prepared
from sparq_core.profile.plan import prepared

BAND = "band"


def begun(plan: Mapping[str, Any], loaded: Prepared, folder: Path) -> Prepared:
    """A pipeline with the band that its run was begun with; as it is where a policy asks the band when to stop."""
    if not (folder / DATABASE).is_file() or any(m.answers(hookspecs.policy) for m in loaded.cast.members):
        return loaded
    own = band_of(msgspec.to_builtins(load_pipeline(folder / RESOLVED)))
    plugins = [{**entry, "with": own} if entry["use"] == BAND else entry for entry in plan["plugins"]]
    return prepared({**plan, "plugins": plugins}) if own != band_of(plan) else loaded


def check_band(plan: Mapping[str, Any]) -> None:
    """PipelineError where the default band is empty: no number of a single attempt is between a tenth and nine tenths."""
    if plan["attempts"].get("k") == 1 and not band_of(plan).get("correct"):
        raise PipelineError(
            "--attempts 1: the default band, a tenth to nine tenths of the attempts, is empty; use --attempts 2 or more, or "
            "give --band 1 1 to keep the rows that are solved"
        )


def band_of(plan: Mapping[str, Any]) -> dict[str, Any]:
    """What the band is, by its options; none of them where there is no such plugin."""
    return next((entry.get("with", {}) for entry in plan["plugins"] if entry["use"] == BAND), {})
