"""Whatever a server sends: a completion, or a fault that names it; bounded, and never with the key."""

import json
import resource
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from faulty_server import FaultyServer, serving
from hostile_replies import REPLIES, hostile_reply, reply, spelt

import sparq_core as sparq
from sparq_core.ledger.conservation import check_conservation
from sparq_core.testing import run_pipeline
from sparq_openai import OpenAIConfig, OpenAISampler
from sparq_openai.bounds import LONGEST_REPLY
from sparq_openai.replies import completions, read
from sparq_openai.secrets import Secret

KEY = "sk-a/secret+key&of-48_characters-0123456789abcdef"
MODEL = sparq.Model(name="student", path="sums", digest="d")
REQUEST = sparq.Request(messages=(sparq.Message("user", "?"),), seed=1, sampling=sparq.Sampling(max_tokens=9))


def ask(server: FaultyServer, **options: Any) -> sparq.Completion:
    with serving(server) as url:
        config = OpenAIConfig(base_url=url, backoff=0.001, retries=1, **options)
        sampler = OpenAISampler(config).sampler(MODEL)
        try:
            ((completion,),) = sampler.sample([REQUEST])
        finally:
            sampler.close()
    return completion


@pytest.mark.parametrize("name", REPLIES)
def test_any_reply_is_a_completion_or_a_fault_that_is_told(name: str) -> None:
    body, text = REPLIES[name]
    server = FaultyServer(raw=[body])
    if text is None:
        with pytest.raises(
            sparq.SparqError, match=r"models\.student: .* gave an answer that cannot be read .* 2 times"
        ):
            ask(server)
        return
    completion = ask(server)
    assert completion.text == text
    assert completion.prompt_tokens in {0, 7}
    assert completion.tokens in {0, 3}


def test_a_body_that_does_not_end_is_not_held() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(sparq.SparqError, match=r"gave an answer that does not end \(more than 64 MiB\)"):
        ask(FaultyServer(share=1.0, kinds=["endless"]))
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    assert grown < 4 * LONGEST_REPLY


def test_no_reply_stops_its_reader() -> None:
    rng = Random(1)
    for _ in range(20_000):
        try:
            given = completions(read(hostile_reply(rng)), 1)
        except msgspec.DecodeError:
            continue
        assert all(0 <= c.tokens < 2**31 for c in given)


def test_a_run_of_hostile_replies_has_a_row_for_each(sums: Callable[..., Any], tmp_path: Path) -> None:
    good = [body for body, text in REPLIES.values() if text is not None]
    with serving(FaultyServer(raw=good)) as url:
        models = {"student": {"use": "openai", "model": "sums", "with": {"base_url": url}}}
        ran = run_pipeline(sums(models=models, steps=2, attempts={"k": 2, "seeds": True}), tmp_path)
    with ran.read() as ledger:
        check_conservation(ledger, ledger.tally())
        texts = [judged.attempt.text for judged in ledger.judged("0.1.0")]
        assert len(texts) == 2
        assert {why for (why,) in ledger.query("SELECT rejected_why FROM problem WHERE round = 1")} <= {
            "no <problem> tags",
            "refused",
        }


@pytest.mark.parametrize("spelling", range(len(list(spelt(KEY)))))
def test_a_key_is_taken_out_however_it_is_spelt(spelling: int) -> None:
    text = list(spelt(KEY))[spelling]
    told = Secret(KEY).out_of(f"before {text} after")
    assert told.startswith("before ")
    assert told.endswith(" after")
    assert "…" in told
    assert len(told) < 40
    assert Secret("short").out_of("a short word") == "a short word"


def test_an_echoed_key_is_in_no_message_and_no_file(
    sums: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", f"{KEY}\n")
    echoes = list(spelt(KEY))
    bodies = [
        reply(json.dumps(f"<problem>{i} {text}?</problem><solution>\\boxed{{{text}}}</solution>").encode())
        for i, text in enumerate(echoes)
    ]
    bodies += [reply(b'"' + "".join(f"\\u{ord(c):04x}" for c in KEY).encode() + b'"')]
    with serving(FaultyServer(raw=bodies)) as url:
        models = {"student": {"use": "openai", "model": "sums", "with": {"base_url": url, "key_env": "OURS"}}}
        cast = sums(models=models, steps=4, attempts={"k": 2, "seeds": True})
        cast["plugins"].append({"use": "event-log"})
        ran = run_pipeline(cast, tmp_path)
    with ran.read() as ledger:
        tables = ("problem", "completion", "verdict", "descriptor")
        kept = [str(row) for table in tables for row in ledger.query(f"SELECT * FROM {table}")]
        problems = [id_ for (id_,) in ledger.query("SELECT DISTINCT problem FROM attempt")]
        kept += [judged.attempt.text for id_ in problems for judged in ledger.judged(id_)]
    kept += [file.read_bytes().decode("utf-8", "replace") for file in tmp_path.rglob("*") if file.is_file()]
    assert len(kept) > 100
    for echo in echoes:
        assert not any(echo[8:-8] in text for text in kept), echo


@pytest.mark.parametrize("at", [250, 290, 390])
def test_a_key_at_the_end_of_what_is_told_is_not_cut_through(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    monkeypatch.setenv("OURS", KEY)
    body = {"error": {"message": "x" * at + KEY + "y" * 1_000}}
    with pytest.raises(sparq.SparqError) as caught:
        ask(FaultyServer(always={"status": 401, "body": body}), key_env="OURS")
    assert KEY[:8] not in str(caught.value)
    assert len(str(caught.value)) < 800
