"""Sampling from a chat endpoint: a scripted server, faultless or faulty; what a run gets through it is compared row by row."""

import gc
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from faulty_server import FaultyServer, serving
from runs import sparq_command

import sparq_core as sparq
from sparq_core.pipeline import prepare
from sparq_core.testing import Ran, ScriptedSampler, check_plugin, run_pipeline
from sparq_core.testing.rehearsal import run_of
from sparq_openai import OpenAIConfig, OpenAISampler
from sparq_openai.limiter import Limiter

KEY = "sk-a-secret-key-of-48-characters-0123456789abcdef"
MODEL = sparq.Model(name="student", path="sums", digest="d")
RUN = run_of()
FAST: dict[str, Any] = {"timeout": 0.4, "backoff": 0.01}


def request(number: int = 1, n: int = 1, **sampling: Any) -> sparq.Request:
    text = f"What is {number} + {number + 3}?"
    options = sparq.Sampling(**sampling)
    return sparq.Request(messages=(sparq.Message("user", text),), seed=1000 * number, n=n, sampling=options)


@pytest.fixture
def ask() -> Callable[..., list[list[sparq.Completion]]]:
    """Asks a server for requests, through a sampler with the given options."""

    def make(server: FaultyServer, requests: list[sparq.Request], **options: Any) -> list[list[sparq.Completion]]:
        with serving(server) as url:
            sampler = OpenAISampler(OpenAIConfig(**{"base_url": url, **FAST, **options})).sampler(MODEL)
            try:
                return sampler.sample(requests)
            finally:
                sampler.close()

    return make


def texts(answers: list[list[sparq.Completion]]) -> list[list[str]]:
    return [[completion.text for completion in samples] for samples in answers]


def scripted(requests: list[sparq.Request]) -> list[list[str]]:
    return texts(ScriptedSampler().sample(requests))


Ask = Callable[..., list[list[sparq.Completion]]]


# -- one request -------------------------------------------------------------------------------------------------------


def test_completions_come_in_the_order_of_the_requests_and_their_seeds(ask: Ask) -> None:
    requests = [request(i, n=4) for i in range(20)]
    server = FaultyServer()
    assert texts(ask(server, requests, timeout=20.0)) == scripted(requests)
    assert len(server.bodies) == 20
    assert {body["n"] for body in server.bodies} == {4}


def test_a_served_model_keeps_the_contract() -> None:
    with serving(FaultyServer()) as url:
        check_plugin(OpenAISampler(OpenAIConfig(base_url=url, **FAST)), model="sums")


def test_no_requests_no_answers(ask: Ask) -> None:
    assert ask(FaultyServer(), []) == []


def test_settings_are_sent(ask: Ask) -> None:
    server = FaultyServer()
    asked = request(temperature=0.5, top_p=0.9, max_tokens=77, stop=("END",))
    ask(server, [asked], extra={"top_k": 5})
    (body,) = server.bodies
    assert body == {
        "model": "sums",
        "messages": [{"role": "user", "content": "What is 1 + 4?"}],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 77,
        "stop": ["END"],
        "seed": 1000,
        "top_k": 5,
    }


def test_settings_may_be_named_or_left_out_as_the_endpoint_likes(ask: Ask) -> None:
    server = FaultyServer()
    ask(server, [request(n=2)], send_seed=False, max_tokens_name="max_completion_tokens", n_per_request=1)
    assert [set(body) & {"seed", "max_tokens", "max_completion_tokens", "n"} for body in server.bodies] == [
        {"max_completion_tokens"}
    ] * 2


@pytest.mark.parametrize("give", [0, 1, 3])
def test_a_server_that_gives_fewer_samples_is_asked_for_one_each(ask: Ask, give: int) -> None:
    requests = [request(i, n=8) for i in range(12)]
    server = FaultyServer(give=give)
    assert texts(ask(server, requests, timeout=20.0)) == scripted(requests)
    assert sum(body.get("n", 1) == 1 for body in server.bodies) > 50
    assert len({(body["messages"][0]["content"], body["seed"], body.get("n", 1)) for body in server.bodies}) == len(
        server.bodies
    )


def test_tokens_are_the_servers_count_to_the_last(ask: Ask) -> None:
    server = FaultyServer()
    answers = ask(server, [request(i, n=5) for i in range(7)])
    assert sum(c.tokens for samples in answers for c in samples) == server.tokens
    assert [[c.prompt_tokens > 0 for c in samples] for samples in answers] == [[True] + [False] * 4] * 7
    assert sum(c.prompt_tokens for samples in answers for c in samples) == server.prompt_tokens


def reply(status: int, **body: Any) -> FaultyServer:
    return FaultyServer(always={"status": status, "body": body})


def choice(reason: str, **message: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": message, "finish_reason": reason}]}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (choice("stop", content="4"), ("4", "stop")),
        (choice("length", content="4 is"), ("4 is", "length")),
        (choice("length", content=None), ("", "length")),
        (choice("content_filter", content="4 i"), ("", "refused")),
        (choice("stop", content=None, refusal="I would rather not."), ("", "refused")),
        (choice("tool_calls", content=None), ("", "refused")),
        (choice("eos", content="4"), ("4", "stop")),
    ],
)
def test_how_a_completion_ended_is_told(ask: Ask, answer: dict[str, Any], expected: tuple[str, str]) -> None:
    ((completion,),) = ask(reply(200, **answer), [request()])
    assert (completion.text, completion.finish) == expected
    assert completion.tokens == 0


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 7, "completion_tokens": 3}, (7, 3)),
        ({"prompt_tokens": 7.0, "completion_tokens": 3.0}, (7, 3)),
        ({"prompt_tokens": None, "completion_tokens": -3}, (0, 0)),
        ({"prompt_tokens": 10**30, "completion_tokens": "3"}, (0, 0)),
        ({"prompt_tokens": 7, "completion_tokens": 1e300}, (7, 0)),
        ([7, 3], (0, 0)),
        (None, (0, 0)),
    ],
)
def test_what_a_server_counts_is_mended(ask: Ask, usage: Any, counted: tuple[int, int]) -> None:
    ((completion,),) = ask(reply(200, **choice("stop", content="4"), usage=usage), [request()])
    assert (completion.text, completion.prompt_tokens, completion.tokens) == ("4", *counted)


@pytest.mark.parametrize(
    ("error", "finish"),
    [
        ({"message": "This model's maximum context length is 512 tokens. However, you requested 600"}, "too-long"),
        ({"message": "too many", "code": "context_length_exceeded"}, "too-long"),
        ({"message": "the request exceeds the available context size, try increasing it"}, "too-long"),
        ({"message": "filtered", "code": "content_filter"}, "refused"),
    ],
)
def test_a_prompt_that_is_not_taken_is_data(ask: Ask, error: dict[str, str], finish: str) -> None:
    answers = ask(reply(400, error=error), [request(n=3), request(2)])
    assert [[(c.text, c.finish, c.tokens) for c in samples] for samples in answers] == [
        [("", finish, 0)] * 3,
        [("", finish, 0)],
    ]


# -- what cannot work --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "said", "remedy"),
    [
        (401, "no key", "with.key_env"),
        (404, "The model `sums` does not exist", "does it serve a model 'sums'"),
        (400, "Unsupported parameter: 'max_tokens'", "with.max_tokens_name"),
        (400, "Extra inputs are not permitted: seed", "with.send_seed: false"),
        (400, "top_k must be positive", "with.extra"),
    ],
)
def test_a_refusal_ends_at_once_with_one_message(ask: Ask, status: int, said: str, remedy: str) -> None:
    server = reply(status, error={"message": said})
    with pytest.raises(sparq.SparqError) as caught:
        ask(server, [request(i) for i in range(50)])
    told = str(caught.value)
    assert told.startswith("models.student: http://127.0.0.1")
    assert f"answered {status}: {said}; " in told
    assert remedy in told
    assert len(server.bodies) <= 32


def test_an_empty_account_is_not_waited_for(ask: Ask) -> None:
    server = reply(429, error={"message": "You exceeded your current quota", "code": "insufficient_quota"})
    with pytest.raises(sparq.SparqError, match="exceeded your current quota"):
        ask(server, [request()])
    assert len(server.bodies) == 1


def test_retries_are_bounded_and_the_cause_is_named(ask: Ask) -> None:
    server = FaultyServer(share=1.0, kinds=("error",))
    with pytest.raises(sparq.SparqError, match=r"answered 500: out of memory 4 times; continue with --resume"):
        ask(server, [request()], retries=3)
    assert server.met == {"error": 4}


def test_a_server_that_asks_for_too_much_patience_ends_the_run(ask: Ask) -> None:
    server = FaultyServer(share=1.0, kinds=("storm",), retry_after="7200")
    with pytest.raises(sparq.SparqError, match="it asks to wait 7,200 s"):
        ask(server, [request()])


def test_nobody_there_is_said_soon() -> None:
    sampler = OpenAISampler(OpenAIConfig(base_url="http://127.0.0.1:9/v1", **FAST)).sampler(MODEL)
    began = time.monotonic()
    with pytest.raises(sparq.SparqError, match=r"is it running, is with\.base_url right"):
        sampler.sample([request()])
    assert time.monotonic() - began < 5
    with pytest.raises(sparq.SparqError, match="is it running"):
        sampler.sample([request()])
    sampler.close()


def test_calls_of_other_threads_end_with_the_same_cause(ask: Ask) -> None:
    server = FaultyServer(share=1.0, kinds=("storm",), retry_after="30")
    told: list[str] = []
    with serving(server) as url:
        sampler = OpenAISampler(OpenAIConfig(base_url=url, **FAST)).sampler(MODEL)

        def wait() -> None:
            with pytest.raises(sparq.SparqError) as caught:
                sampler.sample([request(7)])
            told.append(str(caught.value))

        waiting = threading.Thread(target=wait)
        waiting.start()
        while not server.bodies:
            time.sleep(0.01)
        server._share, server._always = 0.0, {"status": 403, "body": {"error": {"message": "go away"}}}
        with pytest.raises(sparq.SparqError, match="go away") as caught:
            sampler.sample([request()])
        waiting.join(5)
        sampler.close()
    assert told == [str(caught.value)]


def test_a_failure_that_ends_many_calls_is_logged_by_none(caplog: pytest.LogCaptureFixture) -> None:
    sampler = OpenAISampler(OpenAIConfig(base_url="http://127.0.0.1:9/v1", **FAST)).sampler(MODEL)

    def fail(number: int) -> str:
        with pytest.raises(sparq.SparqError) as caught:
            sampler.sample([request(number)])
        return str(caught.value)

    with ThreadPoolExecutor(8) as pool:
        told = set(pool.map(fail, range(8)))
    sampler.close()
    gc.collect()
    assert len(told) == 1
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


# -- the key -----------------------------------------------------------------------------------------------------------


def test_the_key_comes_from_the_environment_and_goes_to_its_endpoint_only(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID"):
        monkeypatch.setenv(f"OPENAI_{name}", "not-for-strangers")
    monkeypatch.setenv("OURS", KEY)
    assert ask(FaultyServer(key=KEY), [request()], key_env="OURS")[0][0].text
    stranger = FaultyServer()
    ask(stranger, [request()])
    (head,) = stranger.heads
    assert "not-for-strangers" not in head
    assert KEY not in head


def test_a_placeholder_for_a_key_changes_no_answer(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "4")
    assert texts(ask(FaultyServer(key="4"), [request(44)], key_env="OURS")) == scripted([request(44)])


def test_the_endpoints_own_names_are_used() -> None:
    assert OpenAIConfig(key_env="OURS").tokens_name() == "max_completion_tokens"
    assert OpenAIConfig(base_url="http://127.0.0.1/v1").tokens_name() == "max_tokens"
    assert OpenAIConfig(max_tokens_name="max_tokens").tokens_name() == "max_tokens"


def test_the_key_is_in_no_message_and_no_file(
    sums: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", KEY)
    echo = {"<problem>": [f"<problem>{KEY}?</problem><solution>\\boxed{{1}}</solution>"], "": [KEY + " \\boxed{1}"]}
    with serving(FaultyServer(key=KEY, answers=echo)) as url:
        run_pipeline(sums(models=through(url, key_env="OURS"), steps=2), tmp_path)
    with serving(FaultyServer(key="another")) as url:
        failed = command(sums(models=through(url, key_env="OURS")), tmp_path / "failed", "run")
    assert failed.returncode == 1
    assert "Incorrect API key provided: Bearer …; check the key in OURS" in failed.stderr
    written = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(written) > 5
    for file in written:
        assert KEY.encode() not in file.read_bytes(), file
    with sparq.Reader.open(tmp_path / "run") as ledger:
        judged = [
            text
            for (problem,) in ledger.query("SELECT DISTINCT problem FROM attempt")
            for text in seen(ledger, problem)
        ]
    assert judged
    assert not any(KEY in text for text in judged)
    assert KEY not in failed.stderr + failed.stdout


def seen(ledger: sparq.Reader, problem: str) -> list[str]:
    return [judged.attempt.text for judged in ledger.judged(problem)]


# -- before anything is sent -------------------------------------------------------------------------------------------


def findings(model: sparq.Model = MODEL, **options: Any) -> list[str]:
    return [f"{f.place}: {f.message}" for f in OpenAISampler(OpenAIConfig(**options)).check(RUN, model)]


def test_check_asks_for_a_key_where_one_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert "cannot be reached" in findings(base_url="http://127.0.0.1:9/v1")[0]
    assert "OPENAI_API_KEY is not set" in findings()[0]
    assert findings(base_url="http://127.0.0.1:9/v1", key_env="OURS")[0].startswith("with.key_env: ")
    monkeypatch.setenv("OURS", KEY)
    assert findings(key_env="OURS") == []


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"base_url": "127.0.0.1:8000"}, "with.base_url"),
        ({"base_url": "http://[127.0.0.1/v1"}, "with.base_url"),
        ({"base_url": "http://127.0.0.1:80000/v1"}, "with.base_url"),
        ({"base_url": "http://127.0.0.1\x1b/v1"}, "with.base_url"),
        ({"base_url": "http://me:secret@127.0.0.1/v1"}, "with.base_url"),
        ({"base_url": "http://127.0.0.1/v1?api_key=secret"}, "with.base_url"),
        ({"base_url": "http://127.0.0.1/v1#secret"}, "with.base_url"),
        ({"base_url": "http://127.0.0.1/v1", "concurrency": (9, 3)}, "with.concurrency"),
    ],
)
def test_check_finds_what_cannot_be_meant(options: dict[str, Any], place: str) -> None:
    (found,) = findings(**options)
    assert found.startswith(place)
    assert "secret" not in found


def test_check_finds_a_chat_template_that_would_not_be_used() -> None:
    assert findings(sparq.Model(name="s", path="m", digest="d", chat_template="x"), base_url="http://h/v1")[
        0
    ].startswith("chat_template: the endpoint applies a template of its own")


def test_a_key_in_place_of_its_name_is_not_repeated(sums: Callable[..., Any], tmp_path: Path) -> None:
    failed = command(sums(models=through("http://127.0.0.1:9/v1", key_env=KEY)), tmp_path, "check")
    assert failed.returncode == 2
    assert "key_env" in failed.stderr
    assert KEY not in failed.stderr


def test_prices_that_are_none_are_found(sums: Callable[..., Any], tmp_path: Path) -> None:
    model = {"use": "scripted", "model": "sums", "prices": {"input": -1, "output": 2}}
    failed = command(sums(models={"student": model}), tmp_path, "check")
    assert failed.returncode == 2
    assert "models.student.prices.input" in failed.stderr


# -- a faulty server ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["drop", "slow", "storm", "error", "malformed", "cut"])
def test_a_passing_fault_loses_no_row(ask: Ask, kind: str) -> None:
    requests = [request(i, n=3) for i in range(40)]
    server = FaultyServer(share=0.4, kinds=(kind,), slow=0.5)
    answers = ask(server, requests, timeout=0.3 if kind == "slow" else 60)
    assert texts(answers) == scripted(requests)
    assert server.met[kind] > 10
    assert server.met["none"] >= 40 if kind == "slow" else server.met["none"] == 40


def test_a_storm_lowers_the_concurrency_and_every_row_comes_back() -> None:
    requests = [request(i) for i in range(200)]
    server = FaultyServer(latency=0.05, capacity=6, retry_after="0.01")
    with serving(server) as url:
        options = OpenAIConfig(base_url=url, backoff=0.01, concurrency=(64, 64), retries=50)
        sampler = OpenAISampler(options).sampler(MODEL)
        assert texts(sampler.sample(requests)) == scripted(requests)
        assert sampler.pool.servers[0].limiter.limit < 48
        sampler.close()
    assert server.met["storm"] > 20
    assert len(server.bodies) < 2 * len(requests)


def test_a_server_that_bears_it_is_asked_for_more() -> None:
    with serving(server := FaultyServer(latency=0.02)) as url:
        sampler = OpenAISampler(OpenAIConfig(base_url=url, concurrency=(2, 32))).sampler(MODEL)
        sampler.sample([request(i) for i in range(200)])
        sampler.close()
    assert server.opened[0] == 1
    assert 8 < server.most_open <= 32


def test_the_limiter_takes_few_pushes_for_chance_and_many_for_a_crowd() -> None:
    limiter = Limiter(100, 100)
    for i in range(100):
        limiter.answered(pushed=i % 20 == 0)
    assert limiter.limit == 100
    for i in range(100):
        limiter.answered(pushed=i % 2 == 0)
    assert limiter.limit == 75
    for _ in range(1000):
        limiter.answered(pushed=True)
    assert limiter.limit == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        *((None, 0), ("7", 7), ("0.5", 0.5), ("-3", 0), ("soon", 0), ("nan", 0)),
        *(("Fri, 02 Jan 2026 00:00:30 GMT", 30), ("Fri, 02 Jan 2026 00:00:30 +999999999999", 0)),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float) -> None:
    from sparq_openai.faults import retry_after

    assert retry_after(header, datetime(2026, 1, 2, tzinfo=UTC)) == seconds


def test_retry_after_is_honoured(ask: Ask) -> None:
    server = FaultyServer(share=0.5, kinds=("storm",), retry_after="0.5", seed=3)
    began = time.monotonic()
    ask(server, [request(i) for i in range(8)])
    assert server.met["storm"]
    assert time.monotonic() - began >= 0.5


# -- whole runs --------------------------------------------------------------------------------------------------------


def through(url: str, **options: Any) -> dict[str, Any]:
    return {"student": {"use": "openai", "model": "sums", "with": {"base_url": url, **FAST, **options}}}


def command(pipeline: dict[str, Any], folder: Path, name: str) -> "subprocess.CompletedProcess[str]":
    folder.mkdir(exist_ok=True)
    (folder / "pipeline.yaml").write_text(json.dumps(pipeline))
    out = ["--out", str(folder / "out")] if name == "run" else []
    words = [sys.executable, "-m", "sparq_core.cli", name, str(folder / "pipeline.yaml"), *out]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def attempts(ran: Ran) -> dict[tuple[str, int], tuple[int, str, str]]:
    """What every attempt came to, by problem and k; each is there once."""
    with ran.read() as ledger:
        problems = [problem for (problem,) in ledger.query("SELECT DISTINCT problem FROM attempt")]
        rows = [
            ((problem, j.attempt.k), (j.attempt.seed, j.attempt.text, j.verdict.value))
            for problem in problems
            for j in ledger.judged(problem)
        ]
    assert len(dict(rows)) == len(rows)
    return dict(rows)


def test_a_run_through_a_faulty_server_has_the_attempts_of_a_faultless_one(
    sums: Callable[..., Any], tmp_path: Path
) -> None:
    whole = run_pipeline(sums(), tmp_path / "whole")
    with serving(server := FaultyServer(share=0.2, slow=0.5)) as url:
        ran = run_pipeline(sums(models=through(url)), tmp_path / "faulty")
    assert set(server.met) == {"none", "drop", "slow", "storm", "error", "malformed", "cut"}
    assert attempts(ran) == attempts(whole)
    assert ran.ending.tally.outcomes == whole.ending.tally.outcomes
    retried = ran.ending.tally.retried
    assert retried.requests >= sum(n for kind, n in server.met.items() if kind != "none") > 0
    assert f"{retried.requests:,} requests sent again" in " ".join(sparq_command("status", str(ran.folder)).split())
    assert whole.ending.tally.retried.requests == 0


def test_a_run_that_failed_goes_on_without_repeating_an_attempt(sums: Callable[..., Any], tmp_path: Path) -> None:
    whole = run_pipeline(sums(), tmp_path / "whole")
    server = FaultyServer()
    with serving(server) as url:
        loaded = sums(models=through(url, retries=2))
        threading.Thread(target=break_after, args=(server, 150), daemon=True).start()
        with pytest.raises(sparq.SparqError, match="answered 500: out of memory 3 times"):
            run_pipeline(loaded, tmp_path / "parts")
    with sparq.Reader.open(tmp_path / "parts" / "run") as ledger:
        before = list(ledger.query("SELECT * FROM attempt"))
        assert 0 < ledger.steps_of(1) < 10
    with serving(FaultyServer()) as url:
        done = run_pipeline(sums(models=through(url, retries=7)), tmp_path / "parts", resume=True)
    assert list(done.read().query("SELECT * FROM attempt"))[: len(before)] == before
    assert attempts(done) == attempts(whole)


def break_after(server: FaultyServer, requests: int) -> None:
    while len(server.bodies) < requests:
        time.sleep(0.001)
    server._share, server._kinds = 1.0, ("error",)


def test_refused_attempts_are_unknown_and_said_to_be(sums: Callable[..., Any], tmp_path: Path) -> None:
    with serving(Refusing()) as url:
        ran = run_pipeline(sums(models=through(url), steps=6), tmp_path)
    assert set(ran.ending.tally.why) == {"unknown: refused"}
    assert ran.ending.tally.outcomes["unresolved"] > 0
    assert [e for e in ran.events if isinstance(e, sparq.Warned) and "content filter" in e.message]


class Refusing(FaultyServer):
    """Writes problems, but solves none."""

    def _answer(self, body: Any, n: int) -> dict[str, Any]:
        answer = super()._answer(body, n)
        for choice in answer["choices"] if "boxed" in str(body) and "<problem>" not in str(body) else ():
            choice["finish_reason"] = "content_filter"
        return answer


def test_a_wrong_key_stops_the_command_with_one_message(
    sums: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", KEY)
    with serving(FaultyServer(key="another")) as url:
        failed = command(sums(models=through(url, key_env="OURS")), tmp_path, "run")
    assert failed.returncode == 1
    assert failed.stderr.count("answered 401") == 1
    assert "Traceback" not in failed.stderr
    assert "--resume" in failed.stderr


def test_an_api_model_is_not_trained(sums: Callable[..., Any], tmp_path: Path) -> None:
    pytest.importorskip("trl")
    pipeline = sums(models=through("http://127.0.0.1:9/v1"))
    pipeline["plugins"].append({"use": "sft"})
    path = tmp_path / "pipeline.yaml"
    path.write_text(json.dumps(pipeline))
    with pytest.raises(sparq.PipelineError, match="a model served by 'openai' cannot be trained"):
        prepare.load(path)
