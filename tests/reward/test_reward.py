"""The reward of a trainer: the verdicts of `sparq grade` from any thread, loop or process, whatever becomes of its workers."""

import asyncio
import json
import multiprocessing
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hostile_texts import hostile_text
from runs import rows, sparq_command
from sweeps.rewards import Rewards

import sparq_core as sparq
from sparq_core.contract.texts import valid
from sparq_core.reward import Reward, UnknownRewardError, openrlhf, shared, trial_of, trl, verifiers, verl
from sparq_core.reward.shared import VARIABLE

DATA = Path(__file__).parents[3] / "shared" / "data" / "answer_pairs.jsonl"
EXAMPLES = [
    ("1/2", "0.5"),
    ("x+x", "2x"),
    ("5 cm", "5 m"),
    ("(1,2)", "(2,1)"),
    ("9^{9^{9^9}}", "3"),
    ("Monday", "monday"),
]
SHIPPED = [(gold, f"\\boxed{{{answer}}}") for gold, answer in EXAMPLES] + [
    ("7", valid(hostile_text(Random(number)))) for number in range(12)
]
PUBLIC = [(row["gold"], f"\\boxed{{{row['candidate']}}}") for row in rows(DATA)] if DATA.exists() else []

HOSTILE = '''
import ctypes, os, sys, time
import sparq_core as sparq

class Hostile:
    """Does what a completion says."""

    @sparq.hookimpl
    def verify(self, trials):
        return [self._verify(trial) for trial in trials]

    def _verify(self, trial):
        said = trial.attempt.text
        if said == "exit":
            os._exit(3)
        if said == "segfault":
            ctypes.string_at(0)
        if said == "hang":
            time.sleep(1000)
        if said == "raise":
            raise ValueError("this verifier is broken")
        print("noise" * 100, flush=True)
        print("noise", file=sys.__stdout__, flush=True)
        return sparq.Verdict(value="correct" if said == trial.problem.extra.get("want") else "incorrect", reason="said")
'''


def pipeline(folder: Path, *plugins: dict[str, Any]) -> Path:
    path = folder / "reward.yaml"
    models = {"student": {"use": "scripted", "model": "none"}}
    path.write_text(yaml.safe_dump({"name": "r", "steps": 1, "models": models, "plugins": list(plugins)}))
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pipeline(tmp_path_factory.mktemp("sympy"), {"use": "sympy"})


@pytest.fixture(scope="module")
def reward(source: Path) -> Iterator[Reward]:
    with Reward(source) as made:
        yield made


@pytest.fixture
def named(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(source))


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Callable[..., Reward]]:
    made: list[Reward] = []

    def make(**options: Any) -> Reward:
        (tmp_path / "hostile.py").write_text(HOSTILE)
        made.append(Reward(pipeline(tmp_path, {"use": "./hostile.py:Hostile"}), **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("pairs", [SHIPPED, PUBLIC], ids=["shipped", "public"])
def test_it_agrees_with_grade_from_64_threads(reward: Reward, tmp_path: Path, pairs: list[tuple[str, str]]) -> None:
    if not pairs:
        pytest.skip("the shared data is not here")
    file, out = tmp_path / "pairs.jsonl", tmp_path / "graded.jsonl"
    file.write_text("".join(json.dumps({"answer": gold, "solution": text}) + "\n" for gold, text in pairs))
    sparq_command("grade", str(file), "--out", str(out))
    with ThreadPoolExecutor(64) as threads:
        verdicts = threads.map(lambda pair: reward.grade([trial_of(pair[1], answer=pair[0])])[0], pairs)
    said = [(v.value, v.reason, v.answer) for v in verdicts]
    graded = map(json.loads, out.read_text().rstrip("\n").split("\n"))
    assert said == [(row["verdict"], row["verdict_reason"], row["final_answer"]) for row in graded]


def test_it_answers_by_a_number_or_none(reward: Reward) -> None:
    assert reward(r"So it is \boxed{1/2}.", "0.5") == 1.0
    assert reward(r"So it is \boxed{1/3}.", "0.5") == 0.0
    assert reward("I do not know.", "0.5") == 0.0
    assert reward("I was cut", "0.5", finish="length") is None
    assert reward(r"\boxed{1}") is None  # no reference
    assert reward("x" * (2**20 + 9), "0.5") is None  # cut, as a run cuts it
    assert reward("\ud800 \\boxed{0.5}", "0.5") == 1.0
    assert reward.grade([]) == []


def test_a_finished_run_is_a_reward_with_its_own_verifiers(run_folder: Path) -> None:
    with Reward(run_folder) as of_run:
        assert of_run([{"role": "assistant", "content": r"\boxed{7}"}], "7") == 1.0


def test_workers_that_are_killed_lose_no_answer(tmp_path: Path) -> None:
    sweep = Rewards(tmp_path)
    assert sweep(Random(1)) is None
    sweep.close()


@pytest.mark.parametrize(("text", "reason"), [("exit", "crash"), ("segfault", "crash"), ("hang", "timeout")])
def test_a_completion_that_ends_its_worker_is_unknown(hostile: Callable[..., Reward], text: str, reason: str) -> None:
    reward = hostile(patience=1.0 if text == "hang" else 60.0)
    given = [trial_of(said, extra={"want": "good"}) for said in ("good", text, "bad", "good")]
    verdicts = reward.grade(given)
    assert [v.value for v in verdicts] == ["correct", "unknown", "incorrect", "correct"]
    assert verdicts[1].reason == reason


def test_a_verifier_that_raises_is_named(hostile: Callable[..., Reward]) -> None:
    reward = hostile()
    with pytest.raises(sparq.PluginError, match=r"hostile\.py:Hostile.*hook `verify`.*this verifier is broken"):
        reward("raise")
    assert reward("good", extra='{"want": "good"}') == 1.0


def test_an_event_loop_goes_on_meanwhile(reward: Reward) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    async def ask() -> list[list[sparq.Verdict]]:
        ticking = asyncio.create_task(tick())
        asked = (reward.agrade([trial_of(f"\\boxed{{{i}}}", answer="3")] * 2) for i in range(40))
        found = await asyncio.gather(*asked)
        ticking.cancel()
        return list(found)

    found = asyncio.run(ask())
    assert [v[0].value for v in found] == ["correct" if i == 3 else "incorrect" for i in range(40)]
    assert ticks > 40


def _in_fork(reward: Reward, replies: Any) -> None:
    replies.put([reward(r"\boxed{2}", "2"), reward(r"\boxed{3}", "2")])
    reward.close()


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_has_workers_of_its_own(reward: Reward) -> None:
    context = multiprocessing.get_context("fork")
    replies = context.SimpleQueue()
    process = context.Process(target=_in_fork, args=(reward, replies))
    process.start()
    assert replies.get() == [1.0, 0.0]
    process.join(30)
    assert reward(r"\boxed{2}", "2") == 1.0


def test_it_may_be_pickled(reward: Reward) -> None:
    with pickle.loads(pickle.dumps(reward)) as again:  # noqa: S301 -- our own
        assert again(r"\boxed{2}", "2") == 1.0


def test_workers_end_with_the_process_that_has_them(source: Path) -> None:
    code = (
        "import os, sys; from sparq_core.reward import Reward; r = Reward(sys.argv[1]); "
        "print(r._slots.get().pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(source)], capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    until = time.monotonic() + 30
    while Path(f"/proc/{pid}/status").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}/status").exists()


def test_importing_it_loads_no_trainer_and_nothing_heavy() -> None:
    code = "import sys; from sparq_core.reward import openrlhf, trl, verifiers, verl; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in done.stdout.split()} & {
        *("torch", "transformers", "sympy", "trl", "openai", "numpy", "sparq_sympy"),
    }


# What is wrong with it


def test_mistakes_are_told_when_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for source, told in [
        (tmp_path / "none.yaml", "none.yaml"),
        (tmp_path, "sparq.db"),
        (pipeline(tmp_path, {"use": "skills"}), "none of them implements 'verify'"),
    ]:
        with pytest.raises(sparq.PipelineError, match=told):
            Reward(source)
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(sparq.PipelineError, match=f"set {VARIABLE}"):
        shared()


def test_a_plugin_that_changed_since_the_run_is_warned_of(
    sums: Callable[..., Any], hostile: Callable[..., Reward], tmp_path: Path
) -> None:
    (tmp_path / "hostile.py").write_text(HOSTILE)
    plan = sums(steps=1)
    plan["plugins"][4] = {"use": "./hostile.py:Hostile"}
    from sparq_core.testing import run_pipeline

    ran = run_pipeline(plan, tmp_path)
    (tmp_path / "hostile.py").write_text(HOSTILE + "\n# mended\n")
    with pytest.warns(UserWarning, match=r"hostile\.py is another than the run's own"), Reward(ran.folder) as reward:
        assert reward("x", extra={"want": "x"}) == 1.0


# As trainers call it


def test_verl(named: None) -> None:
    info = {"extra": {"a": 1}, "problem": "1 + 1?", "index": 3}
    assert verl.compute_score("math", r"\boxed{2}", "2", info) == {"score": 1.0, "acc": 1.0, "unknown": 0.0}
    assert verl.compute_score("math", "no answer", "2", None) == {"score": 0.0, "acc": 0.0, "unknown": 0.0}
    hedged = r"\boxed{1} or \boxed{2}"
    with pytest.raises(UnknownRewardError, match=r"hedged.*`unknown`"):
        verl.compute_score("math", hedged, "2", {})
    assert verl.compute_score("math", hedged, "2", {}, unknown=-0.5) == {"score": -0.5, "acc": 0.0, "unknown": 1.0}


def test_verl_gives_arrays_of_parquet(named: None) -> None:
    import numpy as np

    info = {"extra": {"cases": np.array([[1, 2], [3, 4]]), "size": np.int64(7)}}
    assert verl.compute_score("math", r"\boxed{2}", "2", info)["score"] == 1.0


def test_openrlhf(named: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch  # noqa: F401 -- as the trainer has it

    given = openrlhf.reward_func([r"1 + 1? \boxed{2}", r"1 + 1? \boxed{3}"], ["1 + 1?", "1 + 1?"], ["2", "2"])
    assert given["rewards"].tolist() == given["scores"].tolist() == [1.0, 0.0]
    hedged = (["? \\boxed{1} or \\boxed{2}"], ["?"], ["2"])
    with pytest.raises(UnknownRewardError):
        openrlhf.reward_func(*hedged)
    monkeypatch.setenv("SPARQ_UNKNOWN", "0")
    given = openrlhf.reward_func(*hedged)
    assert (given["rewards"].tolist(), given["extra_logs"]["unknown"].tolist()) == ([0.0], [1.0])


def test_verifiers(named: None) -> None:
    chat = [{"role": "assistant", "content": r"\boxed{2}"}]
    hedged = [{"role": "assistant", "content": r"\boxed{1} or \boxed{2}"}]
    assert asyncio.run(verifiers.correct(completion=chat, answer="2", prompt=[], info={})) == 1.0
    assert asyncio.run(verifiers.unknown(completion=chat, answer="2")) == 0.0
    assert asyncio.run(verifiers.unknown(completion=hedged, answer="2")) == 1.0
    with pytest.raises(UnknownRewardError):
        asyncio.run(verifiers.correct(completion=hedged, answer="2"))


def test_trl_calls_it_in_a_training_step(reward: Reward, tmp_path: Path) -> None:
    pytest.importorskip("trl")
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    from sparq_tiny import MODEL

    asked: list[list[float | None]] = []
    of_run = trl.reward_of(reward)

    def sparq_reward(completions: Any, **given: Any) -> list[float | None]:
        assert {"prompts", "log_metric", "solution"} <= set(given)
        asked.append(of_run([*completions[:-1], r"\boxed{1} or \boxed{2}"], **given))
        return asked[-1]

    config = GRPOConfig(
        output_dir=str(tmp_path),
        max_steps=1,
        per_device_train_batch_size=4,
        num_generations=4,
        max_completion_length=16,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
    )
    data = Dataset.from_list([{"prompt": "What is 5 + 6?", "solution": r"\boxed{11}"}] * 4)
    trainer = GRPOTrainer(model=str(MODEL), reward_funcs=[sparq_reward], args=config, train_dataset=data)
    trainer.train()
    ((*judged, hedged),) = asked
    assert set(judged) <= {0.0, 1.0, None}
    assert hedged is None
    (logged,) = (line for line in trainer.state.log_history if "sparq/unknown" in line)
    assert logged["sparq/unknown"] == asked[0].count(None) / 4


def test_trl_reads_the_dataset_s_columns(named: None) -> None:
    chats = [[{"role": "assistant", "content": r"\boxed{1/2}"}]] * 3
    rewards = trl.sparq_reward(completions=chats, prompts=["?"] * 3, solution=["#### 0.5", r"\boxed{3}", "0.5"])
    assert rewards == [1.0, 0.0, 1.0]
    assert trl.sparq_reward(completions=[r"\boxed{2}"], answer=["2"], solution=["3"], extra=['{"a": 1}']) == [1.0]


def test_trl_is_told_of_a_dataset_without_references(named: None) -> None:
    with pytest.raises(
        sparq.SparqError, match=r"no column `answer` or `solution` with references \(columns: ground_truth\)"
    ):
        trl.sparq_reward(completions=[r"\boxed{2}"] * 2, ground_truth=["2", "3"])
    with pytest.raises(sparq.SparqError, match="`answer` has 1 values for 2 completions"):
        trl.sparq_reward(completions=[r"\boxed{2}"] * 2, answer=["2"])
    assert trl.sparq_reward(completions=[r"\boxed{2}"], answer=[None]) == [None]


def test_what_an_unknown_reward_counts_for_trl_may_be_said(named: None, monkeypatch: pytest.MonkeyPatch) -> None:
    hedge = r"\boxed{2} or \boxed{3}"
    assert trl.sparq_reward(completions=[hedge], answer=["2"]) == [None]
    monkeypatch.setenv("SPARQ_UNKNOWN", "0")
    assert trl.sparq_reward(completions=[hedge, r"\boxed{2}"], answer=["2", "2"]) == [0.0, 1.0]


def test_in_a_ray_actor(source: Path) -> None:
    pytest.importorskip("ray")
    code = f"""
import ray
from sparq_core.reward import Reward
ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
actor = ray.remote(Reward).remote({str(source)!r})
asked = [actor.__call__.remote(f"\\\\boxed{{{{{{i}}}}}}", "3") for i in range(8)]
print("REWARDS", ray.get(asked))
ray.shutdown()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ)
    assert f"REWARDS {[float(i == 3) for i in range(8)]}" in done.stdout, done.stderr[-2000:]


def test_trl_may_be_told_which_completions_were_cut(reward: Reward) -> None:
    of_run = trl.reward_of(reward, lambda tokens: "length" if len(tokens) == 3 else "stop")
    given = {"completion_ids": [[1, 2], [1, 2, 3], [1, 2, 3]], "answer": ["2", "2", "2"]}
    assert of_run([r"\boxed{2}", "so it is", "2 and"], **given) == [1.0, None, None]
    assert trl.reward_of(reward)(["so it is"], answer=["2"], completion_ids=[[1, 2, 3]]) == [0.0]
