"""Two servers of real weights behind vllm-router, one of which dies in the middle of a wave."""

import asyncio
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from faulty_server import FaultyServer, living

import sparq_core as sparq
import sparq_tiny
from sparq_hf import HfConfig, HfSampler
from sparq_openai import OpenAIConfig, OpenAISampler

ROUTER = shutil.which("vllm-router", path=str(Path(sys.executable).parent))
pytestmark = [
    pytest.mark.skipif(ROUTER is None, reason="vllm-router is not installed: pip install vllm-router"),
    pytest.mark.timeout(500),
]
ANSWERED = 10
MODEL = sparq.Model(name="student", path=str(sparq_tiny.MODEL), digest="d")


class Real(FaultyServer):
    """Serves sparq-tiny."""

    def __init__(self) -> None:
        super().__init__()
        sampler: Any = HfSampler(HfConfig()).sampler(MODEL)
        sampler.requests = []
        self._model = sampler
        self.serves = [MODEL.path]


class Hanging(Real):
    """Takes some requests, and leaves the next ones unanswered until it dies."""

    async def _meet(self, fault: str, writer: asyncio.StreamWriter, headers: dict[str, str], body: Any) -> bool:
        if len(self.bodies) > ANSWERED:
            await asyncio.sleep(3600)
        return await super()._meet(fault, writer, headers, body)


@contextmanager
def routed(urls: list[str], log: Path) -> Iterator[str]:
    """The router in front of servers; gives its `base_url` once it is ready."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        port, metrics = one.getsockname()[1], two.getsockname()[1]
    bare = [url.removesuffix("/v1") for url in urls]
    ports = ["--port", str(port), "--prometheus-port", str(metrics)]
    how = ["--policy", "round_robin", "--worker-startup-check-interval", "1"]
    with log.open("w") as told:
        router = subprocess.Popen([str(ROUTER), "--worker-urls", *bare, *ports, *how], stdout=told, stderr=told)
        try:
            while not _listening(port):
                assert router.poll() is None, log.read_text()
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            router.terminate()
            router.wait()


def _listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def test_nothing_is_lost_when_a_server_behind_a_router_dies(tmp_path: Path) -> None:
    requests = [
        sparq.Request(
            messages=(sparq.Message("user", f"What is {i} + {i + 3}?"),),
            seed=100 * i,
            n=2,
            sampling=sparq.Sampling(max_tokens=12),
        )
        for i in range(60)
    ]
    local = HfSampler(HfConfig()).sampler(MODEL)
    expected = [[completion.text for completion in samples] for samples in local.sample(requests)]
    hanging, staying = Hanging(), Real()
    with living(hanging) as one, living(staying) as two, routed([one.url, two.url], tmp_path / "router.log") as url:
        config = OpenAIConfig(base_url=url, concurrency=(8, 8), backoff=0.05, retries=50)
        sampler = OpenAISampler(config).sampler(MODEL)

        def die() -> None:
            while len(hanging.bodies) <= ANSWERED:
                time.sleep(0.01)
            one.die()

        fate = threading.Thread(target=die)
        fate.start()
        answers = sampler.sample(requests)
        fate.join()
        sampler.close()
    assert [[completion.text for completion in samples] for samples in answers] == expected
    assert len(staying.bodies) >= len(requests) - ANSWERED
