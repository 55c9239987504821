"""What the attempts mean, in other ways than the band: learnability, majority votes, disputes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_assess import Band, BandConfig, Learnability, LearnabilityConfig, Majority, MajorityConfig
from sparq_core.testing import run_pipeline

PROBLEM = sparq.Problem(id="1.1.0", statement="?", answer="7")


def case(*answers: str | None) -> sparq.Case:
    judged = tuple(
        sparq.Judged(
            sparq.Attempt(k=k, seed=k, text="", finish="stop", tokens=1),
            sparq.Verdict(value="correct" if answer == "7" else "incorrect" if answer else "unknown", answer=answer),
        )
        for k, answer in enumerate(answers)
    )
    values = [j.verdict.value for j in judged]
    counts = sparq.Counts(values.count("correct"), values.count("incorrect"), values.count("unknown"))
    return sparq.Case(PROBLEM, judged, counts, counts.solve_rate)


def test_learnability_is_highest_in_the_middle() -> None:
    plugin = Learnability(LearnabilityConfig())
    plugin.set(8)
    quality = [plugin.assess([case(*["7"] * n, *["1"] * (8 - n))])[0].quality for n in range(9)]
    assert quality[0] == quality[8] == 0
    assert quality[4] == 1
    assert quality[1:5] == sorted(quality[1:5])
    assert quality[1] == pytest.approx(quality[7])


def test_a_dispute_is_set_apart() -> None:
    plugin = Band(BandConfig(disputed=0.5))
    plugin.set(8)
    said = plugin.assess(
        [
            case(*["7"] * 2, *["9"] * 5, "1"),
            case(*["7"] * 3, "9", "9", "1", "2", "3"),
            case(*["7"] * 4, *["9"] * 4),
        ]
    )
    assert [a.outcome for a in said] == ["disputed", "kept", "kept"]
    assert "9" in said[0].reason


def test_the_majority_sets_the_reference_and_revises_verdicts() -> None:
    (said,) = Majority(MajorityConfig()).assess([case("9", "9", " 9", "9", "7", "7", None, "3")])
    assert said.outcome == "kept"
    assert said.answer == "9"
    assert said.quality == pytest.approx(0.5)
    assert said.verdicts is not None
    assert [v.value for v in said.verdicts] == ["correct"] * 4 + ["incorrect"] * 2 + ["unknown", "incorrect"]


def test_too_much_and_too_little_agreement_are_out_of_band() -> None:
    few, many, none = Majority(MajorityConfig()).assess([case(*"12345678"), case(*["9"] * 8), case(None, None)])
    assert (few.reason, many.reason) == ("too few agree", "too many agree")
    assert none.outcome == "unresolved"


def with_assess(sums: Callable[..., Any], use: str, **settings: Any) -> dict[str, Any]:
    pipeline: dict[str, Any] = sums(**settings)
    pipeline["plugins"].append({"use": use})
    return pipeline


@pytest.mark.parametrize("use", ["learnability", "majority"])
def test_a_run_with_it(sums: Callable[..., Any], tmp_path: Path, use: str) -> None:
    ran = run_pipeline(with_assess(sums, use), tmp_path)
    assert ran.ending.tally.outcomes["kept"] > 0


def test_a_majority_needs_all_attempts(sums: Callable[..., Any], tmp_path: Path) -> None:
    pipeline = with_assess(sums, "majority")
    pipeline["plugins"].append({"use": "settled"})
    with pytest.raises(sparq.PipelineError, match="'majority' needs all attempts to decide"):
        run_pipeline(pipeline, tmp_path)
