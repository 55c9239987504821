"""
How busy a pipeline keeps vLLM: `python benchmarks/vllm_pipeline.py [--in-flight auto 1 2 4 8 16] [--repeats 5] [--scale 0.05]`.

Runs a pipeline of 40 steps of 64 parents, K = 16, whose completions have forced log-normal lengths, and then one offline
`LLM.generate` over exactly the same requests, in turns. The figure is output tokens a second, from the first request to the
last completion, pipeline ÷ offline. Takes an hour.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

RESULTS = Path(__file__).parent / "results" / "vllm_pipeline.json"
HERE = Path(__file__).parent
ENGINE = {"max_num_seqs": 256}


def main() -> None:
    options = _options()
    if options.run:
        return pipeline(options.run, Path(options.folder))
    if options.offline:
        return offline(Path(options.offline))
    with tempfile.TemporaryDirectory() as folder:
        measure(options, Path(folder))
    return None


def measure(options: argparse.Namespace, folder: Path) -> None:
    """In turns: the pipeline, and the requests it made offline; every setting in the first turn, then the first one only."""
    rows: dict[str, list[float]] = {name: [] for name in options.in_flight}
    runs = []
    for turn in range(options.repeats):
        log = folder / f"{turn}.json"
        settings = {"FORCED_SCALE": str(options.scale), "FORCED_LOG": str(log)}
        names = options.in_flight if turn == 0 else options.in_flight[:1]
        ours = {}
        for name in names:
            place = folder / f"{turn}-{name}"
            place.mkdir()
            ours[name] = _child(settings, "--run", name, "--folder", str(place))
            print(f"in_flight {name}: {ours[name]}", flush=True)
        theirs = _child(settings, "--offline", str(log))
        print(f"offline: {theirs}", flush=True)
        runs.append({"pipeline": ours, "offline": theirs})
        for name in names:
            rows[name].append(round(ours[name]["tokens_per_second"] / theirs["tokens_per_second"], 4))
    machine = f"{os.cpu_count()} cores, {platform.machine()}"
    report = {"machine": machine, "scale": options.scale, "ratios": rows, "turns": runs}
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    print("| in_flight | pipeline ÷ offline, median | runs |\n|---|---|---|")
    for name, ratios in rows.items():
        print(f"| {name} | {statistics.median(ratios):.3f} | {len(ratios)} |")


def _child(settings: dict[str, str], *arguments: str) -> dict[str, float]:
    command, environment = [sys.executable, __file__, *arguments], os.environ | settings
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    found: dict[str, float] = json.loads(next(line for line in out.splitlines() if line.startswith('{"tokens"')))
    return found


def pipeline(in_flight: str, folder: Path) -> None:
    """One run; leaves the requests it made in its folder."""
    import sparq_tiny
    from sparq_core.loop import session
    from sparq_core.pipeline import prepare

    seeds = folder / "seeds.jsonl"
    seeds.write_text(
        "".join(json.dumps({"problem": f"What is {i} + {i * i}?", "answer": "1"}) + "\n" for i in range(200))
    )
    forced = {"use": f"{HERE / 'forced.py'}:Forced", "model": str(sparq_tiny.MODEL), "with": {"engine": ENGINE}}
    config: dict[str, Any] = {
        "name": "busy",
        "seed": 1,
        "steps": 40,
        "batch": 64,
        "in_flight": in_flight if in_flight == "auto" else int(in_flight),
        "models": {"student": forced},
        "attempts": {"k": 16},
        "plugins": [
            {"use": "jsonl-seeds", "with": {"path": str(seeds)}},
            {"use": "static-uniform"},
            {"use": f"{HERE / 'forced.py'}:Around"},
        ],
    }
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(config))
    session.execute(prepare.load(folder / "pipeline.yaml"), folder / "run", False, [], lambda: False)
    log = json.loads(Path(os.environ["FORCED_LOG"]).read_text())
    print(json.dumps(_speed(log["tokens"], log["seconds"])))


def offline(requests: Path) -> None:
    """The same requests in one call."""
    from vllm import LLM, SamplingParams

    import sparq_tiny
    from sparq_vllm.worker import CPU

    llm = LLM(model=str(sparq_tiny.MODEL), **CPU, **ENGINE)
    tokenizer = llm.get_tokenizer()
    prompts, params = [], []
    for messages, seed, most in json.loads(requests.read_text())["requests"]:
        chat = [{"role": role, "content": content} for role, content in messages]
        ids = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=True, return_dict=False)
        prompts.append({"prompt_token_ids": ids})
        params.append(SamplingParams(seed=seed, max_tokens=most, ignore_eos=True))
    began = time.monotonic()
    outputs = llm.generate(prompts, params, use_tqdm=False)
    taken = time.monotonic() - began
    print(json.dumps(_speed(sum(len(output.outputs[0].token_ids) for output in outputs), taken)))


def _speed(tokens: int, seconds: float) -> dict[str, float]:
    return {"tokens": tokens, "seconds": round(seconds, 2), "tokens_per_second": round(tokens / seconds, 1)}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--in-flight", nargs="+", default=["auto", "1", "2", "4", "8", "16"])
    parser.add_argument("--repeats", type=int, default=5, help="turns; only the first has all of --in-flight")
    parser.add_argument("--scale", type=float, default=0.05, help="what the lengths are multiplied by")
    parser.add_argument("--run")
    parser.add_argument("--folder")
    parser.add_argument("--offline")
    return parser.parse_args()


if __name__ == "__main__":
    main()
