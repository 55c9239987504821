"""The card beside an export, as the Hub's own library and `load_dataset` read it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from runs import rows, sparq_command

from sparq_core import replay
from sparq_core.contract.errors import PipelineError
from sparq_core.ledger import dataset
from sparq_core.ledger.reader import Reader
from sparq_core.publish import export as exporting
from sparq_core.publish import markdown
from sparq_core.publish.facts import licence_of, plugins_of
from sparq_core.testing import run_pipeline


@pytest.fixture
def folder(run_folder: Path, tmp_path: Path) -> Path:
    """A finished run of one's own."""
    return Path(shutil.copytree(run_folder, tmp_path / "run"))


def export(run: Path, to: Path, kind: str = "jsonl") -> Path:
    return Path(exporting.export(exporting.Order(runs=[run], kind=kind), str(to)).place)


def solve_rates(exported: list[dict[str, Any]]) -> dict[str, float]:
    """By problem."""
    return {row["id"].partition("/")[0]: row["solve_rate"] for row in exported}


def read(card: Path) -> Any:
    from huggingface_hub import DatasetCard

    return DatasetCard.load(card)


def test_a_file_has_its_card_beside_it(folder: Path, tmp_path: Path) -> None:
    told = sparq_command("export", str(folder), "--to", str(tmp_path / "out.jsonl"), "--license", "cc-by-4.0")
    assert "described in" in told
    card = read(tmp_path / "out.jsonl.card.md")
    assert (card.data.license, card.data.size_categories) == ("cc-by-4.0", ["n<1K"])
    assert card.data.configs[0]["data_files"] == [{"split": "train", "path": "out.jsonl"}]
    exported = rows(tmp_path / "out.jsonl")
    assert f"{len(exported):,} solutions of {len(solve_rates(exported))} problems" in card.text
    for column in exported[0]:
        assert f"| `{column}` |" in card.text


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_a_folder_is_what_load_dataset_takes(folder: Path, tmp_path: Path, kind: str) -> None:
    from datasets import load_dataset

    to = tmp_path / "out"
    export(folder, to, kind)
    found = sorted(path.relative_to(to).as_posix() for path in to.rglob("*") if path.is_file())
    assert found == ["README.md", f"data/train-00000-of-00001.{kind}"]
    loaded = load_dataset(str(to), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded["id"] == [row["id"] for row in rows(export(folder, tmp_path / "out.jsonl"))]
    assert read(to / "README.md").data.configs[0]["data_files"][0]["path"] == f"data/train-*.{kind}"


def test_its_histogram_and_funnel_are_those_of_the_ledger(folder: Path) -> None:
    problems = solve_rates(rows(export(folder, folder / "dataset" / "export.jsonl")))
    text = (folder / "dataset" / "export.jsonl.card.md").read_text()
    (bars,) = (block for block in text.split("```") if block.startswith("text\n"))
    counted = [line.split()[:2] for line in bars.splitlines()[1:]]
    assert [(float(rate), int(count)) for rate, count in counted] == [
        (place / 8, sum(rate == place / 8 for rate in problems.values())) for place in range(9)
    ]
    facts = json.loads(sparq_command("status", str(folder), "--json"))
    for name in ("proposed", "rejected", "kept"):
        assert f"| {name} | {facts['children'][name]:,} |" in text
    assert facts["digest"] in text


def test_the_same_ledger_gives_the_same_card_wherever_it_is(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "elsewhere")
    for run in (folder, tmp_path / "elsewhere"):
        export(run, run / "dataset" / "export.jsonl")
    cards = [(run / "dataset" / "export.jsonl.card.md").read_bytes() for run in (folder, tmp_path / "elsewhere")]
    assert cards[0] == cards[1]
    assert str(tmp_path).encode() not in cards[0]


def test_a_card_that_was_edited_is_not_replaced(folder: Path, tmp_path: Path) -> None:
    to, beside = tmp_path / "out", tmp_path / "out.jsonl.card.md"
    for place, card in ((to, to / "README.md"), (tmp_path / "out.jsonl", beside)):
        for _ in range(2):
            export(folder, place)
        card.write_text(card.read_text() + "\nMine.\n")
        before = card.read_bytes()
        with pytest.raises(PipelineError, match="earlier output of this command"):
            export(folder, place)
        assert card.read_bytes() == before


@pytest.mark.parametrize("mine", ["notes.txt", "data/mine.parquet", "data/train-00000-of-00001.parquet/x"])
def test_a_folder_with_something_else_in_it_is_refused(folder: Path, tmp_path: Path, mine: str) -> None:
    to = tmp_path / "out"
    if "/x" not in mine:
        export(folder, to)
    (to / mine).parent.mkdir(parents=True, exist_ok=True)
    (to / mine).write_text("mine")
    with pytest.raises(PipelineError, match="contains something other"):
        export(folder, to)
    assert (to / mine).read_text() == "mine"


@pytest.mark.parametrize("place", [".", "models", "dataset"])
def test_what_a_run_keeps_is_no_place_for_an_export(folder: Path, place: str) -> None:
    before = sorted(folder.rglob("*"))
    with pytest.raises(PipelineError, match="belongs to a run"):
        export(folder, folder / place)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("grading", [1, 2])
def test_the_problems_of_the_dataset_are_those_of_its_rows(run_folder: Path, tmp_path: Path, grading: int) -> None:
    folder = Path(shutil.copytree(run_folder, tmp_path / "graded"))
    replay.regrade(folder, ["attempts.min_decided=1.0"])
    with Reader.open(folder, grading) as ledger:
        counts: dict[str, int] = {}
        for example in dataset.chosen(ledger):
            counts[example.problem] = counts.get(example.problem, 0) + 1
        found = list(dataset.chosen_problems(ledger))
        assert [(one.problem, one.rows) for one in found] == list(counts.items())
        assert [one.solve_rate for one in found] == [ledger.child(one.problem).solve_rate for one in found]


def test_options_that_may_name_files_or_secrets_are_not_told(sums: Callable[..., Any], tmp_path: Path) -> None:
    ran = run_pipeline(sums(steps=1), tmp_path)
    used = {plugin.name: plugin for plugin in plugins_of(ran.read())}
    assert used["jsonl-seeds"].options == {}
    assert used["jsonl-seeds"].distribution.startswith("sparq-engine ")


@pytest.mark.parametrize(
    "text", ["a|b", "`a`", "``", "<script>alert(1)</script>", "[x](http://e.org)", "a\nb\x1b[31m\u202e", " ", "*" * 999]
)
def test_what_others_wrote_is_code_in_a_card(text: str) -> None:
    html = MarkdownIt("commonmark").enable("table").render(markdown.table(["x"], [[markdown.code(text)]]))
    assert "<script" not in html
    assert "<a " not in html
    assert html.count("<td>") == 1
    assert "\x1b" not in html
    assert len(html) < 1000


@pytest.mark.parametrize(
    ("head", "licence"),
    [
        ("license: apache-2.0", "apache-2.0"),
        ("license: [a, b]", None),
        ("license: '`x` <b>'", None),
        ("license: &a [*a]", None),
        ("license: !!python/object:os.system x", None),
        ("{" * 5000, None),
        ("x: y", None),
    ],
)
def test_the_licence_of_a_model_is_read_from_its_card(tmp_path: Path, head: str, licence: str | None) -> None:
    (tmp_path / "README.md").write_text(f"---\n{head}\n---\n# A model\n")
    assert licence_of(tmp_path / "README.md") == licence
    assert licence_of(tmp_path / "nothing.md") is None
