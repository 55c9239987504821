"""Statements whose embeddings are alike are turned away."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_core.testing import run_pipeline
from sparq_screen.similar import Similar, SimilarConfig
from sparq_tiny import MODEL

APPLES = "Anna has twelve apples and Ben gives her seven more. How many apples has she?"
TRAIN = "A train with 103 people stops. 73 step out and 53 step in. How many people go on?"


def run_in(folder: Path | None) -> sparq.Run:
    pipeline = sparq.Pipeline(name="x", steps=1, models={}, plugins=[])
    return sparq.Run(pipeline=pipeline, base=Path(), folder=folder, models={})


def admit(folder: Path | None, *batches: list[str], threshold: float = 0.95) -> list[list[str | None]]:
    plugin = Similar(SimilarConfig(model=str(MODEL), threshold=threshold))
    plugin.start(run_in(folder))
    said = [plugin.admit([sparq.Problem(id="1.1.1", statement=text) for text in batch]) for batch in batches]
    plugin.stop()
    return said


def test_what_is_alike_is_turned_away_in_its_batch_and_later() -> None:
    more = TRAIN.replace("103", "104")
    assert admit(None, [TRAIN, more, APPLES], [more, APPLES, ""]) == [
        [None, "similar", None],
        ["similar", "similar", None],
    ]


def test_the_same_statement_is_similar_at_any_threshold() -> None:
    assert admit(None, [APPLES], [APPLES, TRAIN], threshold=1.0) == [[None], ["similar", None]]


def test_statements_with_a_shared_preamble_are_compared_by_a_field() -> None:
    def asked(question: object) -> sparq.Problem:
        return sparq.Problem(id="1.1.1", statement=f"{20 * APPLES}\n{question}", extra={"question": question})

    whole, by_question = (Similar(SimilarConfig(model=str(MODEL), field=field)) for field in (None, "question"))
    children = [asked(APPLES), asked(""), asked(TRAIN), asked(7), asked(TRAIN)]
    whole.start(run_in(None))
    by_question.start(run_in(None))
    assert whole.admit(children)[2] == "similar"
    nothing = "no question to compare"
    assert by_question.admit(children) == [None, nothing, None, nothing, "similar"]


def test_batches_do_not_change_a_vector(tmp_path: Path) -> None:
    texts = [f"{APPLES} And then {i} pears?" for i in range(20)]
    together, apart = admit(None, texts, threshold=0.999), admit(None, *([text] for text in texts), threshold=0.999)
    assert together[0] == [reason for said in apart for reason in said]


def test_vectors_are_made_once_and_a_torn_one_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = admit(tmp_path, [APPLES, TRAIN])
    (file,) = tmp_path.glob("*.vectors")
    size = file.stat().st_size
    with file.open("r+b") as stream:
        stream.truncate(size - 7)
    assert admit(tmp_path, [APPLES, TRAIN]) == said
    assert file.stat().st_size == size
    monkeypatch.setattr("sparq_screen.embeddings.Embeddings._make", None)
    assert admit(tmp_path, [APPLES, TRAIN]) == said


def test_a_run_with_it_is_resumed(sums: Callable[..., Any], tmp_path: Path) -> None:
    pipeline = sums(steps=2, admit=False)
    pipeline["plugins"].insert(3, {"use": "similar", "with": {"model": str(MODEL), "threshold": 0.99}})
    run_pipeline(pipeline, tmp_path)
    ran = run_pipeline({**pipeline, "steps": 4}, tmp_path, resume=True)
    assert ran.ending.tally.reasons
    assert (ran.folder / f"{Path(MODEL).name}-512.vectors").exists()
