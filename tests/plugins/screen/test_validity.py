"""A judge's share of yes describes a problem, and weighs its quality in archives and filters."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runs import curate, rows

import sparq_core as sparq
from sparq_core.testing import ScriptedSampler, check_plugin, run_pipeline
from sparq_mapelites import MapElites, MapElitesConfig
from sparq_screen.validity import Validity, ValidityConfig, share_of_yes


def test_validity_keeps_the_contract() -> None:
    check_plugin(Validity(ValidityConfig()), sampler=ScriptedSampler({"well posed": ["Yes.", "no", "perhaps"]}))


@pytest.mark.parametrize(
    ("votes", "share"),
    [([True, True], 1.0), ([False], 0.0), ([True, None, False, False], 1 / 3), ([None, None], None), ([], None)],
)
def test_votes_that_say_neither_do_not_count(votes: list[bool | None], share: float | None) -> None:
    assert share_of_yes(votes) == share


def child(number: int, quality: float, validity: Any) -> sparq.Child:
    problem = sparq.Problem(id=f"1.1.{number}", statement=f"{number}?")
    return sparq.Child(
        problem=problem, outcome="kept", quality=quality, descriptors={"skills": [], "validity": validity}
    )


SEED = sparq.Child(problem=sparq.Problem(id="0.1.0", statement="?"), outcome="kept", descriptors={"skills": ["a"]})


def parents(weigh: str | None) -> set[str]:
    """Who is drawn from an archive with room for one a niche: a hard problem found invalid, or an easy valid one."""
    selector = MapElites(MapElitesConfig(capacity=1, weigh=weigh))
    selector.commit(sparq.Step(round=0, step=1, parents=(), children=(SEED,)))
    children = child(0, 0.9, 0.25), child(1, 0.5, 0.75), child(2, 0.3, None)
    metrics = selector.commit(sparq.Step(round=1, step=1, parents=("0.1.0",), children=children))
    assert metrics["qd_score"] == (0.375 if weigh else 0.9)
    return {id_ for id_ in selector.select(sparq.generator(1), 50, []) if id_ != "0.1.0"}


def test_an_archive_prefers_what_is_valid() -> None:
    assert parents(None) == {"1.1.0"}
    assert parents("validity") == {"1.1.1"}


def test_further_attempts_are_weighed_too() -> None:
    selector = MapElites(MapElitesConfig(capacity=1, weigh="validity"))
    selector.commit(sparq.Step(round=0, step=1, parents=(), children=(SEED,)))
    assert selector.commit(sparq.Step(round=1, step=1, parents=(), children=(child(1, 0.8, 0.5),)))["qd_score"] == 0.4
    metrics = selector.commit(sparq.Step(round=1, step=2, parents=(), children=(), again=(child(1, 0.6, 0.5),)))
    assert metrics["qd_score"] == 0.3


@pytest.mark.parametrize("share", [1.5, -0.1, "yes", float("nan")])
def test_what_is_no_share_is_refused(share: Any) -> None:
    with pytest.raises(
        sparq.PipelineError, match=r"weigh: 'validity' of problem 1\.1\.0 is .*, not a share between 0 and 1"
    ):
        child(0, 0.5, share).weighed_by("validity")


JUDGE = {"use": "scripted", "model": "judge", "with": {"answers": {"well posed": ["yes", "no"]}}}


def judged(sums: Callable[..., Any], weigh: str = "validity") -> dict[str, Any]:
    """A pipeline of sums with a judge that says anything, and an archive that is weighed by it."""
    pipeline: dict[str, Any] = sums("map-elites", steps=6)
    pipeline["models"]["judge"] = JUDGE
    pipeline["roles"] = {**dict.fromkeys(("generator", "solver", "labeller"), "student"), "judge": "judge"}
    pipeline["plugins"].append({"use": "validity", "with": {"role": "judge"}})
    pipeline["plugins"][1]["with"] = {"weigh": weigh}
    return pipeline


def test_a_run_is_judged_and_curated_by_it(sums: Callable[..., Any], tmp_path: Path) -> None:
    ran = run_pipeline(judged(sums), tmp_path)
    with ran.read() as ledger:
        found = {s.child.problem.id: s.child for s in ledger.solved([1])}
    assert {c.descriptors["validity"] for c in found.values()} <= {0.0, 0.25, 0.5, 0.75, 1.0}
    assert all(c.quality == 1 - (c.solve_rate or 0) for c in found.values())
    out = tmp_path / "chosen.jsonl"
    settings = ["--by", "qd", "--budget", "1", "--option", "weigh=validity"]
    curate(ran.folder, *settings, "--option", "solutions=1", "--to", str(out))
    (row,) = rows(out)
    most = max(len(c.descriptors["skills"]) for c in found.values())
    best = max(c.weighed_by("validity").quality for c in found.values() if len(c.descriptors["skills"]) == most)
    assert found[row["id"].split("/")[0]].weighed_by("validity").quality == best


def test_a_misspelt_descriptor_is_refused(sums: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(sparq.PipelineError, match="did you mean 'validity'"):
        run_pipeline(judged(sums, "validty"), tmp_path)
