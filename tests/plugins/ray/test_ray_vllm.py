"""vLLM in two actors, serving sparq-tiny: `make test-ray-vllm` installs it and runs this."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

import sparq_core as sparq
import sparq_tiny
from sparq_core.pipeline import prepare
from sparq_ray import Ray, RayConfig
from sparq_vllm import Vllm, VllmConfig

pytestmark = [
    pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed; make test-ray-vllm does that"),
    pytest.mark.timeout(1200),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),  # Ray's own
]
MODEL = sparq.Model(name="student", path=str(sparq_tiny.MODEL), digest=sparq.weights_digest(str(sparq_tiny.MODEL)))
ENGINE = {"kv_cache_memory_bytes": 256 << 20, "max_model_len": 512}
REQUESTS = [
    sparq.Request(
        messages=(
            sparq.Message("user", f"Tom has {i + 3} apples and buys {i % 7 + 2} more. How many does he have now?"),
        ),
        seed=1000 * i,
        sampling=sparq.Sampling(max_tokens=64),
        n=8,
    )
    for i in range(24)
]


def test_two_engines_on_a_cluster_answer_as_one_in_a_process_of_its_own(
    sums: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(sums()))
    given = prepare.load(tmp_path / "p.yaml").run
    alone = Vllm(VllmConfig(engine=ENGINE)).sampler(model=MODEL)
    expected = alone.sample(REQUESTS)
    alone.close()
    plugin = Ray(RayConfig(sampler="vllm", options={"engine": ENGINE}, replicas=2))
    plugin.start(run=replace(given, folder=tmp_path), warn=print)
    sampler = plugin.sampler(model=MODEL)
    while sampler.replicas < 2:
        sampler.sample(REQUESTS[:1])
    assert sampler.sample(REQUESTS) == expected
    assert (sampler.digest, sampler.deterministic) == (MODEL.digest, True)
    assert sampler.slots == 2 * alone.slots
    sampler.close()
    plugin.stop()
