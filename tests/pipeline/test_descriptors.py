"""An option that names a descriptor nobody gives is a mistake, told before anything is spent where that can be known."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct

import sparq_core as sparq
from sparq_core.pipeline.discovery import Member
from sparq_core.pipeline.settings import marked
from sparq_core.testing import check_plugin, run_pipeline

WORDS = """
import sparq_core as sparq
class Words:
    {says}
    @sparq.hookimpl
    def describe(self, cases):
        return [{{"words": len(case.problem.statement.split())}} for case in cases]
"""
Sums = Callable[..., Any]


def options(pipeline: Any, use: str, **values: Any) -> Any:
    for entry in pipeline["plugins"]:
        if entry["use"] == use:
            entry["with"] = {**entry.get("with", {}), **values}
    return pipeline


def without(pipeline: Any, use: str) -> Any:
    pipeline["plugins"] = [entry for entry in pipeline["plugins"] if entry["use"] != use]
    return pipeline


def with_words(pipeline: Any, folder: Path, says: str) -> Any:
    (folder / "words.py").write_text(WORDS.format(says=says))
    pipeline["plugins"].append({"use": "./words.py:Words"})
    return pipeline


SAYS = {
    "attribute": "describes = ('words',)",
    "string": "describes = 'words'",
    "property": "describes = property(lambda self: ['words'])",
}
SILENT = "pass"


def assert_refused_first(pipeline: Any, folder: Path, message: str) -> None:
    with pytest.raises(sparq.PipelineError, match=message):
        run_pipeline(pipeline, folder)
    assert not (folder / "run").exists()


def test_a_misspelt_niche_is_refused_before_the_run(sums: Sums, tmp_path: Path) -> None:
    pipeline = options(sums(steps=1), "static-uniform", niches={"skils": {}})
    message = r"^plugins\[1\]\.with\.niches: no plugin describes problems by 'skils'; did you mean 'skills'"
    assert_refused_first(pipeline, tmp_path, message)


def test_so_is_a_misspelt_niche_of_curate(sums: Sums, tmp_path: Path) -> None:
    pipeline = sums(steps=1)
    pipeline["plugins"][-1] = {"use": "curate", "with": {"niches": {"skils": {}}}}
    assert_refused_first(pipeline, tmp_path, r"^plugins\[6\]\.with\.niches: .*did you mean 'skills'")


def test_so_is_a_niche_where_nothing_is_described(sums: Sums, tmp_path: Path) -> None:
    pipeline = options(without(sums(steps=1), "skills"), "static-uniform", niches={"skills": {}})
    assert_refused_first(pipeline, tmp_path, r"with\.niches: .* 'skills'; add a plugin that does, e\.g\. skills")


@pytest.mark.parametrize("says", SAYS)
def test_so_is_the_default_where_only_something_else_is_described(sums: Sums, tmp_path: Path, says: str) -> None:
    pipeline = with_words(without(sums(steps=1), "skills"), tmp_path, SAYS[says])
    assert_refused_first(
        pipeline, tmp_path, r"'skills'; that is the default of 'static-uniform': set its niches, .*words"
    )


def test_the_default_is_no_mistake_where_nothing_is_described(sums: Sums, tmp_path: Path) -> None:
    pipeline = without(sums(steps=1), "skills")
    pipeline["plugins"][-1] = {"use": "curate"}
    assert run_pipeline(pipeline, tmp_path).ending.exit_code == 0


@pytest.mark.parametrize("says", [*SAYS.values(), SILENT], ids=[*SAYS, "silent"])
def test_niches_may_be_made_of_whatever_is_described(sums: Sums, tmp_path: Path, says: str) -> None:
    niches = {"words": {"bins": 5, "high": 20}, "skills": {}}
    pipeline = with_words(options(sums("map-elites", steps=2), "map-elites", niches=niches), tmp_path, says)
    assert run_pipeline(pipeline, tmp_path).ending.exit_code == 0


def test_where_a_plugin_does_not_say_the_selector_stops_the_run(sums: Sums, tmp_path: Path) -> None:
    pipeline = options(sums("map-elites", steps=9), "map-elites", niches={"wrds": {"bins": 5}})
    with pytest.raises(sparq.PipelineError, match=r"^niches: .* 'wrds'; did you mean 'words'") as raised:
        run_pipeline(with_words(pipeline, tmp_path, SILENT), tmp_path)
    assert "'map-elites' (plugins[1])" in "".join(raised.value.__notes__)


class Names(Struct, frozen=True):
    one: sparq.Descriptor = "a"
    several: list[sparq.Descriptor] = []
    cut: Annotated[dict[sparq.Descriptor, int], Meta(min_length=1)] = {}
    perhaps: sparq.Descriptor | None = None
    other: str = "x"


def test_marked_finds_values_elements_and_keys() -> None:
    config = Names(several=["b", "c"], cut={"d": 1, "e": 2})
    found = [("one", "a"), ("several", "b"), ("several", "c"), ("cut", "d"), ("cut", "e")]
    assert list(marked(config, "descriptor")) == found


def test_a_plugin_gives_only_what_it_says() -> None:
    class Liar:
        describes = ("words",)

        @sparq.hookimpl
        def describe(self, cases: Any) -> list[dict[str, int]]:
            return [{"words": 1, "letters": 5} for _ in cases]

    assert Member("liar", "here", Liar(), None, "test").describes() == ("words",)
    with pytest.raises(AssertionError, match="'letters' is not among its `describes`"):
        check_plugin(Liar())
