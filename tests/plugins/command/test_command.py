"""What a trainer of any kind may do wrong is one clear error, nothing of it stays at work, and the resumed run trains anew."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from fake_training import RUN
from processes import left_of

import sparq_core as sparq
from sparq_core.testing import run_pipeline

Make = Callable[..., dict[str, Any]]
LIMIT = 1.5 / 3600
"""Hours that a trainer gets where it hangs."""
FAILURES: dict[str, tuple[str, dict[str, Any]]] = {
    "fails": (r"training on \d+ examples\n.*python\S* ended with exit code 3", {}),
    "hangs": (r"was ended: it took more than 0\.000416667 hours, which is the limit \(`hours`\)", {"hours": LIMIT}),
    "ignores SIGTERM": (r"was ended: it took more than", {"hours": LIMIT}),
    "writes half a model": (
        r"left no whole model: model\.safetensors has \d+ bytes, and its weights would take \d+",
        {},
    ),
    "returns the input unchanged": (r"the trained weights are those it started from", {}),
    "prints a megabyte": (r"ended with exit code 3", {}),
}


def trained(folder: Path) -> bytes:
    return (folder / "run" / "models" / "round-1" / "model.safetensors").read_bytes()


def at_work(folder: Path) -> set[int]:
    """The trainer and its child, which has a session of its own."""
    return set(map(int, (folder / "at work").read_text().split()))


@pytest.mark.parametrize("how", FAILURES)
def test_a_failure_is_one_error_and_the_run_resumes(commands: Make, tmp_path: Path, how: str) -> None:
    message, options = FAILURES[how]
    (tmp_path / "how").write_text(how)
    with pytest.raises(sparq.SparqError, match=message) as raised:
        run_pipeline(commands(**options), tmp_path)
    assert len(str(raised.value)) < 20_000
    assert "\x1b" not in str(raised.value)
    assert not list((tmp_path / "run" / "models").iterdir())
    if (tmp_path / "at work").exists():
        assert left_of(at_work(tmp_path)) == []

    (tmp_path / "how").write_text("trains")
    assert run_pipeline(commands(**options), tmp_path, resume=True).ending.exit_code == 0
    assert trained(tmp_path) != (tmp_path / "tiny" / "model.safetensors").read_bytes()
    assert not list((tmp_path / "run" / "work").iterdir())


def test_what_a_trainer_leaves_at_work_is_ended_and_told(commands: Make, tmp_path: Path) -> None:
    (tmp_path / "how").write_text("leaves children behind")
    ran = run_pipeline(commands(), tmp_path)
    assert left_of(at_work(tmp_path)) == []
    warned = [event.message for event in ran.events if isinstance(event, sparq.Warned)]
    assert "command: processes that the trainer had left at work were ended: sleep" in warned
    assert trained(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_training_ends_with_its_run(commands: Make, tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "how").write_text("ignores SIGTERM")
    (tmp_path / "pipeline.json").write_text(json.dumps(commands()))
    command = [sys.executable, "-m", "sparq_core.cli", "run", "pipeline.json", "--out", "run"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as engine:
        while not (tmp_path / "at work").exists() or len((tmp_path / "at work").read_text().split()) < 2:
            assert engine.poll() is None, engine.communicate()[0]
            time.sleep(0.1)
        engine.send_signal(number)
        printed, _ = engine.communicate(timeout=60)
    assert engine.returncode == (4 if number == signal.SIGINT else -number), printed
    assert "Traceback" not in printed
    assert left_of(at_work(tmp_path)) == []
    assert not (tmp_path / "run" / "models" / "round-1").exists()

    (tmp_path / "how").write_text("trains")
    done = subprocess.run([*command, "--resume"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert trained(tmp_path)


def test_a_trainer_ends_with_the_process_that_watches_it(commands: Make, tmp_path: Path) -> None:
    kill = "import os; open('at work', 'w').write(str(os.getpid())); os.kill(os.getppid(), 9); __import__('time').sleep(600)"
    run = [sys.executable, "-c", kill, *RUN[2:]]
    with pytest.raises(sparq.SparqError, match="ended with exit code -9"):
        run_pipeline(commands(run=run), tmp_path)
    assert left_of({int((tmp_path / "run" / "work" / "train-round-1" / "at work").read_text())}) == []


WRITES = """
import json, os, sys
from pathlib import Path
print(json.dumps({"arguments": sys.argv[1:], "variable": os.environ["MARK"], "in": os.getcwd()}))
"""


def printed(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "run" / "logs" / "train-round-1.log").read_text().splitlines()[0]))


def test_names_are_filled_in_everywhere_and_no_shell_reads_them(commands: Make, tmp_path: Path) -> None:
    (tmp_path / "writes.py").write_text(WRITES)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "train.yaml").write_text(
        "seed: {{ seed }}\nmodel: {{ model | tojson }}\nround: {{ round }}\n"
    )
    arguments = [
        "{{ config }}",
        "{{ work }}",
        "$HOME; ls *",
        "{{ seed + 1 }}",
        '{"a": {}}',
        "{{ chat_template }}{{ examples }}",
    ]
    pipeline = commands(
        run=[sys.executable, "{{ here }}/writes.py", *arguments],
        merge=RUN,
        env={"MARK": "round {{ round }} of {{ out }}"},
        config="recipes",
    )
    assert run_pipeline(pipeline, tmp_path).ending.exit_code == 0
    run = (tmp_path / "run").absolute()
    said = printed(tmp_path)
    filled, work, shell, seed, braces, template = said["arguments"]
    assert (filled, work) == (str(run / "logs" / "train-round-1"), str(run / "work" / "train-round-1"))
    rows = (run / "dataset" / "round-1.jsonl").read_bytes().splitlines()
    assert (shell, braces, template) == ("$HOME; ls *", '{"a": {}}', str(len(rows)))
    assert said["in"] == work
    assert said["variable"] == f"round 1 of {run / 'models' / 'round-1.partial'}"
    config = (run / "logs" / "train-round-1" / "train.yaml").read_text().splitlines()
    assert config == [f"seed: {int(seed) - 1}", f'model: "{tmp_path / "tiny"}"', "round: 1"]


def test_a_chat_template_of_the_pipeline_is_a_file(commands: Make, tmp_path: Path) -> None:
    script = "import sys; assert 'Assistant' in open(sys.argv[1]).read(); print('has it')"
    run = [sys.executable, "-c", script, "{{ chat_template }}"]
    models = {"student": {"use": "./fakes.py:Local", "model": "./tiny", "chat_template": "plain"}}
    assert run_pipeline(commands({"models": models}, run=run, merge=RUN), tmp_path).ending.exit_code == 0
    assert "has it" in (tmp_path / "run" / "logs" / "train-round-1.log").read_text()


@pytest.mark.parametrize("format", ["messages", "prompt-completion", "parquet"])
def test_the_dataset_is_handed_over_in_a_format_of_choice(commands: Make, tmp_path: Path, format: str) -> None:
    script = "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[2])"
    kept = tmp_path / ("kept.parquet" if format == "parquet" else "kept.jsonl")
    run = [sys.executable, "-c", script, "{{ dataset }}", str(kept)]
    assert run_pipeline(commands(run=run, merge=RUN, format=format), tmp_path).ending.exit_code == 0
    rows = (
        pq.read_table(kept).to_pylist() if format == "parquet" else list(map(json.loads, kept.read_text().splitlines()))
    )
    lines = (tmp_path / "run" / "dataset" / "round-1.jsonl").read_text().splitlines()
    chats = [json.loads(line)["messages"] for line in lines]
    if format == "prompt-completion":
        assert [row["prompt"] + row["completion"] for row in rows] == chats
    else:
        assert [row["messages"] for row in rows] == chats


def test_a_second_training_on_the_same_options_is_not_done(commands: Make, tmp_path: Path) -> None:
    (tmp_path / "train.yaml").write_text("{{ seed }}")
    pipeline = commands(run=[*RUN[:1], "-c", WRAPPED, *RUN[1:], "{{ config }}"], config="train.yaml")
    run_pipeline(pipeline, tmp_path)
    (tmp_path / "how").write_text("fails")
    assert run_pipeline(pipeline, tmp_path, resume=True).ending.exit_code == 0
    (tmp_path / "train.yaml").write_text("{{ seed + 1 }}")
    with pytest.raises(sparq.PipelineError, match="already through 'train' with other settings"):
        run_pipeline(pipeline, tmp_path, resume=True)


WRAPPED = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, *sys.argv[1:-1]]))"
"""The fake trainer, which takes no configuration."""


def test_a_merge_makes_the_model_of_what_was_saved(commands: Make, tmp_path: Path) -> None:
    run = [*RUN[:-1], "{{ work }}/saved"]
    move = "import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[2], dirs_exist_ok=True)"
    merge = [sys.executable, "-c", move, "{{ work }}/saved", "{{ out }}"]
    assert run_pipeline(commands(run=run, merge=merge), tmp_path).ending.exit_code == 0
    assert trained(tmp_path) != (tmp_path / "tiny" / "model.safetensors").read_bytes()


def test_a_merge_that_fails_is_the_error(commands: Make, tmp_path: Path) -> None:
    merge = [sys.executable, "-c", "raise SystemExit('no shards here')"]
    with pytest.raises(sparq.SparqError, match=r"no shards here\n.*ended with exit code 1"):
        run_pipeline(commands(merge=merge), tmp_path)


def test_a_killed_trainer_is_named_with_its_signal(commands: Make, tmp_path: Path) -> None:
    run = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)", *RUN[2:]]
    with pytest.raises(sparq.SparqError, match="was killed by SIGKILL; memory may have run out"):
        run_pipeline(commands(run=run), tmp_path)


def test_every_round_has_files_of_its_own(commands: Make, tmp_path: Path) -> None:
    pipeline = commands({"rounds": 2})
    assert run_pipeline(pipeline, tmp_path).ending.exit_code == 0
    logs = sorted(file.name for file in (tmp_path / "run" / "logs").iterdir() if file.is_file())
    assert {"train-round-1.log", "train-round-2.log"} <= set(logs)
    first, second = (tmp_path / "run" / "models" / f"round-{r}" / "model.safetensors" for r in (1, 2))
    assert first.read_bytes() != second.read_bytes() == (tmp_path / "tiny" / "model.safetensors").read_bytes()
