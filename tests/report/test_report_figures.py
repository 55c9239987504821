"""What a report shows is what the ledger holds."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from report_pages import Element, parsed, written
from runs import priced

from sparq_core.contract.niches import Axis
from sparq_core.contract.wording import funnel
from sparq_core.ledger.diversity import archive
from sparq_core.ledger.reader import Reader
from sparq_core.report.facts import gather
from sparq_core.report.page import ENOUGH
from sparq_core.testing import Ran, run_pipeline


@pytest.fixture(scope="module")
def page(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Element:
    return parsed(written(tmp_path_factory.mktemp("page") / "report.html", run_folder))


@pytest.fixture(scope="module")
def ledger(run_folder: Path) -> Iterator[Reader]:
    with Reader.open(run_folder) as ledger:
        yield ledger


def test_the_funnel_adds_up_to_the_counters(page: Element, ledger: Reader) -> None:
    rows = {name: n for name, n, *_ in page.section("funnel").rows()[1:]}
    for name, count in funnel(ledger.tally()):
        assert rows.get(name, "0") == f"{count:,}"
    for reason, count in ledger.tally().reasons.items():
        assert rows[reason] == f"{count:,}"
    children = [s.child for s in ledger.solved([1], outcome="out-of-band")]
    for reason, count in Counter(child.reason for child in children).items():
        assert rows[reason] == f"{count:,}"


def test_the_histogram_counts_the_problems_of_each_solve_rate(page: Element, ledger: Reader) -> None:
    told = page.section("difficulty").every("desc")[0].words.rstrip(".").split("; ")
    counted = Counter(
        (s.child.counts.correct, s.child.outcome == "kept")
        for outcome in ("kept", "out-of-band")
        for s in ledger.solved([1], outcome=outcome)
    )
    assert told == [f"{i} of 8: {counted[i, True]} kept, {counted[i, False]} not" for i in range(9)]


def test_labels_and_niches_are_those_of_the_described_children(page: Element, ledger: Reader) -> None:
    kept = [s.child for s in ledger.solved([1])]
    labels = Counter(label for child in kept for label in child.descriptors["skills"])
    rows = page.section("labels").rows()[1:]
    shown = {name.removesuffix(" no niche"): int(n.replace(",", "")) for name, n, *_ in rows}
    assert shown == labels
    rates = {
        label: fmean(child.solve_rate or 0.0 for child in kept if label in child.descriptors["skills"])
        for label, n in labels.items()
        if n >= ENOUGH
    }
    assert f"{min(rates, key=lambda label: (rates[label], label))} has the lowest" in page.section("labels").words
    niches_of = ledger.niches({"skills": Axis()})
    niches = Counter(" + ".join(niches_of.of(child.descriptors)[0]) for child in kept)  # type: ignore[arg-type]  # labels
    assert {name: int(n) for name, n, *_ in page.section("archive").rows()[1:]} == niches
    told = archive(ledger)["labels"]["skills"]
    assert page.section("archive").every("dd")[0].words == str(told["sets"])
    assert float(page.section("archive").every("dd")[1].words) == pytest.approx(told["qd_score"], rel=1e-3)


def test_the_curves_end_where_the_run_does(page: Element, ledger: Reader) -> None:
    last = ledger.step_row(1, 8).metrics
    told = {svg.every("title")[0].words: svg.every("desc")[0].words for svg in page.every("svg") if svg.every("desc")}
    assert f"{last['filled_niches']:g} at step 8;" in told["Filled niches"]
    assert f"{ledger.tally().tokens:,.4g}" in told["Sampled tokens"]


def test_what_a_kept_problem_cost(page: Element, ledger: Reader) -> None:
    tally = ledger.tally()
    rows = {name: cells for name, *cells in page.section("cost").rows()[1:]}
    kept = tally.outcomes["kept"]
    assert rows["sampled tokens"] == [f"{tally.tokens:,}", f"{tally.tokens / kept:,.0f}"]
    assert rows["attempts"] == [f"{tally.attempts:,}", f"{tally.attempts / kept:.1f}"]
    assert "money" not in rows


def test_twenty_problems_of_all_kinds_with_verdicts_and_lineage(page: Element, ledger: Reader) -> None:
    articles = page.section("problems").every("article")
    assert len(articles) == 20
    ids = [article.every("h4")[0].words.split()[0] for article in articles]
    assert len(set(ids)) == 20
    hardest = min(s.child.solve_rate or 0 for s in ledger.solved([1]))
    assert ledger.child(ids[0]).solve_rate == hardest
    for id_, article in zip(ids, articles, strict=True):
        child = ledger.child(id_)
        assert all(parent in article.text for parent in child.problem.parents)
        counted = [int(n.words.rstrip("×")) for n in article.every("span") if n.attributes.get("class") == "n"]
        assert sum(counted) == child.counts.drawn
    outcomes = {ledger.child(id_).outcome for id_ in ids}
    assert outcomes == {"kept", "out-of-band", "rejected"}


def test_money_and_rounds(sums: Callable[..., Any], tmp_path: Path) -> None:
    ran = run_pipeline(sums(rounds=2, steps=4, models=priced(input=2.0, output=5.0)), tmp_path)
    page = parsed(written(tmp_path / "report.html", ran.folder))
    cost = ran.read().tally().cost
    assert cost
    assert float(page.section("cost").rows()[1][1]) == pytest.approx(cost, rel=0.1)
    assert "round 2 of 2, step 8 of 8" in page.every("header")[0].words


def test_benchmarks_by_task_and_kind_of_item(sums: Callable[..., Any], tmp_path: Path) -> None:
    ran = run_pipeline(sums(steps=2), tmp_path)
    with closing(sqlite3.connect(ran.folder / "sparq.db", isolation_level=None)) as writer:
        writer.executemany(
            "INSERT INTO score VALUES (?, ?, 'maths', ?, ?)",
            [
                (round_, steps, f"{kind}/{i}", value)
                for round_, steps, right in ((0, 0, 10), (1, 2, 30))
                for kind in ("algebra", "counting")
                for i in range(40)
                for value in [float(i < right)]
            ],
        )
    page = parsed(written(tmp_path / "report.html", ran.folder))
    rows = {name: cells for name, *cells in page.section("benchmarks").rows()[1:]}
    assert list(rows) == ["maths", "maths: algebra", "maths: counting"]
    assert rows["maths"][0] == "80"
    assert rows["maths: algebra"][:1] == ["40"]
    assert rows["maths"][1].startswith("25.0 (")
    assert rows["maths"][-1].startswith("+50.0 (+")
    assert (
        "25.0% before, 75.0% after (95% interval of the difference: +39.0 to +61.0 points)"
        in page.section("outcome").words
    )


def test_runs_beside_each_other_differ_by_their_shares(
    sums: Callable[..., Any], tmp_path: Path, run_folder: Path, ledger: Reader
) -> None:
    other = run_pipeline(sums(seed=5, steps=4), tmp_path)
    page = parsed(written(tmp_path / "both.html", run_folder, other.folder))
    table, settings = page.section("outcome").every("table")
    assert ["seed", str(ledger.pipeline().seed), "5"] in settings.rows()
    assert ["steps", str(ledger.pipeline().steps), "4"] in settings.rows()
    assert "rounds" not in {name for name, *_ in settings.rows()}
    row = {name: cells for name, *cells in table.rows()[1:]}["children kept"]
    shares = [each.tally().outcomes["kept"] / each.tally().children for each in (ledger, other.read())]
    assert [float(cell.split()[0]) for cell in row[:2]] == [round(100 * share, 1) for share in shares]
    apart, low, _, high = row[2].replace("(", "").replace(")", "").replace("−", "-").split()
    assert float(low) < float(apart) < float(high)
    assert float(apart) == pytest.approx(100 * (shares[1] - shares[0]), abs=0.06)
    for section in ("funnel", "difficulty", "cost"):
        assert [p.words[0] for p in page.section(section).every("p") if p.attributes.get("class") == "whose"][:2] == [
            "A",
            "B",
        ]


def test_an_alarm_is_raised_where_attempts_stay_unknown(sums: Callable[..., Any], tmp_path: Path) -> None:
    ran = run_pipeline(sums(steps=3, attempts={"k": 8, "max_tokens": 3, "min_decided": 0.0}), tmp_path)
    tally = ran.read().tally()
    page = parsed(written(tmp_path / "report.html", ran.folder))
    assert tally.verdicts["unknown"] > 0.05 * tally.attempts
    assert "judged neither correct nor incorrect" in page.section("alarms").words
    rows = {name: n for name, n, *_ in page.section("difficulty").rows()[1:]}
    assert rows == {reason: f"{n:,}" for reason, n in tally.unknown().items()}


def test_many_steps_are_thinned_evenly_and_end_with_the_last(sums: Callable[..., Any], tmp_path: Path) -> None:
    ran = run_pipeline(sums(steps=30, batch=1), tmp_path)
    with ran.read() as ledger:
        facts = gather(ledger, "A", 20)
        assert [at.done for at in facts.course] == [0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30]
        assert facts.course[-1].metrics == ledger.step_row(1, 30).metrics


def test_repeated_problems_are_counted_also_where_there_are_too_few_steps_for_a_curve(
    of_texts: Ran, tmp_path: Path
) -> None:
    section = parsed(written(tmp_path / "report.html", of_texts.folder)).section("duplicates")
    tally = of_texts.ending.tally
    repeated = sum(count for reason, count in tally.reasons.items() if reason.startswith("duplicates: "))
    assert not section.every("svg")
    assert f"{repeated} of {tally.children} children ({repeated / tally.children:.1%}) were rejected" in section.words
