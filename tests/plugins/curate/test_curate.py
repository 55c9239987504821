"""Curation: what is chosen under a budget, and in which order."""

import json
import re
from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from runs import curate, rows, sparq_command

import sparq_core as sparq
from sparq_core.testing import run_pipeline
from sparq_curate import Candidate
from sparq_curate.arithmetic import wrong_step
from sparq_curate.filters import capped, covering, diverse, good, quality_diverse, uncertain
from sparq_curate.solutions import apart, shortest

NICHES = st.lists(
    st.lists(st.sampled_from("abcdefgh"), max_size=3).map(lambda x: (tuple(sorted(set(x))),)), unique=True
)


def candidates(n: int, niches: int = 5) -> list[Candidate]:
    return [
        Candidate(
            id=f"1.1.{i}", niche=((f"n{i % niches}",),), quality=(i * 37 % 100) / 100, solve_rate=0.5, correct=(i,)
        )
        for i in range(n)
    ]


@given(NICHES)
def test_each_niche_adds_as_many_labels_as_any_could(niches: list[sparq.Niche]) -> None:
    order = covering(niches)
    assert sorted(order) == sorted(niches)
    seen: set[str] = set()
    for i, niche in enumerate(order):
        assert len(sparq.labels_of(niche) - seen) == max(len(sparq.labels_of(other) - seen) for other in order[i:])
        seen |= sparq.labels_of(niche)


def test_niches_take_turns() -> None:
    for order in (diverse, quality_diverse):
        first = order(candidates(50), sparq.generator(1))
        assert Counter(c.niche for c in first[:20]) == {((f"n{i}",),): 4 for i in range(5)}
        assert len({c.id for c in first}) == 50


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sets(st.sampled_from("pqr"))), max_size=40),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(0, 30),
)
def test_no_operator_or_label_has_more_than_its_cap_and_all_else_is_taken(
    problems: list[tuple[str, set[str]]], operator: float, skills: float, budget: int
) -> None:
    given_ = [
        Candidate(
            id=str(i),
            niche=(),
            quality=0.5,
            solve_rate=0.5,
            correct=(i,),
            groups=frozenset({("operator", by), *(("skills", label) for label in labels)}),
        )
        for i, (by, labels) in enumerate(problems)
    ]
    caps = {"operator": operator, "skills": skills}
    taken = capped(given_, caps, budget)
    had = Counter(group for problem in taken for group in problem.groups)
    full = {group for group, count in had.items() if count >= max(1, int(caps[group[0]] * budget))}
    assert len(taken) <= budget
    assert all(count <= max(1, int(caps[group[0]] * budget)) for group, count in had.items())
    assert len(taken) == budget or all(problem in taken or problem.groups & full for problem in given_)
    assert capped(candidates(50), {}, budget) == candidates(50)[:budget]


def test_the_least_certain_come_first() -> None:
    rates = [0.1, 0.9, 0.4, 0.6, 0.5, 1.0]
    problems = [Candidate(id=str(rate), niche=(), quality=1 - rate, solve_rate=rate, correct=(1,)) for rate in rates]
    assert [c.solve_rate for c in uncertain(problems, sparq.generator(1))][::5] == [0.5, 1.0]


def test_qd_takes_the_best_of_each_niche_first() -> None:
    problems = candidates(50)
    first = quality_diverse(problems, sparq.generator(1))[:5]
    for problem in first:
        assert problem.quality == max(c.quality for c in problems if c.niche == problem.niche)


def pool(n: int, sets: int) -> list[Candidate]:
    """As many problems as the paper keeps, or so, in sets of three of a hundred skills; quality has nothing to do with them."""
    rng = sparq.generator(7)
    niches = [(tuple(sorted(f"skill {k}" for k in rng.sample(range(100), 3))),) for _ in range(sets)]
    return [
        Candidate(
            id=f"1.{i // 64}.{i % 64}", niche=niches[i % sets], quality=rng.random(), solve_rate=0.5, correct=(i,)
        )
        for i in range(n)
    ]


@pytest.mark.parametrize("sets", [15_000, 3_000, 1_000])
def test_of_more_niches_than_the_budget_holds_qd_takes_those_with_the_best_problems(sets: int) -> None:
    """A tenth of 15,000 problems: the best tenth of all would have 0.95; what brings new skills may cost little of it."""
    problems = pool(15_000, sets)
    chosen = quality_diverse(problems, sparq.generator(1))[:1_500]
    assert fmean(c.quality for c in problems) == pytest.approx(0.5, abs=0.01)
    assert fmean(c.quality for c in chosen) > 0.85
    assert len({skill for c in chosen for skill in sparq.labels_of(c.niche)}) == 100
    assert len({c.niche for c in chosen}) >= min(sets, 1_500) * 0.9


def test_a_later_turn_cut_short_by_the_budget_takes_its_best_problems() -> None:
    problems = pool(15_000, 1_000)
    niches = len({c.niche for c in problems})
    seconds = quality_diverse(problems, sparq.generator(1))[niches : niches + 500]
    assert len({c.niche for c in seconds}) == 500
    assert [c.quality for c in seconds] == sorted((c.quality for c in seconds), reverse=True)


@pytest.mark.parametrize("mean", [0.2, 0.5, 0.8])
def test_quality_is_drawn_around_its_mean(mean: float) -> None:
    chosen = good(candidates(2000), sparq.generator(1), mean, 0.1)[:150]
    assert fmean(c.quality for c in chosen) == pytest.approx(mean, abs=0.05)


def test_shortest_and_most_different_solutions() -> None:
    texts = {1: "a b c d", 2: "a b c", 3: "x y z w v", 4: "a b c e"}
    assert shortest(texts, 2) == [2, 1]
    assert apart(texts, 2) == [1, 3]


def test_seeds_are_mixed_in_and_easy_problems_thinned_out(run_folder: Path, tmp_path: Path) -> None:
    mixed, thin, full = (tmp_path / name for name in ("mixed", "thin", "full"))
    curate(run_folder, "--budget", "20", "--option", "seeds=0.25", "--option", "solutions=1", "--to", str(mixed))
    assert sum(row["round"] == 0 for row in rows(mixed)) == 5
    curate(run_folder, "--to", str(full))
    curate(run_folder, "--option", "easy=0.25", "--to", str(thin))
    easy = [sum(row["solve_rate"] >= 0.5 for row in rows(path)) for path in (full, thin)]
    hard = [sum(row["solve_rate"] < 0.5 for row in rows(path)) for path in (full, thin)]
    assert hard[0] == hard[1]
    assert 0.1 * easy[0] < easy[1] < 0.45 * easy[0]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("First, 3 * 4 = 12. Then 12 + 5 = 17.", None),
        ("First, 3 * 4 = 13. Then 13 + 5 = 18.", "3 * 4 = 13"),
        ("<<2*3=6>> and 2 + 3 * 4 = 14", None),
        ("2 + 3 * 4 = 20", "2 + 3 * 4 = 20"),
        (r"$3 \times 1,000 = 3,000$ and \$10 - \$2.50 = \$7.50", None),
        ("10 / 3 = 3.33, 2 / 3 = 0.67", None),
        ("10 / 3 = 3.34", "10 / 3 = 3.34"),
        ("7 / 0 = 0", "7 / 0 = 0"),
        ("x + 3 = 5, 2x - 1 = 3, f(2) + 1 = 4, 5% + 1 = 9", None),
        ("3 + 4 = 7 + 1 = 8", None),
        ("1 - 2 = -1", None),
        ("no numbers at all", None),
    ],
)
def test_a_wrong_step_is_found(text: str, wrong: str | None) -> None:
    assert wrong_step(text) == wrong


@given(st.text(alphabet="0123456789+-*/=. ,$x", max_size=200))
def test_any_text_can_be_checked(text: str) -> None:
    wrong_step(text)


def test_solutions_with_a_wrong_step_are_left_out(run_folder: Path, tmp_path: Path) -> None:
    sparq_command("curate", str(run_folder), "--option", "check_steps=true", "--to", str(tmp_path / "checked.jsonl"))
    assert all(wrong_step(row["solution"]) is None for row in rows(tmp_path / "checked.jsonl"))


def test_status_says_how_diverse_the_choice_is(tmp_path: Path, sums: Any) -> None:
    run_pipeline(sums(), tmp_path)
    facts = json.loads(sparq_command("status", str(tmp_path / "run"), "--json"))["curated"]
    chosen = rows(tmp_path / "run" / "dataset" / "round-1.jsonl")
    assert facts["problems"] == len({row["id"].split("/")[0] for row in chosen})
    skills = facts["labels"]["skills"]
    assert skills["unique"] == len({skill for row in chosen for skill in row["skills"]})
    assert skills["sets"] == len({tuple(row["skills"]) for row in chosen})
    told = " ".join(sparq_command("status", str(tmp_path / "run")).split())
    assert f"{skills['unique']} unique skills in {skills['sets']} sets" in told


FEATURES = """
import sparq_core as sparq


class Features:
    @sparq.hookimpl
    def describe(self, cases):
        return [{"sql_features": ["join", "any"] if len(c.problem.statement) % 2 else ["any"], "size": 1.5} for c in cases]
"""


def described(sums: Any, folder: Path, describes: list[str], **options: Any) -> Path:
    """A run that is described by these plugins and curated with these options; its pipeline file."""
    (folder / "features.py").write_text(FEATURES)
    pipeline = sums()
    cast = [entry for entry in pipeline["plugins"] if entry["use"] not in {"skills", "curate-band"}]
    if describes == ["./features.py:Features"]:
        cast[1] = {**cast[1], "with": {"niches": {"sql_features": {}}}}
    pipeline["plugins"] = [*cast, *({"use": use} for use in describes), {"use": "curate", "with": options}]
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(pipeline))
    return folder / "pipeline.yaml"


def run(pipeline: Path, *arguments: str, code: int = 0) -> str:
    """What the command tells, on one line."""
    told = sparq_command("run", str(pipeline), "--out", str(pipeline.parent / "run"), *arguments, code=code)
    return " ".join(told.split())


def test_the_only_list_of_labels_makes_the_niches(tmp_path: Path, sums: Any) -> None:
    told = run(described(sums, tmp_path, ["./features.py:Features"], budget=2, solutions=1))
    assert re.search(r"curated: 2 problems; 2 unique sql_features in 2 sets, QD-score [\d.]+, entropy 0\.69", told)
    assert "skills" not in told
    curate(tmp_path / "run", "--option", "niches={size: {bins: 2}}", "--budget", "2")
    told = curate(tmp_path / "run", "--option", "niches={skills: {}}", "--budget", "2", code=1)
    assert "known: size, sql_features" in told


def test_niches_that_nothing_describes_are_refused_before_the_run(tmp_path: Path, sums: Any) -> None:
    told = run(described(sums, tmp_path, ["skills"], niches={"topics": {}}), code=2)
    assert "plugins[6].with.niches: no plugin describes problems by 'topics'" in told


FIRST_SEEDS = """
import sparq_core as sparq


class FirstSeeds:
    @sparq.hookimpl
    def select(self, n):
        return [f"0.1.{i}" for i in range(n)]
"""


def test_of_several_lists_of_labels_the_selectors_makes_the_niches(tmp_path: Path, sums: Any) -> None:
    pipeline = described(sums, tmp_path, ["skills", "./features.py:Features"], budget=2)
    told = run(pipeline)
    assert "unique skills in" in told
    assert "unique sql_features in" in told


def test_without_a_selector_that_has_niches_they_want_a_choice(tmp_path: Path, sums: Any) -> None:
    (tmp_path / "select.py").write_text(FIRST_SEEDS)
    pipeline = described(
        lambda: sums("./select.py:FirstSeeds"), tmp_path, ["skills", "./features.py:Features"], budget=2
    )
    told = run(pipeline, code=1)
    assert "name one of skills, sql_features" in told
    assert "continue with `--resume`" in told
    assert "unique skills in" in run(pipeline, "--resume", "--set", "plugins.curate.with.niches={skills: {}}")


def test_without_labels_no_niches_take_turns(tmp_path: Path, sums: Any) -> None:
    pipeline = described(sums, tmp_path, [], budget=2)
    assert "no problem has a list of labels" in run(pipeline, code=1)
    assert re.search(r"curated: 2 problems ledger", run(pipeline, "--resume", "--set", "plugins.curate.with.by=random"))


def test_where_every_problem_is_taken_labels_do_not_matter(tmp_path: Path, sums: Any) -> None:
    assert "curated: " in run(described(sums, tmp_path, []))
