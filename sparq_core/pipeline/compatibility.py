"""With which releases of the engine a plugin's distribution works, as its ordinary dependency on `sparq-engine` says."""

from importlib.metadata import Distribution, version

from sparq_core.contract.errors import PipelineError
from sparq_core.contract.messages import shown

ENGINE = "sparq-engine"


def engine_range(dist: Distribution) -> str | None:
    """The releases of the engine that a distribution says it works with, as `>=0.1,<0.2`; None where it says nothing."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    for text in dist.requires or ():
        try:
            needed = Requirement(text)
        except InvalidRequirement:
            continue
        applies = needed.marker is None or needed.marker.evaluate({"extra": ""})
        if applies and canonicalize_name(needed.name) == ENGINE and needed.specifier:
            return str(needed.specifier)
    return None


def check_compatible(dist: Distribution | None, use: str, place: str) -> None:
    """PipelineError where a plugin's distribution was made for other releases of the engine than the one that runs."""
    from packaging.specifiers import SpecifierSet

    works_with, here = engine_range(dist) if dist and dist.name != ENGINE else None, version(ENGINE)
    if dist is None or works_with is None or SpecifierSet(works_with).contains(here, prereleases=True):
        return
    name = shown(f"{dist.name} {dist.version}")
    raise PipelineError(
        f"{place}: plugin '{use}' of {name} works with {ENGINE} {works_with}, and this is {ENGINE} {here}; update whichever is "
        f"older: pip install --upgrade '{shown(dist.name)}', or pip install '{ENGINE}{works_with}'"
    )
