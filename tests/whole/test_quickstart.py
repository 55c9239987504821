"""The real thing in small: the embedded model writes problems, is fine-tuned and benchmarked."""

import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

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


def run(pipeline: Path, folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "sparq_core.cli", "run", str(pipeline), "--out", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sets(*settings: str) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("quickstart") / "run"
    return folder, run(ROOT / "examples" / "quickstart.yaml", folder, *sets(*SMALL))


@pytest.mark.timeout(300)
def test_the_loop_closes(finished: tuple[Path, str]) -> None:
    folder, told = finished
    for part in ("in_distribution", "out_of_distribution", "±", "dataset", "models/round-1", "run digest"):
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
@pytest.mark.timeout(300)
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


@pytest.mark.timeout(300)
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


@pytest.mark.timeout(300)
def test_a_second_round_starts_from_the_better_model(finished: tuple[Path, str]) -> None:
    folder, _ = finished
    run(ROOT / "examples" / "quickstart.yaml", folder, "--resume", *sets(*SMALL, "rounds=2"))
    with sparq.Reader.open(folder) as ledger:
        trained = ledger.phase(1, "train")
        assert trained is not None
        query = "SELECT DISTINCT digest FROM attempt JOIN model ON model.id = attempt.model WHERE round = 2"
        assert [digest for (digest,) in ledger.query(query)] == [trained.digest]
        labels = "SELECT DISTINCT digest FROM completion JOIN model ON model.id = model WHERE role = 'labeller'"
        assert trained.digest not in [digest for (digest,) in ledger.query(labels)]
        curated = [len(list(dataset.chosen(ledger))), (folder / "dataset" / "round-1.jsonl").read_text().count("\n")]
    assert curated[0] > curated[1]


@pytest.mark.timeout(300)
def test_steps_in_flight_do_not_change_what_a_real_model_does(tmp_path: Path) -> None:
    pipeline = ROOT / "examples" / "dataset_only.yaml"
    digests = []
    for in_flight in (1, 8):
        folder = tmp_path / str(in_flight)
        run(pipeline, folder, *sets("steps=6", f"in_flight={in_flight}"))
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
@pytest.mark.timeout(300)
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
