"""
The real thing in small, from the wheel: `sparq quickstart` writes problems by the embedded model, fine-tunes and benchmarks it.

The wheel is made from the sdist and installed into an environment of its own. What it depends on is not downloaded once more:
that environment sees the packages of the one that runs the tests.
"""

import json
import shutil
import struct
import subprocess
import sys
import tarfile
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

import sparq_core as sparq
from sparq_core.ledger import dataset
from sparq_core.pipeline import prepare
from sparq_hf import HfConfig, HfSampler

ROOT = Path(__file__).parents[2]
SMALL = [
    "steps=4",
    "plugins.sft.with.max_steps=4",
    "plugins.lm-eval.with.limit=24",
]
GSM8K = ROOT.parent / "shared" / "data" / "gsm8k_train.jsonl"


def told_by(command: list[str], cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(pipeline: Path, folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "sparq_core.cli", "run", str(pipeline), "--out", str(folder), *arguments]
    return told_by(command)


def sets(*settings: str) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist of the working tree, and the wheel built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    told_by([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)])
    return folder


@pytest.fixture(scope="module")
def environment(dist: Path) -> Path:
    """The `bin` of an environment into which the wheel is installed, with the dependencies of the one that runs the tests."""
    env = dist / "env"
    venv.create(env)
    (wheel,) = dist.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--python", str(env / "bin" / "python"), "install", "--quiet", "--no-deps"]
    told_by([*pip, str(wheel)])
    (packages,) = env.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text("\n".join(p for p in sys.path if p.endswith("site-packages")) + "\n")
    return env / "bin"


@pytest.fixture(scope="module")
def finished(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The run folder of a quickstart from the wheel, and what the command told."""
    folder = tmp_path_factory.mktemp("elsewhere")
    told = told_by([str(environment / "sparq"), "quickstart", *sets(*SMALL)], folder)
    return folder / "sparq-quickstart" / "run", told


def test_the_wheel_is_typed_and_carries_the_quickstart(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    with ZipFile(wheel) as opened:
        assert {"sparq_core/py.typed", "sparq_sandbox/py.typed"} <= set(opened.namelist())
        for name in ("quickstart.yaml", "quickstart/seeds.jsonl", "quickstart/in_distribution.jsonl"):
            carried = opened.read(f"sparq_core/cli/quickstart_files/{name}")
            assert carried == (ROOT / "examples" / name).read_bytes()


def test_the_sdist_holds_the_tests_and_what_they_need(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert {"tests/whole/test_quickstart.py", "examples/quickstart.yaml", "constraints.txt", "LICENSE"} <= names


def test_the_environment_has_the_engine_from_the_wheel(environment: Path) -> None:
    where = "import sparq_core, sparq_tiny; print(sparq_core.__file__, sparq_tiny.__file__)"
    paths = told_by([str(environment / "python"), "-c", where], environment).split()
    assert all(path.startswith(str(environment.parent)) for path in paths)


@pytest.mark.timeout(900)
def test_the_loop_closes(finished: tuple[Path, str]) -> None:
    folder, told = finished
    again = "sparq run sparq-quickstart/quickstart.yaml"
    for part in ("in_distribution", "out_of_distribution", "±", "dataset", "models/round-1", "run digest", again):
        assert part in told
    with sparq.Reader.open(folder) as ledger:
        assert len(ledger.scores(0)) == len(ledger.scores(1)) == 48
        tally = ledger.tally()
    assert tally.outcomes["kept"] > 0
    assert tally.seeds == 40
    rows = [json.loads(line) for line in (folder / "dataset" / "round-1.jsonl").read_text().splitlines()]
    assert rows
    assert all(0 < row["solve_rate"] < 1 for row in rows)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium; `make browser` installs it")
@pytest.mark.timeout(900)
def test_its_report_is_the_picture_of_the_readme(finished: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = finished
    report, picture = tmp_path / "report.html", tmp_path / "report.png"
    subprocess.run([sys.executable, "-m", "sparq_core.cli", "report", str(folder), "--to", str(report)], check=True)
    subprocess.run([sys.executable, str(ROOT / "docs" / "picture.py"), str(report), str(picture)], check=True)
    assert "docs/pictures/report.png" in (ROOT / "README.md").read_text()
    assert size(picture) == size(ROOT / "docs" / "pictures" / "report.png")


def size(picture: Path) -> tuple[int, int]:
    """Width and height of a PNG, in pixels."""
    width, height = struct.unpack(">II", picture.read_bytes()[16:24])
    return width, height


@pytest.mark.timeout(900)
def test_the_trained_model_is_whole_and_another(finished: tuple[Path, str]) -> None:
    folder, _ = finished
    with sparq.Reader.open(folder) as ledger:
        phase = ledger.phase(1, "train")
        (base,) = {digest for (digest,) in ledger.query("SELECT DISTINCT digest FROM model")}
    assert phase is not None
    assert phase.digest != base
    model = sparq.Model(name="student", path=str(folder / "models" / "round-1"), digest="x")
    assert HfSampler(HfConfig()).check(model) == []
    sampler = HfSampler(HfConfig()).sampler(model)
    asked = sparq.Request(
        messages=(sparq.Message("user", "What is 2 + 2?"),), seed=1, sampling=sparq.Sampling(max_tokens=8)
    )
    assert sampler.sample([asked])[0][0].tokens > 0
    sampler.close()


@pytest.mark.timeout(900)
def test_a_second_round_starts_from_the_better_model(finished: tuple[Path, str]) -> None:
    folder, _ = finished
    run(folder.parent / "quickstart.yaml", folder, "--resume", *sets(*SMALL, "rounds=2"))
    with sparq.Reader.open(folder) as ledger:
        trained = ledger.phase(1, "train")
        assert trained is not None
        query = "SELECT DISTINCT digest FROM attempt JOIN model ON model.id = attempt.model WHERE round = 2"
        assert [digest for (digest,) in ledger.query(query)] == [trained.digest]
        labels = "SELECT DISTINCT digest FROM completion JOIN model ON model.id = model WHERE role = 'labeller'"
        assert trained.digest not in [digest for (digest,) in ledger.query(labels)]
        curated = [len(list(dataset.chosen(ledger))), (folder / "dataset" / "round-1.jsonl").read_text().count("\n")]
    assert curated[0] > curated[1]


@pytest.mark.timeout(900)
def test_steps_in_flight_do_not_change_what_a_real_model_does(tmp_path: Path) -> None:
    pipeline = ROOT / "examples" / "dataset_only.yaml"
    digests = []
    for in_flight in (1, 3):
        folder = tmp_path / str(in_flight)
        run(pipeline, folder, *sets("steps=3", f"in_flight={in_flight}"))
        with sparq.Reader.open(folder) as ledger:
            digests.append((ledger.last_digest(), json.dumps(list(dataset.rows(ledger, dataset.chosen(ledger))))))
    assert digests[0] == digests[1]


@pytest.mark.parametrize("example", sorted(p.name for p in (ROOT / "examples").glob("*.yaml")))
def test_examples_check(example: str) -> None:
    if "use: vllm" in (ROOT / "examples" / example).read_text():
        prepare.load(ROOT / "examples" / example)  # whether vLLM and its models are here is another question
        return
    command = [sys.executable, "-m", "sparq_core.cli", "check", str(ROOT / "examples" / example)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.skipif(not GSM8K.exists(), reason="the shared data is not here")
@pytest.mark.timeout(900)
def test_thousands_of_real_seeds_are_ingested(tmp_path: Path) -> None:
    pipeline = {
        "name": "gsm8k",
        "steps": 3,
        "models": {"student": {"use": "scripted", "model": "sums"}},
        "attempts": {"k": 8},
        "plugins": [
            {"use": "jsonl-seeds", "with": {"path": str(GSM8K)}},
            {"use": "static-uniform"},
            {"use": "mutate"},
            {"use": "duplicates"},
            {"use": "sympy"},
            {"use": "skills"},
        ],
    }
    (tmp_path / "gsm8k.yaml").write_text(json.dumps(pipeline))
    run(tmp_path / "gsm8k.yaml", tmp_path / "run")
    with sparq.Reader.open(tmp_path / "run") as ledger:
        tally = ledger.tally()
        assert tally.seeds == 7473
        assert tally.seeds_kept > 7400
        assert ledger.steps_of(1) == 3
