"""Several servers of one model: who is asked, what happens while some are dead, and that a run is the same through them."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from faulty_server import FaultyServer, Life, living
from runs import digest, sparq_command

import sparq_core as sparq
from sparq_core.ledger.conservation import check_conservation
from sparq_core.testing import Ran, ScriptedSampler, run_pipeline
from sparq_core.testing.rehearsal import run_of
from sparq_openai import OpenAIConfig, OpenAISampler
from sparq_openai.pool import IN_A_ROW
from sparq_openai.sampler import ChatSampler

MODEL = sparq.Model(name="student", path="sums", digest="d")
RUN = run_of()
FAST: dict[str, Any] = {"timeout": 20.0, "backoff": 0.01}
NOBODY = "http://127.0.0.1:9/v1"


def request(number: int = 1, n: int = 1) -> sparq.Request:
    message = sparq.Message("user", f"What is {number} + {number + 3}?")
    return sparq.Request(messages=(message,), seed=1000 * number, n=n, sampling=sparq.Sampling())


def texts(answers: Sequence[Sequence[sparq.Completion]]) -> list[list[str]]:
    return [[completion.text for completion in samples] for samples in answers]


def scripted(requests: list[sparq.Request]) -> list[list[str]]:
    return texts(ScriptedSampler().sample(requests))


@contextmanager
def alive(*servers: FaultyServer) -> Iterator[list[Life]]:
    with ExitStack() as stack:
        yield [stack.enter_context(living(server)) for server in servers]


@contextmanager
def sampling(urls: Sequence[str], **options: Any) -> Iterator[ChatSampler]:
    sampler = OpenAISampler(OpenAIConfig(**{"base_url": tuple(urls), **FAST, **options})).sampler(MODEL)
    try:
        yield sampler
    finally:
        sampler.close()


def asked(server: FaultyServer) -> set[str]:
    """The problems that a server was asked for."""
    return {body["messages"][0]["content"] for body in server.bodies}


def wait_for(what: Callable[[], bool]) -> None:
    while not what():
        time.sleep(0.005)


# -- who is asked ------------------------------------------------------------------------------------------------------


def test_servers_share_the_requests_and_each_problem_stays_at_one() -> None:
    servers = FaultyServer(latency=0.01), FaultyServer(latency=0.01)
    waves = [[request(i, n=2) for i in range(40)] for _ in range(3)]
    with alive(*servers) as lives, sampling([life.url for life in lives], concurrency=(64, 64)) as sampler:
        assert [texts(sampler.sample(wave)) for wave in waves] == [scripted(wave) for wave in waves]
        assert sampler.slots == 128
    assert [len(server.bodies) for server in servers] == [60, 60]
    assert not asked(servers[0]) & asked(servers[1])


def test_a_server_that_is_crowded_is_asked_less_and_the_other_as_before() -> None:
    crowded, roomy = FaultyServer(latency=0.02, capacity=2), FaultyServer(latency=0.02)
    requests = [request(i) for i in range(160)]
    with alive(crowded, roomy) as lives, sampling([life.url for life in lives], concurrency=(16, 16)) as sampler:
        assert texts(sampler.sample(requests)) == scripted(requests)
        limits = [server.limiter.limit for server in sampler.pool.servers]
    assert limits[0] < 12
    assert limits[1] == 16
    assert crowded.met["storm"] > 10


def test_what_one_server_asks_to_wait_does_not_keep_a_request_from_another() -> None:
    crowded, roomy = FaultyServer(share=1.0, kinds=("storm",), retry_after="7200"), FaultyServer()
    requests = [request(i) for i in range(20)]
    with alive(crowded, roomy) as lives, sampling([life.url for life in lives]) as sampler:
        assert texts(sampler.sample(requests)) == scripted(requests)


# -- servers that die --------------------------------------------------------------------------------------------------


def test_a_server_that_was_never_there_costs_nothing_but_tries() -> None:
    requests = [request(i) for i in range(60)]
    with alive(FaultyServer()) as (life,), sampling([NOBODY, life.url]) as sampler:
        assert texts(sampler.sample(requests)) == scripted(requests)
        assert [server.state for server in sampler.pool.servers] == ["out", "in"]


@pytest.mark.parametrize("kind", ["error", "drop", "malformed"])
def test_a_server_that_only_fails_gets_few_requests(kind: str) -> None:
    broken, well = FaultyServer(share=1.0, kinds=(kind,)), FaultyServer(latency=0.01)
    requests = [request(i) for i in range(100)]
    with alive(broken, well) as lives, sampling([x.url for x in lives], concurrency=(8, 8), backoff=0.1) as sampler:
        assert texts(sampler.sample(requests)) == scripted(requests)
    assert IN_A_ROW <= len(broken.bodies) <= 8 + IN_A_ROW + broken.probes
    assert len(well.bodies) == 100


def test_a_server_that_dies_loses_nothing_and_is_asked_again_when_it_is_back() -> None:
    mortal, well = FaultyServer(latency=0.01), FaultyServer(latency=0.01)
    requests = [request(i, n=2) for i in range(160)]
    with alive(mortal, well) as lives, sampling([life.url for life in lives], concurrency=(8, 8)) as sampler:

        def die_and_come_back() -> None:
            wait_for(lambda: len(mortal.bodies) > 20)
            lives[0].die()
            wait_for(lambda: sampler.pool.servers[0].state == "out" and len(well.bodies) > 60)
            lives[0].come_back()

        fate = threading.Thread(target=die_and_come_back)
        fate.start()
        assert texts(sampler.sample(requests)) == scripted(requests)
        fate.join(20)
        before = len(mortal.bodies)
        assert texts(sampler.sample(requests)) == scripted(requests)
        assert [server.state for server in sampler.pool.servers] == ["in", "in"]
    assert len(mortal.bodies) - before > 40


def test_requests_wait_while_all_servers_are_dead() -> None:
    servers = FaultyServer(latency=0.01), FaultyServer(latency=0.01)
    requests = [request(i) for i in range(100)]
    with alive(*servers) as lives, sampling([life.url for life in lives], concurrency=(8, 8), retries=100) as sampler:

        def die_and_come_back() -> None:
            wait_for(lambda: len(servers[0].bodies) > 20)
            for life in lives:
                life.die()
            wait_for(lambda: sampler.pool.is_dead)
            lives[1].come_back()

        fate = threading.Thread(target=die_and_come_back)
        fate.start()
        assert texts(sampler.sample(requests)) == scripted(requests)
        fate.join(20)


def test_the_run_ends_when_all_stay_dead() -> None:
    servers = FaultyServer(), FaultyServer()
    with alive(*servers) as lives, sampling([life.url for life in lives], retries=4) as sampler:
        sampler.sample([request(i) for i in range(20)])
        for life in lives:
            life.die()
        with pytest.raises(sparq.SparqError) as caught:
            sampler.sample([request(i) for i in range(200)])
    told = str(caught.value)
    assert told.startswith("models.student: ")
    assert all(f"{life.url} broke the connection (" in told for life in lives)
    assert "continue with --resume once it works" in told


def test_nobody_anywhere_is_said_soon() -> None:
    others = "http://127.0.0.1:11/v1"
    with sampling([NOBODY, others]) as sampler, pytest.raises(sparq.SparqError) as caught:
        sampler.sample([request(i) for i in range(50)])
    assert f"{NOBODY} broke the connection" in str(caught.value)
    assert f"; {others} broke the connection" in str(caught.value)
    assert "is it running, is with.base_url right" in str(caught.value)


def test_a_server_that_refuses_ends_the_run_and_is_named() -> None:
    refusing = FaultyServer(always={"status": 404, "body": {"error": {"message": "no such model"}}})
    with alive(FaultyServer(), refusing) as lives, sampling([life.url for life in lives]) as sampler:
        with pytest.raises(sparq.SparqError) as caught:
            sampler.sample([request(i) for i in range(10)])
        assert str(caught.value).startswith(f"models.student: {lives[1].url} answered 404: no such model; ")


# -- whole runs --------------------------------------------------------------------------------------------------------


def through(urls: Sequence[str], **options: Any) -> dict[str, Any]:
    where: Any = urls[0] if len(urls) == 1 else list(urls)
    return {"student": {"use": "openai", "model": "sums", "with": {"base_url": where, **FAST, **options}}}


def exported(ran: Ran) -> bytes:
    """What the command writes as the run's dataset."""
    to = ran.folder.parent / "export.jsonl"
    sparq_command("export", str(ran.folder), "--to", str(to))
    return to.read_bytes()


def check_whole(ran: Ran) -> None:
    """AssertionError where an attempt is there twice, or the counts do not add up."""
    with ran.read() as ledger:
        check_conservation(ledger, ledger.tally())
        drawn, distinct = next(ledger.query("SELECT count(*), count(DISTINCT problem || '.' || k) FROM attempt"))
    assert drawn == distinct


class Fate(threading.Thread):
    """Servers that die at random and come back, `deaths` times in all, each after some more requests."""

    def __init__(self, servers: Sequence[FaultyServer], lives: Sequence[Life], deaths: int) -> None:
        super().__init__(daemon=True)
        self._servers, self._lives, self.left = servers, lives, deaths

    def run(self) -> None:
        random = Random(1)
        for _ in range(self.left):
            dying = random.sample(self._lives, random.choice((1, 1, 1, 2)))
            awaited = self._asked() + random.randrange(1, 5)
            wait_for(lambda awaited=awaited: self._asked() > awaited)  # type: ignore[misc]
            for life in dying:
                life.die()
            time.sleep(random.random() * 0.05)
            for life in dying:
                life.come_back()
            self.left -= 1

    def _asked(self) -> int:
        return sum(len(server.bodies) for server in self._servers)


def test_a_run_is_the_same_through_one_server_two_and_two_that_die(sums: Callable[..., Any], tmp_path: Path) -> None:
    def run(name: str, models: dict[str, Any]) -> Ran:
        return run_pipeline(sums(models=models, steps=20), tmp_path / name)

    with alive(FaultyServer()) as (life,):
        one = run("one", through([life.url]))
    with alive(FaultyServer(), FaultyServer()) as lives:
        two = run("two", through([life.url for life in lives]))
    servers = FaultyServer(latency=0.04), FaultyServer(latency=0.04)
    with alive(*servers) as lives:
        fate = Fate(servers, lives, deaths=20)
        fate.start()
        dying = run("dying", through([life.url for life in lives], retries=100, concurrency=[4, 4]))
        assert fate.left == 0
    for ran in (two, dying):
        check_whole(ran)
        assert ran.ending.tally.replicas["student"].number == 2
        assert digest(ran) == digest(one)
        assert exported(ran) == exported(one)


def test_a_run_goes_on_with_other_servers(sums: Callable[..., Any], tmp_path: Path) -> None:
    with alive(FaultyServer(), FaultyServer(), FaultyServer()) as lives:
        urls = [life.url for life in lives]
        whole = run_pipeline(sums(models=through(urls[:1]), steps=4), tmp_path / "whole")
        run_pipeline(sums(models=through(urls[:1]), steps=2), tmp_path / "parts")
        done = run_pipeline(sums(models=through(urls[1:]), steps=4), tmp_path / "parts", resume=True)
    assert digest(done) == digest(whole)


# -- before anything is spent ------------------------------------------------------------------------------------------


def findings(urls: Sequence[str], key: str | None = None) -> list[tuple[str, str]]:
    plugin = OpenAISampler(OpenAIConfig(base_url=tuple(urls), key_env=key))
    return [(found.level, f"{found.place}: {found.message}") for found in plugin.check(RUN, MODEL)]


def test_check_says_which_servers_are_not_there() -> None:
    with alive(FaultyServer()) as (life,):
        assert findings([life.url]) == []
        ((level, told),) = findings([NOBODY, life.url])
    assert level == "warning"
    assert told.startswith(f"with.base_url: {NOBODY} cannot be reached (Connection refused); ")


def test_check_finds_servers_of_different_models() -> None:
    one, other = FaultyServer(), FaultyServer()
    other.serves = ["words", "\x1b[2J", *map(str, range(9))]
    with alive(one, other) as lives:
        ((level, told),) = findings([life.url for life in lives])
        assert level == "error"
        assert f"{lives[1].url} says it serves 'words', " in told
        assert "not 'sums' as the others do; serve the same model everywhere" in told
        one.serves = ["words"]
        assert [level for level, _ in findings([life.url for life in lives])] == ["warning", "warning"]


def test_check_is_not_led_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "sk-a-secret-key-of-48-characters-0123456789abcdef")
    elsewhere = FaultyServer()

    class Leading(FaultyServer):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 302 Found\r\nLocation: {self.to}/models\r\nContent-Length: 0\r\n\r\n".encode())
            writer.close()

        to = ""

    leading = Leading()
    with alive(leading, elsewhere) as lives:
        leading.to = lives[1].url
        ((_, told),) = findings([lives[0].url], "OURS")
    assert "answers 302" in told
    assert elsewhere.probes == 0


@pytest.mark.parametrize("listed", [b"{", b'{"data": null}', b"[" * 100_000, b'{"data": [{"id": "\xff"}]}', b""])
def test_a_list_that_cannot_be_read_is_no_reason_against_a_server(listed: bytes) -> None:
    class Listing(FaultyServer):
        def _models(self, headers: dict[str, str]) -> tuple[int, bytes]:
            return 200, listed

    with alive(Listing()) as (life,):
        assert findings([life.url]) == []


def test_check_sends_the_key_and_repeats_it_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "sk-a-secret-key-of-48-characters-0123456789abcdef"
    monkeypatch.setenv("OURS", key)

    class Repeating(FaultyServer):
        status = 200

        def _models(self, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
            assert headers["authorization"] == f"Bearer {key}"
            return self.status, {"data": [{"id": f"a {key}"}]}

    server = Repeating()
    with alive(server) as (life,):
        ((_, named),) = findings([life.url], "OURS")
        server.status = 401
        ((_, refused),) = findings([life.url], "OURS")
    assert "says it serves 'a …', not 'sums'" in named
    assert "answers 401 where its models are asked for" in refused
    assert key not in named + refused


def test_check_lists_what_is_wrong_with_an_address_by_its_number() -> None:
    assert findings([])[0][1].startswith("with.base_url: lists no address")
    found = findings([NOBODY, "localhost", NOBODY])
    assert [told.split(":")[0] for _, told in found] == ["with.base_url[1]", "with.base_url[2]"]


def test_a_command_checks_a_list_of_servers(sums: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(json.dumps(sums(models=through([NOBODY, "http://127.0.0.1:11/v1"]))))
    words = [sys.executable, "-m", "sparq_core.cli", "check", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.count("cannot be reached") == 2
