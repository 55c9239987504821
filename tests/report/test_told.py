"""What a reader of a report, of the viewer and of `sparq show` is told in words, so that no figure is misread."""

import re
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from msgspec.structs import replace
from report_pages import Element, parsed, written
from runs import priced, sparq_command
from viewing import found, main, viewing

from sparq_core.contract.tally import Busy
from sparq_core.contract.wording import AGREED
from sparq_core.ledger.spread import Mean, Solved
from sparq_core.report import curves
from sparq_core.report.alarms import alarms
from sparq_core.report.facts import gather
from sparq_core.testing import Ran, run_pipeline


@pytest.fixture(scope="module")
def page(mixed: Ran, tmp_path_factory: pytest.TempPathFactory) -> Element:
    return parsed(written(tmp_path_factory.mktemp("page") / "report.html", mixed.folder))


def test_disputed_problems_have_one_reason_whose_answer_each_tells_itself(mixed: Ran, page: Element) -> None:
    disputed = [s.child for s in mixed.read().solved(outcome="disputed")]
    assert len({child.reason for child in disputed}) > 3
    rows = page.section("funnel").rows()
    (of_all,) = (row for row in rows if AGREED in row[0])
    assert of_all[1] == str(len(disputed))
    assert not any("most attempts" in row[0] for row in rows)
    assert "agree on another answer than the reference" in page.section("funnel").words
    child = disputed[0]
    wrong = [one.verdict.answer for one in mixed.read().judged(child.problem.id) if one.verdict.value == "incorrect"]
    ((answer, times),) = Counter(wrong).most_common(1)
    told = f"{times} of 8 {AGREED}: {answer}"
    assert told in " ".join(sparq_command("show", str(mixed.folder), child.problem.id).split())
    with viewing(mixed.folder) as client:
        assert told in main(client, f"/A/problem/{child.problem.id}").words
        options = [one.words for one in main(client, "/A/problems").every("option")]
    assert f"{AGREED} ({len(disputed)})" in options
    assert not any("most attempts" in option for option in options)
    assert f"{len(disputed)} problems" in sparq_command("show", str(mixed.folder), "--reason", AGREED, "--limit", "900")
    assert sparq_command("show", str(mixed.folder), "--reason", child.reason).strip().endswith(("problem", "problems"))


def test_what_no_problem_is_is_not_explained(run_folder: Path, tmp_path: Path) -> None:
    assert "disputed" not in parsed(written(tmp_path / "report.html", run_folder)).section("funnel").words


def test_what_became_of_each_operators_children(mixed: Ran, page: Element) -> None:
    children = [s.child for s in mixed.read().solved([1], outcome=None)]
    head, *rows = (row for row in page.section("funnel").every("table")[1].rows())
    assert [row[0] for row in rows] == sorted({child.problem.operator for child in children})
    for row in rows:
        told = dict(zip(head, row, strict=True))
        own = [child for child in children if child.problem.operator == row[0]]
        kept = [child for child in own if child.outcome == "kept"]
        rates = [child.solve_rate for child in own if child.solve_rate is not None]
        assert (told["children"], told["kept"]) == (str(len(own)), str(len(kept)))
        assert re.fullmatch(rf"{100 * len(kept) / len(own):.1f} \([\d.]+ to [\d.]+\)", told["kept, %"])
        assert told["solve rate"] == f"{fmean(rates):.1%}"
        assert float(told["quality"]) == pytest.approx(fmean(child.quality for child in kept), abs=0.006)
        others = Counter(child.outcome for child in own if child.outcome != "kept")
        assert {name: int(told[name.replace("-", " ")]) for name in others} == others


def test_rejected_problems_are_shown_by_reason_and_unread_ones_as_they_were_written(mixed: Ran, page: Element) -> None:
    ledger = mixed.read()
    frequent = [reason for reason, _ in sorted(ledger.tally().reasons.items(), key=lambda item: -item[1])]
    articles = {a.every("h4")[0].words.split()[0]: a for a in page.section("problems").every("article")}
    shown = {id_: child.rejection for id_ in articles if (child := ledger.child(id_)).rejection}
    assert len(frequent) > 1
    assert [f"{r.plugin}: {r.reason}" for r in shown.values()][: len(frequent)] == frequent
    unread = [id_ for id_, rejection in shown.items() if rejection.hook == "propose"]
    for id_ in unread:
        assert (ledger.written(id_) or "").strip()[:200] in articles[id_].text
    assert unread


def test_labels_that_make_no_niche_are_marked(sums: Callable[..., Any], tmp_path: Path) -> None:
    pipeline = sums("map-elites", steps=4)
    pipeline["plugins"][1]["with"] = {"niches": {"skills": {"top": 1, "max": 2}}}
    page = parsed(written(tmp_path / "report.html", run_pipeline(pipeline, tmp_path).folder))
    assert "made of the 1 most common label of the seeds, at most 2 per problem" in page.section("archive").words
    labels = [row[0] for row in page.section("labels").rows()[1:]]
    assert "addition" in labels
    assert {label for label in labels if label.endswith("no niche")} == {*labels} - {"addition"}
    assert "marked “no niche”" in page.section("labels").words


def test_where_all_labels_make_niches_none_is_marked(sums: Callable[..., Any], tmp_path: Path) -> None:
    pipeline = sums("map-elites", steps=4)
    pipeline["plugins"][1]["with"] = {"niches": {"skills": {"top": None}}}
    page = parsed(written(tmp_path / "report.html", run_pipeline(pipeline, tmp_path).folder))
    assert "no niche" not in page.section("labels").words
    assert "most common" not in page.section("archive").words


def test_settings_may_end_their_lines_between_names(mixed: Ran, run_folder: Path, tmp_path: Path) -> None:
    page = parsed(written(tmp_path / "both.html", mixed.folder, run_folder))
    (cell,) = (c for c in page.section("outcome").every("th") if c.words == "plugins.band.with.disputed")
    assert [part for part in cell.every("bdi")[0].inside if isinstance(part, str)] == [
        "plugins.",
        "band.",
        "with.",
        "disputed",
    ]
    assert not any("characters omitted" in value for row in page.section("outcome").rows() for value in row)


def test_no_share_is_below_zero(mixed: Ran) -> None:
    """Seconds are sums of floats, of which a difference may be a little more than the whole."""
    with mixed.read() as ledger:
        facts = gather(ledger, "A", 1)
    busy = [Busy(watched=0.3 * i, sampling=0.3 * i * (1 + 1e-15), grading=-1e-15) for i in range(len(facts.course))]
    course = [at._replace(tally=replace(at.tally, busy=of)) for at, of in zip(facts.course, busy, strict=True)]
    told = [
        str(curve.drawn[0]) for curve in curves.of_the_cost([replace(facts, course=course)]) if "idle" in curve.title
    ]
    assert len(told) == 2
    assert not any("-" in desc for text in told for desc in re.findall(r"<desc>(.*?)</desc>", text))
    assert Busy(1.0, 1.0 + 1e-3, -1e-3).idle == {"sampler": 0.0, "graders": 1.0}


def test_a_priced_run_without_tokens_is_not_said_to_have_no_prices(sums: Callable[..., Any], tmp_path: Path) -> None:
    unpriced = {"student": {"use": "scripted", "model": "sums"}}
    for name, models in (
        ("no tokens of a model with prices", priced(input=1, output=2)),
        ("no model has prices", unpriced),
    ):
        (tmp_path / name).mkdir()
        folder = run_pipeline(sums(rounds=0, models=models), tmp_path / name).folder
        with closing(sqlite3.connect(folder / "sparq.db", isolation_level=None)) as writer:
            writer.execute("DELETE FROM step")  # as a run is before it has committed anything
        assert name in parsed(written(tmp_path / name / "report.html", folder)).section("cost").words


def test_all_parents_are_named_and_followed(mixed: Ran, page: Element) -> None:
    problems = {s.child.problem.id: s.child.problem for s in mixed.read().solved(outcome=None)}
    crossed = [p for p in problems.values() if len(p.parents) > 1 and any(problems[q].parents for q in p.parents[1:])]
    problem = crossed[0]
    grandparents = {id_ for parent in problem.parents for id_ in problems[parent].parents}
    with viewing(mixed.folder) as client:
        (lineage,) = (d for d in main(client, f"/A/problem/{problem.id}").every("details") if "Lineage" in d.words)
    assert {*problem.parents, *grandparents} <= set(found(lineage))
    shown = {a.every("h4")[0].words.split()[0]: a for a in page.section("problems").every("article")}
    (id_, *_) = (id_ for id_ in shown if len(problems[id_].parents) > 1)
    assert f"crossover of {', '.join(problems[id_].parents)}" in shown[id_].every("summary")[-1].words


def test_of_two_runs_each_page_says_whose_it_is_and_what_the_menus_count(mixed: Ran, run_folder: Path) -> None:
    with viewing(mixed.folder, run_folder) as client:
        for address in ("/B/problems", "/B/problem/1.1.1"):
            (whose,) = (p for p in main(client, address).every("p") if p.attributes.get("class") == "whose")
            assert whose.words == "B sums"
        assert "count seeds, too" in main(client, "/A/problems").words


def test_few_judged_attempts_raise_no_alarm_about_difficulty(mixed: Ran) -> None:
    with mixed.read() as ledger:
        facts = gather(ledger, "A", 1)
    facts = replace(facts, solve_rates=[Solved(0, "out-of-band", 20)], mean_solve_rate=Mean(20, 0.0, 0.0))
    assert any("never solved" in alarm.what for alarm in alarms(facts))
    unknown = replace(facts.tally, verdicts={"incorrect": 6, "unknown": 94}, why={"unknown: truncated": 94})
    told = [alarm.what for alarm in alarms(replace(facts, tally=unknown))]
    assert any("neither correct nor incorrect" in what for what in told)
    assert not any("never solved" in what for what in told)


def test_an_address_may_name_an_operator_and_is_told_those_that_there_are(mixed: Ran) -> None:
    with viewing(mixed.folder) as client:
        crossed = found(main(client, "/A/problems?operator=crossover"))
        assert crossed
        assert all(len(mixed.read().child(id_).problem.parents) == 2 for id_ in crossed)
        refused = main(client, "/A/problems?operator=nosuch", 400).words
        assert "There is no operator “nosuch” here. There are: mutate," in refused
        assert "crossover" in refused
        assert "It may be newest, oldest" in main(client, "/A/problems?order=odd", 400).words
        for address in ("/A/problems?low=2", "/A/problems?outcome=odd", "/A/random?round=x"):
            assert not {"Expected", "$"} & set(main(client, address, 400).words.split())


def test_where_disputes_are_not_looked_for_their_list_says_so(mixed: Ran, run_folder: Path) -> None:
    with viewing(run_folder, mixed.folder) as client:
        assert "does not look for disputes" in main(client, "/A/problems?outcome=disputed").words
        assert "does not look for disputes" not in main(client, "/B/problems?outcome=disputed&text=nothing").words


def test_words_that_were_replaced_stand_apart_from_the_new_ones(mixed: Ran) -> None:
    solved = next(s for s in mixed.read().solved() if s.child.problem.operator == "mutate")
    with viewing(mixed.folder) as client:
        shown = main(client, f"/A/problem/{solved.child.problem.id}").every("div")
    (changes,) = (d for d in shown if d.attributes.get("aria-label", "").startswith("Changes"))
    kinds = [part if isinstance(part, str) else part.name for part in changes.inside]
    assert any(kinds[i : i + 3] == ["del", " ", "ins"] for i in range(len(kinds)))


def test_the_outcome_names_its_interval_and_points_to_the_alarms(sums: Callable[..., Any], tmp_path: Path) -> None:
    folder = run_pipeline(sums(steps=2, attempts={"k": 8, "max_tokens": 3, "min_decided": 0.0}), tmp_path).folder
    with closing(sqlite3.connect(folder / "sparq.db", isolation_level=None)) as writer:
        rows = [(0, 0, str(i), float(i < 5)) for i in range(20)] + [(1, 2, str(i), float(i < 15)) for i in range(20)]
        writer.executemany("INSERT INTO score VALUES (?, ?, 'maths', ?, ?)", rows)
    outcome = parsed(written(tmp_path / "report.html", folder)).section("outcome")
    assert "95% interval of the difference: +" in outcome.words
    (alarmed,) = (a for a in outcome.every("a") if a.attributes["href"] == "#alarms")
    assert re.fullmatch(r"\d alarms?", alarmed.words)
