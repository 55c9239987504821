"""The viewer's pages: what each shows, of runs of all kinds."""

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hostile_texts import TEXTS, acting
from report_pages import Element
from starlette.testclient import TestClient
from viewing import found, link, main, page, viewing

from sparq_core.ledger.reader import Reader
from sparq_core.testing import Ran, run_pipeline
from sparq_core.view.pages import ALIKE
from sparq_core.view.wording import MOST_WORDS, differences, shared


@pytest.fixture(scope="module")
def client(run_folder: Path) -> Iterator[TestClient]:
    with viewing(run_folder) as client:
        yield client


def test_the_overview_has_the_figures_of_the_report(client: TestClient, run_folder: Path) -> None:
    shown = main(client, "/")
    with Reader.open(run_folder) as ledger:
        tally = ledger.tally()
    assert f"{tally.outcomes['kept']} of {tally.children} proposed problems were kept" in shown.section("outcome").words
    assert ["too easy", str(tally.outcomes["out-of-band"])] in [r[:2] for r in shown.section("funnel").rows()]
    assert shown.section("difficulty").every("svg")
    assert shown.section("archive").every("svg")
    assert "not running" in shown.words


def test_a_list_is_narrowed_by_its_form(client: TestClient) -> None:
    (form,) = page(client, "/A/problems").every("form")
    assert form.attributes["method"] == "get"
    names = {one.attributes["name"] for one in form.every("select", "input")}
    assert names == {"text", "outcome", "label", "niche", "operator", "reason", "round", "low", "high", "order"}
    (outcome,) = (one for one in form.every("select") if one.attributes["name"] == "outcome")
    assert re.search(r"kept \(\d+\)", outcome.words)
    for option in form.every("option"):
        select = next(s for s in form.every("select") if option in s.every("option"))
        address = f"/A/problems?{select.attributes['name']}={option.attributes['value']}"
        assert client.get(address).status_code == 200


def test_what_was_asked_for_stays_in_the_form_and_in_the_links(client: TestClient) -> None:
    shown = page(client, "/A/problems?outcome=kept&order=hardest&low=0.25&text=What")
    chosen = {one.attributes["value"] for one in shown.every("option") if "selected" in one.attributes}
    assert chosen == {"kept", "hardest"}
    first = next(a for li in shown.every("li") for a in li.every("a") if "/problem/" in a.attributes["href"])
    assert first.attributes["href"].endswith("?outcome=kept&low=0.25&text=What&order=hardest")


def test_pages_of_a_list_lead_through_all_of_it_and_back(client: TestClient, run_folder: Path) -> None:
    address: str | None = "/A/problems?order=oldest"
    seen, addresses = list[str](), list[str]()
    while address:
        shown = main(client, address)
        seen, addresses = seen + found(shown), [*addresses, address]
        address = link(shown, "next")
    with Reader.open(run_folder) as ledger:
        assert seen == [solved.child.problem.id for solved in ledger.solved(outcome=None)]
    back = link(main(client, addresses[-1]), "prev")
    assert back
    assert found(main(client, back)) == found(main(client, addresses[-2]))
    assert link(main(client, addresses[0]), "prev") is None


def test_problems_lead_to_the_next_one_that_is_wanted(client: TestClient) -> None:
    wanted = "?outcome=kept&order=hardest"
    listed = found(main(client, "/A/problems" + wanted))
    address, seen = f"/A/problem/{listed[0]}{wanted}", list[str]()
    for _ in range(5):
        shown = main(client, address)
        seen.append(shown.every("h1")[0].words)
        address = link(shown, "next") or ""
    assert seen == listed[:5]
    assert link(main(client, address), "prev") == f"/A/problem/{listed[4]}{wanted}"


def test_a_random_problem_is_one_of_those_wanted(client: TestClient) -> None:
    listed = found(main(client, "/A/problems?reason=1"))
    answers = {client.get("/A/random?reason=1", follow_redirects=False).headers["location"] for _ in range(30)}
    assert {answer.removesuffix("?reason=1").removeprefix("/A/problem/") for answer in answers} <= set(listed)
    assert "no such problem" in main(client, "/A/random?outcome=disputed", 404).words


def test_a_problem_is_shown_with_all_there_is_of_it(client: TestClient, run_folder: Path) -> None:
    with Reader.open(run_folder) as ledger:
        parent = next(ledger.query("SELECT parent FROM parentage ORDER BY child LIMIT 1"))[0]
        children = [row[0] for row in ledger.query("SELECT child FROM parentage WHERE parent = ?", parent)]
        solved = next(s for s in ledger.solved() if s.child.problem.parents)
        judged = ledger.judged(solved.child.problem.id)
    assert set(children) <= set(found(main(client, f"/A/problem/{parent}")))
    problem = solved.child.problem
    shown = main(client, f"/A/problem/{problem.id}")
    assert problem.statement in shown.text
    assert f"{solved.child.counts.correct} of {solved.child.counts.decided} correct" in shown.words
    assert all(one.attempt.text in shown.text for one in judged)
    folds = [int(one.words.removesuffix("×")) for one in shown.every("span") if one.words.endswith("×")]
    assert sum(folds) == len(judged)
    assert len(folds) == len({(one.verdict.value, one.verdict.answer) for one in judged})
    assert "addition" in shown.words
    assert any(a.attributes["href"] == f"/A/problem/{problem.parents[0]}" for a in shown.every("a"))
    assert shown.every("ins")
    assert shown.every("del")


def test_words_that_differ_are_told() -> None:
    assert differences("What is 3 + 4?", "What is 13 + 4, then?") == [
        ("same", "What is "),
        ("gone", "3"),
        ("new", "13"),
        ("same", " + 4"),
        ("new", ", then"),
        ("same", "?"),
    ]
    assert differences("", "") == []
    assert differences("a " * MOST_WORDS, "b") is None


def test_only_texts_with_words_in_common_are_compared() -> None:
    alike = differences("What is 3 + 4?", "What is 13 + 4, then?") or []
    unlike = differences("How many hills was Rome built on?", "What is the unit of frequency?") or []
    assert shared(alike) > ALIKE > shared(unlike) == 0


@pytest.mark.parametrize(
    "address",
    [
        "/A/problems?outcome=odd",
        "/A/problems?round=x",
        "/A/problems?low=nan",
        "/A/problems?low=2",
        f"/A/problems?label={10**30}",
        "/A/problems?operator=-1",
        "/A/problems?order=odd",
        "/A/problems?after=odd",
        f"/A/problems?after=0.{10**30}",
        "/A/problem/1.1.1?outcome=odd",
        "/A/random?order=odd",
    ],
)
def test_an_address_that_makes_no_sense_is_told(client: TestClient, address: str) -> None:
    assert main(client, address, 400).every("h1")[0].words == "Not understood"


@pytest.mark.parametrize("address", ["/A/problem/9.9.9", "/A/problem/<b>", "/B/problems", "/nowhere", "/A/problem/%00"])
def test_an_address_of_nothing_is_told(client: TestClient, address: str) -> None:
    assert main(client, address, 404).every("h1")[0].words == "Not found"


def test_any_text_may_be_asked_for(client: TestClient) -> None:
    for text in (*TEXTS.values(), "%", "_", "\\", "'", '"', "x" * 9_000, "\x00"):
        asked_for = text[:9_000].encode(errors="replace")
        answer = client.get("/A/problems", params={"text": asked_for, "odd": asked_for})
        assert answer.status_code == 200
        assert not acting(answer.text)


def addresses(element: Element) -> list[str]:
    return [a.attributes["href"] for a in element.every("a") if a.attributes["href"].startswith("/A/problem/")]


def test_hostile_texts_stand_there_and_do_nothing(hostile: Ran) -> None:
    with viewing(hostile.folder) as client:
        lists = [page(client, "/A/problems"), page(client, "/A/problems?outcome=rejected"), page(client, "/")]
        shown = ["/", "/A/problems", *dict.fromkeys(a for one in lists for a in addresses(one))]
        assert len(shown) > 20
        texts = [client.get(address).text for address in shown]
        said = [page(client, address).text for address in shown[:12]]
    for text in texts:
        assert not acting(text)
        assert TEXTS["bidi"] not in text
        assert not re.search(r"<[^>]* (?:style|on\w+)=", text)
        assert len(text) < 3_000_000
    assert any("<script>alert(1)</script>" in text for text in said)
    assert any("\\u202e" in text for text in said)


def test_an_empty_run_has_pages_that_say_so(empty: Ran) -> None:
    with viewing(empty.folder) as client:
        assert "Nothing was proposed yet" in main(client, "/").words
        assert found(main(client, "/A/problems"))
        assert "No problem matches" in main(client, "/A/problems?outcome=disputed").words
        assert "It was not attempted" in main(client, "/A/problem/0.1.0").words


def test_two_runs_stand_beside_each_other(run_folder: Path, sums: Callable[..., Any], tmp_path: Path) -> None:
    other = run_pipeline(sums(name="other", steps=2), tmp_path)
    with viewing(run_folder, other.folder) as client:
        overview = page(client, "/")
        assert [one.words for one in overview.every("h1")] == ["sums and other"]
        assert any(row[0] == "children kept" for row in overview.section("outcome").rows())
        assert found(main(client, "/A/problems")) != found(main(client, "/B/problems"))
        names = {a.attributes["href"] for a in overview.every("a")}
        assert {"/A/problems", "/B/problems", "/A/random", "/B/random"} <= names


def test_a_run_at_work_is_followed(sums: Callable[..., Any], tmp_path: Path) -> None:
    """What a writer beside it commits is soon there, without another start."""
    ran = run_pipeline(sums(steps=2), tmp_path)
    with viewing(ran.folder) as client:
        before, listed = client.get("/pulse").text, found(main(client, "/A/problems"))
        assert before == client.get("/pulse").text
        run_pipeline(sums(steps=6), tmp_path, resume=True)
        index = client.app.state.runs[0].index  # type: ignore[attr-defined]  # it is a Starlette
        with Reader.open(ran.folder) as ledger:
            (last,) = next(ledger.query("SELECT max(rowid) FROM problem"))
        while index.last < last:
            time.sleep(0.01)
        assert client.get("/pulse").text != before
        assert found(main(client, "/A/problems"))[0].startswith("1.6.")
        assert not set(found(main(client, "/A/problems"))) <= set(listed)
        assert "step 6 of 6" in main(client, "/").words


def test_a_ledger_that_cannot_be_read_just_now_is_told(run_folder: Path, tmp_path: Path) -> None:
    with viewing(run_folder) as client:
        ledger = client.app.state.runs[0].ledger  # type: ignore[attr-defined]  # it is a Starlette

        def failing(*_: object) -> None:
            raise sqlite3.OperationalError("disk I/O error")

        ledger.solved_one = failing
        shown = main(client, "/A/problem/1.1.1", 503)
    assert "disk I/O error" in shown.words


def test_the_ledger_is_never_written(run_folder: Path) -> None:
    def content() -> list[Any]:
        with closing(sqlite3.connect(run_folder / "sparq.db")) as connection:
            return list(connection.iterdump())

    before = content()
    with viewing(run_folder) as client:
        for address in ("/", "/A/problems?text=is", "/A/random"):
            assert client.get(address).status_code == 200
    assert content() == before
