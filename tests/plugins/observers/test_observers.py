"""
A run that is watched by every observer, and resumed: what each library then reads back, and that nobody was told of it.

The run has no network: a hook in every Python process of it notes and refuses whatever leaves this machine, and programs that
are not Python find a proxy here that notes who comes.
"""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple
from urllib.request import urlopen

import pytest
import yaml

import sparq_core as sparq
from sparq_core.contract.privacy import SWITCHES
from sparq_core.testing import Ran, run_pipeline

ALL = ("wandb", "mlflow", "tensorboard", "trackio", "prometheus")
for module in ("wandb", "mlflow", "tensorboard", "trackio", "prometheus_client"):
    pytest.importorskip(module)

GUARD = """
import os, sys

LOCAL = {None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0"}

def guard(event, given):
    host = ""
    if event == "socket.connect" and isinstance(given[1], tuple):
        host = given[1][0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = given[0]
    if host not in LOCAL:
        with open(os.environ["GUARDED"], "a") as file:
            print(event, host, *sys.argv, file=file)
        raise PermissionError(f"no network here: {host}")

sys.addaudithook(guard)
"""


def pipeline(folder: Path, *observers: dict[str, Any], steps: int = 2) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    rows = [{"problem": f"What is {i + 5} + {3 * i + 7}?", "answer": str(4 * i + 12)} for i in range(12)]
    (folder / "seeds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    uses = ("static-uniform", "mutate", "duplicates", "sympy", "skills", "curate-band")
    prices = {"input": 1.0, "output": 2.0}
    return {
        "name": "watched",
        "steps": steps,
        "batch": 6,
        "models": {"student": {"use": "scripted", "model": "sums", "prices": prices}},
        "attempts": {"k": 4},
        "plugins": [
            {"use": "jsonl-seeds", "with": {"path": "seeds.jsonl"}},
            *({"use": use} for use in uses),
            {"use": "pass-at-n", "with": {"path": "seeds.jsonl", "n": 2}},
            *observers,
        ],
    }


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Watched(NamedTuple):
    """A run with all observers, resumed once."""

    folder: Path
    told: str
    tally: sparq.Tally


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An environment without a network, that nobody would take for a CI's, where libraries are likely to keep quiet."""
    folder = tmp_path_factory.mktemp("guard")
    (folder / "sitecustomize.py").write_text(GUARD)
    met = folder / "met"
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def note() -> None:
            while True:
                try:
                    caller, _ = proxy.accept()
                except OSError:
                    return
                with caller, met.open("a") as file:
                    file.write(f"proxy {caller.recv(200)!r}\n")

        Thread(target=note, daemon=True).start()
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        yield {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "GUARDED": str(met),
            "PYTHONPATH": str(folder),
            "TRACKIO_DIR": str(folder / "trackio"),
            "HTTPS_PROXY": address,
            "HTTP_PROXY": address,
            "NO_PROXY": "127.0.0.1,localhost",
        }


@pytest.fixture(scope="module")
def watched(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Watched:
    folder, told = tmp_path_factory.mktemp("watched"), ""
    given = {"prometheus": {"with": {"port": free_port()}}}
    for steps in (2, 4):
        cast = pipeline(folder, *({"use": use, **given.get(use, {})} for use in ALL), steps=steps)
        (folder / "pipeline.yaml").write_text(yaml.safe_dump(cast))
        command = [sys.executable, "-m", "sparq_core.cli", "run", "pipeline.yaml", "--out", "run", "--resume"]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        told += done.stdout + done.stderr
    with sparq.Reader.open(folder / "run") as ledger:
        return Watched(folder / "run", told, ledger.tally())


@pytest.mark.timeout(600)
def test_nothing_leaves_the_machine(watched: Watched, environment: dict[str, str]) -> None:
    met = Path(environment["GUARDED"])
    assert not met.exists() or not met.read_text()
    assert "is disabled" not in watched.told
    for library in ("wandb", "mlflow", "trackio"):
        assert library not in watched.told.lower()


def test_the_guard_would_notice(environment: dict[str, str], tmp_path: Path) -> None:
    met = {**environment, "GUARDED": str(tmp_path / "met")}
    call = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    done = subprocess.run([sys.executable, "-c", call], env=met, capture_output=True, text=True, check=False)
    assert "no network here: 192.0.2.1" in done.stderr
    assert "192.0.2.1" in (tmp_path / "met").read_text()


def test_switches_are_set_before_plugins_are_imported_and_give_way_to_the_users() -> None:
    shown = (
        "import json, os, sparq_core; from sparq_core.contract.privacy import SWITCHES\n"
        "print(json.dumps({name: os.environ.get(name) for name in SWITCHES}))"
    )
    given: dict[str, str]
    for given in ({}, {"WANDB_ERROR_REPORTING": "true", "DO_NOT_TRACK": "0"}):
        done = subprocess.run([sys.executable, "-c", shown], env=given, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout) == {**SWITCHES, **given}


def expected(tally: sparq.Tally) -> dict[str, float]:
    """Some of the last numbers of a run."""
    right, wrong = tally.verdicts["correct"], tally.verdicts["incorrect"]
    return {
        "children": tally.children,
        "kept": tally.outcomes["kept"],
        "rejected": tally.outcomes["rejected"],
        "attempts": tally.attempts,
        "tokens": tally.tokens,
        "solve_rate": right / (right + wrong),
        "cost": tally.cost or -1,
    }


def held_against(found: dict[str, list[tuple[int, float]]], watched: Watched) -> None:
    """What a library has of each metric, as step and value: one run, whose last numbers are the ledger's."""
    assert watched.tally.children == 24
    for name, value in expected(watched.tally).items():
        assert found[name][-1][0] == 24
        assert found[name][-1][1] == pytest.approx(value, rel=1e-5), name
    at = [step for step, _ in found["children"]]
    assert at == sorted(at)
    assert set(at) == {0, 6, 12, 18, 24}
    assert all(step == value for step, value in found["children"])
    scores = [found[name][-1][1] for name in found if name.startswith("benchmark/")]
    assert scores
    assert all(0 <= score <= 1 for score in scores)
    assert {name.split(":")[0] for name in found if name.startswith("rejected/")} <= {
        f"rejected/{reason.split(':')[0]}" for reason in watched.tally.reasons
    }


def test_tensorboard_reads_its_files(watched: Watched) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(watched.folder / "logs" / "tensorboard"))
    read.Reload()
    found = {tag: [(e.step, e.value) for e in read.Scalars(tag)] for tag in read.Tags()["scalars"]}
    held_against(found, watched)
    lines = read.Tensors("pipeline")
    assert b'"name": "watched"' in b"\n".join(lines[-1].tensor_proto.string_val)


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow asks SQLAlchemy for it
def test_mlflow_reads_its_store(watched: Watched) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{watched.folder.parent / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("sparq")
    assert experiment
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status) == ("watched", "FINISHED")
    history = {name: client.get_metric_history(run.info.run_id, name) for name in run.data.metrics}
    held_against({name: [(m.step, m.value) for m in metrics] for name, metrics in history.items()}, watched)
    kept = watched.folder.parent / "mlflow-artifacts" / run.info.run_id / "artifacts" / "pipeline.json"
    assert json.loads(kept.read_text())["name"] == "watched"


def test_trackio_reads_its_database(watched: Watched, environment: dict[str, str]) -> None:
    read = (
        "import json; from trackio.sqlite_storage import SQLiteStorage as S\n"
        "(run,) = S.get_runs('sparq')\n"
        "print(json.dumps({'logs': S.get_logs('sparq', run), 'config': S.get_run_config('sparq', run)}))"
    )
    done = subprocess.run([sys.executable, "-c", read], env=environment, capture_output=True, text=True, check=True)
    kept = json.loads(done.stdout)
    found: dict[str, list[tuple[int, float]]] = {}
    for row in kept["logs"]:
        for name, value in row.items():
            found.setdefault(name, []).append((row["step"], value))
    held_against(found, watched)
    assert kept["config"]["name"] == "watched"


def records(path: Path) -> Iterator[Any]:
    """The records of a `.wandb` file: a log as LevelDB's, in blocks, behind seven bytes of W&B's own."""
    from wandb.proto import wandb_internal_pb2

    data, at, parts = path.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if (left := 32768 - at % 32768) < 7:
            at += left
            continue
        size, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        parts, at = parts + data[at + 7 : at + 7 + size], at + 7 + size
        if kind in {1, 4}:  # a whole one, or the last part of one
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            yield record
            parts = b""


def test_wandb_files_hold_one_run(watched: Watched) -> None:
    paths = sorted((watched.folder / "logs" / "wandb").glob("offline-run-*/*.wandb"))
    assert len(paths) == 2
    found: dict[str, list[tuple[int, float]]] = {}
    ids = set()
    for record in (record for path in paths for record in records(path)):
        if record.WhichOneof("record_type") == "run":
            ids.add(record.run.run_id)
            config = {item.key: json.loads(item.value_json) for item in record.run.config.update}
            assert config["name"] == "watched"
        if record.WhichOneof("record_type") == "history":
            row = {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
            for name, value in row.items():
                found.setdefault(name, []).append((row["_step"], value))
    assert ids == {(watched.folder / "logs" / "wandb.id").read_text().strip()}
    held_against(found, watched)


def test_prometheus_is_read_while_the_run_goes_on(tmp_path: Path) -> None:
    port = free_port()
    cast = pipeline(tmp_path, {"use": "prometheus", "with": {"port": port}}, {"use": "./reader.py:Reads"})
    (tmp_path / "reader.py").write_text(
        "from pathlib import Path\nfrom urllib.request import urlopen\nimport sparq_core as sparq\n"
        "class Reads:\n    @sparq.hookimpl\n    def observe(self, event):\n"
        f"        page = urlopen('http://127.0.0.1:{port}/metrics', timeout=60).read()\n"
        "        Path(__file__).with_name('page').write_bytes(page)\n"
    )
    ran = run_pipeline(cast, tmp_path)
    assert not warnings(ran)
    page = (tmp_path / "page").read_text()
    assert 'sparq_children{run="watched"} 12.0' in page
    assert f'sparq_kept{{run="watched"}} {float(ran.ending.tally.outcomes["kept"])}' in page
    assert 'sparq_benchmark_by_task{run="watched",task="' in page
    with pytest.raises(OSError, match="refused"):
        urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5)


def warnings(ran: Ran) -> list[str]:
    return [event.message for event in ran.events if isinstance(event, sparq.Warned)]


def test_an_observer_that_fails_is_told_once_and_the_run_goes_on(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        ran = run_pipeline(pipeline(tmp_path, {"use": "prometheus", "with": {"port": port}}), tmp_path)
    assert ran.ending.reason == "done"
    (told,) = warnings(ran)
    assert "observer 'prometheus' is disabled" in told


def test_an_id_that_was_spoilt_is_as_none(tmp_path: Path) -> None:
    from sparq_observers.observer import kept_id, known_id

    first = kept_id(tmp_path, "wandb")
    assert kept_id(tmp_path, "wandb") == first
    (tmp_path / "logs" / "wandb.id").write_bytes(b"\xff../../x\n")
    assert known_id(tmp_path, "wandb") is None
    assert kept_id(tmp_path, "wandb") != first
