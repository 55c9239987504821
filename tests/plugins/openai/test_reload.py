"""Servers that are to serve trained weights: swapped by a command, and shown to serve them."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faulty_server import living
from model_server import ModelServer, changed
from runs import digest
from test_servers import alive, wait_for

import sparq_core as sparq
import sparq_tiny
from sparq_core.pipeline import prepare
from sparq_core.testing import run_pipeline
from sparq_openai import OpenAIConfig, OpenAISampler, evidence, proof, worker
from sparq_openai.evidence import CHATS, Answered, Read
from sparq_openai.swap import serve_weights
from sparq_openai.weights import Weights

TINY = Path(sparq_tiny.MODEL)
FAST: dict[str, Any] = {"timeout": 20.0, "backoff": 0.01}
SWAP = """
import sys, urllib.request
print("swapping", sys.argv[1])
urllib.request.urlopen(urllib.request.Request(sys.argv[1] + "/swap", sys.argv[2].encode(), method="POST"))
"""
COMMAND = [sys.executable, "swap.py", "{url}", '{"model": "{model}", "round": {round}}']
TRAINER = f"""
import sys
from pathlib import Path
import sparq_core as sparq
sys.path.insert(0, {str(Path(__file__).parent)!r})


class Trainer:
    @sparq.hookimpl
    def train(self, weights, out):
        from model_server import changed
        changed(Path(weights.path), out, 0.02)
"""
LISTS = [[-1.0, -2.0, -3.0], [-0.5]]


def read(*by_model: list[list[float]]) -> Read:
    return Read(tokens=[[1, 2, 3, 4], [5, 6]], by_model=list(by_model))


def moved(by: float) -> list[list[float]]:
    return [[logprob + by for logprob in text] for text in LISTS]


# -- what is shown -----------------------------------------------------------------------------------------------------


def test_log_probabilities_within_the_tolerance_show_the_weights() -> None:
    assert read(LISTS).against(moved(0.01), 0.02) == ""
    assert "differ from the local weights' by 0.03 a token on average (with.tolerance allows 0.02)" in (
        read(LISTS).against(moved(0.03), 0.02)
    )
    assert read(LISTS).against(moved(float("nan")), 0.02)


def test_the_weights_before_are_told_from_the_new_ones_within_the_tolerance() -> None:
    shown = read(LISTS, moved(0.01))
    assert shown.against(moved(0.004), 0.02) == ""
    assert "nearer to those of the weights before (0.004 a token) than to those of the new ones (0.006)" in (
        shown.against(moved(0.006), 0.02)
    )


def test_weights_that_training_did_not_change_pass() -> None:
    assert read(LISTS, LISTS).against(moved(0.01), 0.02) == ""


def test_greedy_answers_count_where_the_weights_before_answer_otherwise() -> None:
    shown = Answered([["a", "b", "c"], ["a", "x", "y"]])
    assert shown.against(["z", "b", " c\n"]) == ""
    assert "answers 0 of 2 fixed questions as the local weights do" in shown.against(["a", "x", "y"])
    assert "answers 0 of 2" in shown.against(["a", "q", "q"])
    same = Answered([["a", "b", "c"], ["a", "b", "c"]])
    assert "nothing shows which it serves; take a server whose completions have `echo`" in same.against(["a", "b", "c"])
    assert Answered([["a", "b", "c"]]).against(["a", "b", "q"]) == ""


# -- real weights ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights a little other than those of sparq-tiny."""
    return changed(TINY, tmp_path_factory.mktemp("new"), 0.02)


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Local weights are read here, not in a process that would import torch once more."""
    real = sparq.run_worker

    def run_worker(module: str, job: dict[str, Any], *where: Path) -> None:
        worker.main(job) if module == "sparq_openai.worker" else real(module, job, *where)

    monkeypatch.setattr(sparq, "run_worker", run_worker)


@pytest.fixture(scope="module")
def shown(new: Path, tmp_path_factory: pytest.TempPathFactory) -> Read:
    return Read.of([str(new), str(TINY)], tmp_path_factory.mktemp("logs") / "proof.log")


@pytest.fixture
def prove(shown: Read, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has servers serve the new weights; `shown` is what local weights say, which takes seconds to find out."""
    monkeypatch.setattr(Read, "of", lambda *_: shown)
    (tmp_path / "swap.py").write_text(SWAP)

    def make(urls: list[str], **options: Any) -> None:
        config = OpenAIConfig(**{"base_url": tuple(urls), "reload": tuple(COMMAND), **FAST, **options})
        model = sparq.Model(name="student", path=str(new), digest="d")
        weights = Weights(model=model, before=str(TINY), round=1, base=tmp_path, logs=tmp_path / "logs")
        serve_weights(weights, config)

    return make


def test_local_weights_are_read_as_a_server_reads_them(shown: Read) -> None:
    assert len(shown.tokens) == len(CHATS)
    server = ModelServer(str(TINY))
    told = [server._read(tokens)[1]["choices"][0]["logprobs"]["token_logprobs"][1:-1] for tokens in shown.tokens]
    assert shown.by_model[1] == [pytest.approx(text, abs=1e-4) for text in told]
    assert shown.against(told, 0.05)


def test_servers_that_serve_the_weights_are_left_alone(prove: Callable[..., None], new: Path) -> None:
    server = ModelServer(str(new))
    with living(server) as life:
        prove([life.url], reload=("false",))
    assert server.swapped == []


def test_servers_are_swapped_by_the_command_and_shown_to_be(
    prove: Callable[..., None], new: Path, tmp_path: Path
) -> None:
    servers = ModelServer(str(TINY)), ModelServer(str(TINY)), ModelServer(str(new))
    with alive(*servers) as lives:
        prove([life.url for life in lives])
    assert [server.swapped for server in servers] == [[{"model": str(new), "round": 1}]] * 2 + [[]]
    assert (tmp_path / "logs" / "reload-student-1-0.log").read_text() == f"swapping {lives[0].url}\n"


@pytest.mark.parametrize("tolerance", [0.05, 100.0])
def test_a_server_that_was_renamed_and_not_swapped_is_found(
    prove: Callable[..., None], new: Path, tolerance: float
) -> None:
    with living(ModelServer(str(TINY), "student", loads=False)) as life, pytest.raises(sparq.SparqError) as caught:
        prove([life.url], served_name="student", tolerance=tolerance)
    assert str(caught.value).startswith(
        f"models.student: after with.reload, {life.url} gives log-probabilities of fixed texts "
    )
    assert str(caught.value).endswith(f"; it is to serve {new}: mend the command, then --resume")


def test_a_server_without_log_probabilities_is_known_by_its_greedy_answers(
    prove: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (evidence, proof):
        monkeypatch.setattr(module, "CHATS", CHATS[:4])
        monkeypatch.setattr(module, "LENGTH", 10)
    with living(ModelServer(str(TINY), "student", echoes=False)) as life:
        prove([life.url], served_name="student")
    still = ModelServer(str(TINY), "student", loads=False, echoes=False)
    with living(still) as life, pytest.raises(sparq.SparqError, match=r"answers 0 of \d fixed questions as the local"):
        prove([life.url], served_name="student")


def test_a_command_that_fails_is_told_with_the_end_of_its_log(prove: Callable[..., None]) -> None:
    with living(ModelServer(str(TINY))) as life:
        with pytest.raises(
            sparq.SparqError, match=r"models\.student\.with\.reload: sh: (.|\n)*exit code 3(.|\n)*no room"
        ):
            prove([life.url], reload=("sh", "-c", "echo no room; exit 3"))
        with pytest.raises(sparq.SparqError, match="no-such-program: No such file or directory"):
            prove([life.url], reload=("no-such-program",))


def test_a_server_that_does_not_come_up_is_waited_for_no_longer_than_a_request(prove: Callable[..., None]) -> None:
    with pytest.raises(sparq.SparqError, match=r"after with\.reload, http://127\.0\.0\.1:9/v1 broke the connection"):
        prove(["http://127.0.0.1:9/v1"], reload=("true",), timeout=0.1)


def test_a_server_that_comes_back_with_other_weights_is_not_used(
    shown: Read, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Read, "of", lambda *_: shown)
    requests = [
        sparq.Request(messages=(sparq.Message("user", f"What is {i} + {i}?"),), seed=i, sampling=sparq.Sampling())
        for i in range(40)
    ]
    servers = ModelServer(str(new), "student"), ModelServer(str(new), "student")
    weights, others = servers[0]._weights, ModelServer(str(TINY))._weights
    with alive(*servers) as lives:
        urls = tuple(life.url for life in lives)
        plugin = OpenAISampler(OpenAIConfig(base_url=urls, served_name="student", reload=("true",), **FAST))
        sampler = plugin.sampler(sparq.Model(name="student", path=str(new), digest="d"))
        mortal = sampler.pool.servers[0]
        lives[0].die()
        sampler.sample(requests[:20])
        wait_for(lambda: mortal.state == "out")
        servers[0]._weights = others
        lives[0].come_back()
        wait_for(lambda: "gives log-probabilities of fixed texts that differ" in mortal.told)
        servers[0]._weights = weights
        wait_for(lambda: mortal.state == "trial")
        sampler.sample(requests[20:])
        wait_for(lambda: mortal.state == "in")
        sampler.close()


# -- whole runs --------------------------------------------------------------------------------------------------------


@pytest.fixture
def trained(sums: Callable[..., Any], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """A pipeline of two rounds whose model is served by URLs."""
    (tmp_path / "swap.py").write_text(SWAP)
    (tmp_path / "trainer.py").write_text(TRAINER)

    def make(urls: list[str], **options: Any) -> dict[str, Any]:
        given = {"base_url": urls, "reload": COMMAND, **FAST, **options}
        pipeline: dict[str, Any] = sums(
            rounds=2,
            steps=2,
            models={"student": {"use": "openai", "model": str(TINY), "with": given}},
            train={"updates": ["solver", "generator", "labeller"]},
        )
        pipeline["plugins"].append({"use": "./trainer.py:Trainer"})
        return pipeline

    return make


def test_a_run_swaps_its_servers_after_training_and_stops_where_one_was_not(
    trained: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    renamed = ModelServer(str(TINY), loads=False)
    told = "gives log-probabilities of fixed texts that differ"
    with living(renamed) as life, pytest.raises(sparq.SparqError, match=told):
        run_pipeline(trained([life.url]), tmp_path)
    first = str(tmp_path / "run" / "models" / "round-1")
    assert renamed.swapped == [{"model": first, "round": 1}]
    server = ModelServer(first)
    with living(server) as life:
        ran = run_pipeline(trained([life.url]), tmp_path, resume=True)
    assert server.swapped == []
    assert {body["model"] for body in server.bodies} == {first}
    with ran.read() as ledger:
        models = [
            model
            for (model,) in ledger.query("SELECT digest FROM model WHERE id IN (SELECT model FROM attempt) ORDER BY id")
        ]
    assert models == [sparq.weights_digest(str(TINY)), sparq.weights_digest(first)]
    assert digest(ran)


def findings(trained: dict[str, Any], tmp_path: Path) -> list[str]:
    path = tmp_path / "pipeline.yaml"
    path.write_text(json.dumps(trained))
    loaded = prepare.load(path)
    return [f"{found.place}: {found.message}" for found in loaded.cast.check(loaded.run) if found.level == "error"]


def test_check_finds_what_cannot_be_trained(trained: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    urls = ["http://127.0.0.1:9/v1"]
    assert findings(trained(urls), tmp_path) == []
    (told,) = findings(trained(urls, reload=["./swap.sh", "{url}"]), tmp_path)
    assert told.startswith("models.student.with.reload: './swap.sh' is no program that can be run; ")
    (told,) = findings(trained(urls, reload=[]), tmp_path)
    assert "with.reload: names no program" in told
    (told,) = findings(trained(urls) | {"train": {}}, tmp_path)
    assert "cannot serve new weights to generator, solver and old ones to labeller at once" in told
    (tmp_path / "empty").mkdir()
    pipeline = trained(urls)
    pipeline["models"]["student"]["model"] = "./empty"
    assert "has no config.json" in findings(pipeline, tmp_path)[0]


def test_without_a_command_a_served_model_is_not_trained() -> None:
    assert OpenAISampler(OpenAIConfig(reload=("true",))).trainable
    assert not OpenAISampler(OpenAIConfig()).trainable
