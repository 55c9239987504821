"""Samplers on a Ray cluster of several nodes on this machine: whatever dies, joins or leaves, the run is the same."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace
from ray_cluster import Nodes, nodes
from runs import digest, exported, sparq_command

import sparq_core as sparq
from sparq_core.loop import session
from sparq_core.pipeline import prepare
from sparq_core.testing import Ran
from sparq_ray import Ray, RayConfig
from sparq_ray.sampler import RaySampler

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),  # Ray's own
]
FILE = Path(__file__).with_name("folder_sampler.py")
FOLDER = f"{FILE}:Folder"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    with nodes() as cluster:
        yield cluster


@pytest.fixture
def model(tmp_path: Path) -> sparq.Model:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return sparq.Model(name="student", path=str(folder), digest=sparq.weights_digest(str(folder)))


def on_ray(address: str, **options: Any) -> dict[str, Any]:
    return {"student": {"use": "ray", "model": "sums", "with": {"address": address, **options}}}


def run(pipeline: dict[str, Any], folder: Path, observer: Callable[[sparq.Event], None] = lambda _: None) -> Ran:
    folder.mkdir(parents=True)
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(pipeline))
    events: list[sparq.Event] = []
    observers = [events.append, observer]
    ending = session.execute(prepare.load(folder / "pipeline.yaml"), folder / "run", False, observers, lambda: False)
    return Ran(ending, folder / "run", events)


class Disaster:
    """What befalls a cluster after each committed step."""

    def __init__(self, *acts: Callable[[], object]) -> None:
        self._acts = list(acts)

    def __call__(self, event: sparq.Event) -> None:
        if isinstance(event, sparq.StepCommitted) and event.round and self._acts:
            self._acts.pop(0)()


def test_a_run_on_replicas_is_that_of_one_process_whatever_dies(
    cluster: Nodes, sums: Callable[..., Any], tmp_path: Path
) -> None:
    alone = run(sums(steps=12), tmp_path / "alone")
    scripted = {"sampler": "scripted", "options": {"delay": 0.3}}
    models = on_ray(cluster.address, **scripted, replicas=5, restarts=20)
    kill, nothing = cluster.kill_replica, lambda: None
    disaster = Disaster(kill, nothing, kill, cluster.kill_node, nothing, cluster.join, nothing, kill, nothing, kill)
    spread = run(sums(steps=12, models=models), tmp_path / "spread", disaster)
    assert digest(spread) == digest(alone)
    assert exported(spread) == exported(alone)
    replicas = spread.ending.tally.replicas["student"]
    assert (replicas.number, replicas.lost >= 4, replicas.most > 0) == (5, True, True)
    log = (spread.folder / "logs" / "ray-student.log").read_text()
    assert log.count("is gone") >= 4
    warned = [event.message for event in spread.events if isinstance(event, sparq.Warned)]
    assert any("is gone" in message and "drawn again" in message for message in warned)


def test_what_is_trained_is_served_in_the_next_round(
    cluster: Nodes, sums: Callable[..., Any], tmp_path: Path, model: sparq.Model
) -> None:
    pipeline = sums(rounds=2, steps=2, models=on_ray(cluster.address, sampler=f"{FILE}:Sums", replicas=2))
    pipeline["models"]["student"]["model"] = model.path
    pipeline["plugins"].append({"use": f"{FILE}:Trainer"})
    ran = run(pipeline, tmp_path / "spread")
    served = ran.read().query(
        "SELECT DISTINCT completion.round, model.digest FROM completion JOIN model ON model.id = completion.model "
        "WHERE hook = 'propose' ORDER BY completion.round"
    )
    assert list(served) == [(1, model.digest), (2, sparq.weights_digest(str(ran.folder / "models" / "round-1")))]


def test_a_run_whose_head_is_lost_ends_with_an_error_and_goes_on_with_another_head(
    sums: Callable[..., Any], tmp_path: Path
) -> None:
    alone = run(sums(), tmp_path / "alone")
    models = on_ray("auto", sampler="scripted", options={"delay": 0.5}, replicas=2)
    (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(sums(models=models)))
    command = ["run", str(tmp_path / "pipeline.yaml"), "--out", str(tmp_path / "run"), "--set"]
    where = "models.student.with.address={}"
    with nodes(0, head_cpus=2) as head:
        whole = [sys.executable, "-m", "sparq_core.cli", *command, where.format(head.address)]
        process = subprocess.Popen(whole, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert process.stdout
        next(line for line in process.stdout if "step 1/" in line)
        head.kill_head()
        said, _ = process.communicate()
    assert process.returncode == 1
    assert "models.student: Ray's head has not answered for 20 s" in said
    assert "Traceback" not in said
    with nodes(0, head_cpus=2) as head:
        sparq_command(*command, where.format(head.address), "--resume")
    assert digest(Ran(alone.ending, tmp_path / "run")) == digest(alone)


# -- one sampler -------------------------------------------------------------------------------------------------------

Make = Callable[..., RaySampler]


@pytest.fixture
def make(cluster: Nodes, sums: Callable[..., Any], tmp_path: Path, model: sparq.Model) -> Iterator[Make]:
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(sums()))
    given, opened = prepare.load(tmp_path / "p.yaml").run, list[RaySampler]()
    plugins = list[Ray]()

    def make(**options: Any) -> RaySampler:
        config = {"sampler": FOLDER, "address": cluster.address, "patience": 300.0, **options}
        plugins.append(Ray(RayConfig(**config)))
        plugins[-1].start(run=replace(given, folder=tmp_path), warn=lambda _: None)
        opened.append(plugins[-1].sampler(model=model))
        return opened[-1]

    yield make
    for sampler in opened:
        sampler.close()
    for plugin in plugins:
        plugin.stop()


def requests(n: int, k: int = 4) -> list[sparq.Request]:
    return [
        sparq.Request(messages=(sparq.Message("user", f"p{i}"),), seed=100 * i, sampling=sparq.Sampling(), n=k)
        for i in range(n)
    ]


def texts(answers: list[list[sparq.Completion]]) -> list[list[str]]:
    return [[completion.text for completion in samples] for samples in answers]


def expected(n: int, k: int = 4) -> list[list[str]]:
    return [[str(100 * i + j) for j in range(k)] for i in range(n)]


def test_a_sampler_is_what_its_replicas_are(make: Make, model: sparq.Model) -> None:
    sampler = make(replicas=2)
    assert (sampler.digest, sampler.deterministic, sampler.slots, sampler.load) == (model.digest, True, 8, 0)
    assert texts(sampler.sample(requests(10))) == expected(10)
    assert sampler.sample([]) == []


def test_tokens_are_left_out_where_the_replicas_sampler_can(make: Make) -> None:
    dropping = [replace(r, sampling=sparq.Sampling(dropout=0.1)) for r in requests(2)]
    assert texts(make(sampler=f"{FILE}:Dropping").sample(dropping)) == [["0.1"] * 4] * 2
    with pytest.raises(sparq.SparqError, match=r"replica 1 on .*'models\.student' serves cannot go without tokens"):
        make().sample(dropping)


def test_a_replica_whose_sampler_gives_up_is_replaced(make: Make, tmp_path: Path) -> None:
    (tmp_path / "faults").write_text("gives-up")
    sampler = make(options={"faults": str(tmp_path / "faults")}, restarts=1)
    assert texts(sampler.sample(requests(3))) == expected(3)
    (told,) = sampler.news()
    assert "the GPU fell off the bus" in told


def test_a_mistake_of_the_sampler_stops_the_run(make: Make, tmp_path: Path) -> None:
    (tmp_path / "faults").write_text("bug")
    sampler = make(options={"faults": str(tmp_path / "faults")})
    with pytest.raises(sparq.SparqError, match=r"replica 1 on .*ValueError: of our own"):
        sampler.sample(requests(1))


def test_a_replica_with_other_weights_is_refused(make: Make, model: sparq.Model) -> None:
    with pytest.raises(sparq.SparqError, match=r"models\.student: a replica on .* serves other .*, the run is about"):
        make(options={"digest": "other"})
    (Path(model.path) / "config.json").write_text('{"changed": true}')
    with pytest.raises(sparq.SparqError, match=r"models\.student: a replica has other weights in .*let all nodes see"):
        make()


def test_a_replica_that_does_not_see_the_model_says_what_to_do(make: Make, model: sparq.Model) -> None:
    sampler = make()
    Path(model.path).rename(Path(model.path).with_name("elsewhere"))
    sampler._fleet.died(sampler._fleet._lives[0], "for the test")
    with pytest.raises(
        sparq.SparqError, match="keep models and the run folder where all nodes of the cluster see them"
    ):
        sampler.sample(requests(1))


def test_without_room_patience_ends(make: Make) -> None:
    with pytest.raises(sparq.SparqError, match=r"models\.student: for 2 s no replica could be had"):
        make(cpus_per_replica=1000, patience=2.0)


def test_a_node_that_is_to_leave_is_drained(make: Make, cluster: Nodes, tmp_path: Path) -> None:
    leaving = cluster.join(cpus=3)
    sampler = make(cpus_per_replica=3)
    cluster.announce_leaving(leaving)
    log = tmp_path / "logs" / "ray-student.log"
    while "makes way" not in log.read_text():
        time.sleep(0.2)
    cluster.join(cpus=3)
    assert texts(sampler.sample(requests(3))) == expected(3)


def test_rays_own_handler_of_sigterm_does_not_replace_the_runs(make: Make) -> None:
    before = signal.getsignal(signal.SIGTERM)
    make()
    assert signal.getsignal(signal.SIGTERM) is before


# -- before a run ------------------------------------------------------------------------------------------------------


def findings(model: sparq.Model, given: sparq.Run, **options: Any) -> list[str]:
    config = RayConfig(**{"sampler": "scripted", **options})
    return [f"{f.level}: {f.place}: {f.message}" for f in Ray(config).check(run=given, model=model)]


@pytest.fixture
def given(sums: Callable[..., Any], tmp_path: Path) -> sparq.Run:
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(sums()))
    return prepare.load(tmp_path / "p.yaml").run


def test_check_says_what_the_cluster_offers(cluster: Nodes, model: sparq.Model, given: sparq.Run) -> None:
    (note,) = findings(model, given, address=cluster.address, replicas=2)
    assert note.startswith("note: with.replicas: each of 2 asks for 1 CPUs and 0 GPUs; the cluster offers")
    (warning,) = findings(model, given, address=cluster.address, replicas=2, gpus_per_replica=2)
    assert "0 GPUs" in warning
    assert warning.endswith("room for 0; the others wait for nodes to join")


def test_what_this_machine_has_not_is_an_error_where_it_is_all_there_is(model: sparq.Model, given: sparq.Run) -> None:
    (error,) = findings(model, given, cpus_per_replica=1000)
    assert error.startswith("error: with.replicas: each of 1 asks for 1000 CPUs")


def test_an_address_where_no_cluster_is(model: sparq.Model, given: sparq.Run) -> None:
    (closed,) = findings(model, given, address="127.0.0.1:9")
    assert closed.startswith("error: with.address: no Ray cluster at 127.0.0.1:9: ")
    assert closed.endswith("`ray start --head` starts one")
    (nonsense,) = findings(model, given, address="somewhere")
    assert nonsense.startswith("error: with.address: no Ray cluster at somewhere: ")
    (client,) = findings(model, given, address="ray://head:10001")
    assert client.startswith("error: with.address: Ray Client ends all replicas")
    assert "--num-cpus=0" in client


def test_the_options_of_the_inner_sampler_are_checked_as_its_own(model: sparq.Model, given: sparq.Run) -> None:
    with pytest.raises(sparq.PipelineError, match=r"models\.student\.with\.options: unknown setting 'dealy'"):
        findings(model, given, options={"dealy": 1})
    with pytest.raises(
        sparq.PipelineError, match=r"models\.student\.with\.sampler: no plugin named 'vlm' is installed"
    ):
        findings(model, given, sampler="vlm")
    with pytest.raises(sparq.PipelineError, match=r"models\.student\.with\.sampler: plugin 'sympy' is no sampler"):
        findings(model, given, sampler="sympy")
    (url, _) = findings(model, given, sampler="openai", options={"base_url": "nowhere"})
    assert url.startswith("error: with.options.base_url: must be an address")
