"""The files for schedulers are what the schedulers take; a job that is stopped and requeued ends as any run."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from commands import until
from runs import digest

from sparq_core.ledger.reader import Reader
from sparq_core.testing import run_pipeline

ROOT = Path(__file__).parents[2]
FILES = ROOT / "examples" / "schedulers"
SCHEMAS = Path(__file__).parent / "schemas"
SCRIPTS = ["run.sbatch", "seeds.sbatch"]
SLOW = """
import time
from pathlib import Path

import sparq_core as sparq

HERE = Path(__file__).parent


class Slow:
    @sparq.hookimpl
    def verify(self, trials):
        if trials[0].problem.id.startswith("1.3.") and not (HERE / "go").exists():
            (HERE / "reached").touch()
            while not (HERE / "go").exists():
                time.sleep(0.01)
        return [None for _ in trials]
"""
SRUN = '#!/bin/bash\necho $$ > "$HERE/pid"\nexec "$@"\n'
SCONTROL = '#!/bin/bash\necho "$@" >> "$HERE/requeued"\n'


def schema(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text())
    return read


def pods() -> dict[str, Any]:
    """The definitions of Kubernetes' pods."""
    found: dict[str, Any] = schema("kubernetes-job")["$defs"]
    return found


def example(name: str) -> Any:
    return yaml.safe_load((FILES / name).read_text())


# -- the files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "of"),
    [
        ("kubernetes-job.yaml", schema("kubernetes-job")),
        ("ray-job.yaml", schema("rayjob") | {"$defs": pods()}),
        ("skypilot.yaml", schema("skypilot-task")),
    ],
    ids=["kubernetes", "kuberay", "skypilot"],
)
def test_files_are_what_their_schema_says(file: str, of: dict[str, Any]) -> None:
    jsonschema.validate(example(file), of)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(example(file) | {"misspelt": 1}, of)


def test_the_resources_of_skypilot_are_what_their_schema_says() -> None:
    jsonschema.validate(example("skypilot.yaml")["resources"], schema("skypilot-resources"))


def test_a_misspelt_field_of_a_pod_is_noticed() -> None:
    job = example("kubernetes-job.yaml")
    job["spec"]["template"]["spec"]["terminationGraceSeconds"] = 300
    with pytest.raises(jsonschema.ValidationError, match="terminationGraceSeconds"):
        jsonschema.validate(job, schema("kubernetes-job"))


def directives(script: Path) -> dict[str, str | None]:
    """The options of `sbatch` in a script; as Slurm, up to the first command."""
    found = dict[str, str | None]()
    for line in script.read_text().splitlines():
        if line.startswith("#SBATCH "):
            name, _, value = line.removeprefix("#SBATCH --").partition("=")
            found[name] = value or None
        elif line and not line.startswith("#"):
            break
    return found


@pytest.mark.parametrize("name", SCRIPTS)
def test_directives_are_options_of_sbatch(name: str) -> None:
    simple_slurm = pytest.importorskip("simple_slurm")
    found = directives(FILES / name)
    simple_slurm.Slurm(**{key.replace("-", "_"): value or True for key, value in found.items()})
    assert re.fullmatch(r"(B:)?USR1@\d+", str(found["signal"]))
    assert re.fullmatch(r"\d+:\d\d:\d\d", str(found["time"]))
    with pytest.raises(SystemExit):
        simple_slurm.Slurm(gpus_a_node=8)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_run_has_time_to_drain_before_slurm_kills_it(name: str) -> None:
    text = (FILES / name).read_text()
    (before,) = re.findall(r"--signal=USR1@(\d+)", text)
    (drain,) = re.findall(r"--drain (\d+)", text)
    assert int(drain) < int(before)


def test_a_pod_has_time_to_drain_before_it_is_killed() -> None:
    pod = example("kubernetes-job.yaml")["spec"]["template"]["spec"]
    arguments = pod["containers"][0]["args"]
    assert int(arguments[arguments.index("--drain") + 1]) < pod["terminationGracePeriodSeconds"]


# -- what they do ------------------------------------------------------------------------------------------------------


class Slurm:
    """Runs a batch script as Slurm would, with `srun` and `scontrol` in its path."""

    def __init__(self, folder: Path, script: str, **variables: str) -> None:
        self._folder, self._script = folder, FILES / script
        programs = folder / "bin"
        programs.mkdir()
        for name, text in {"srun": SRUN, "scontrol": SCONTROL}.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        path = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environment = os.environ | {"PATH": path, "HERE": str(folder), "SLURM_JOB_NAME": "mine"} | variables

    def start(self) -> "subprocess.Popen[str]":
        command = ["bash", str(self._script), "pipeline.yaml"]
        return subprocess.Popen(
            command,
            cwd=self._folder,
            env=self._environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def signal(self, number: int) -> None:
        """To the step, as Slurm sends it."""
        os.kill(int((self._folder / "pid").read_text()), number)

    @property
    def requeued(self) -> list[str]:
        file = self._folder / "requeued"
        return file.read_text().splitlines() if file.exists() else []


@pytest.mark.parametrize(
    ("script", "variables", "number", "run", "requeued"),
    [
        ("run.sbatch", {"SLURM_JOB_ID": "12"}, signal.SIGUSR1, "runs/mine", "requeue 12"),
        (
            "seeds.sbatch",
            {"SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "3"},
            signal.SIGTERM,
            "runs/mine/seed-3",
            "requeue 7_3",
        ),
    ],
    ids=["run", "seeds"],
)
def test_a_job_that_slurm_takes_the_machine_from_goes_on(
    sums: Callable[..., Any],
    tmp_path: Path,
    script: str,
    variables: dict[str, str],
    number: int,
    run: str,
    requeued: str,
) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    settings = sums(seed=3, steps=6)
    settings["plugins"].insert(0, {"use": "./slow.py:Slow"})
    (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(settings))
    slurm = Slurm(tmp_path, script, **variables)
    job = slurm.start()
    until(tmp_path / "reached")
    slurm.signal(number)
    (tmp_path / "go").touch()
    told, _ = job.communicate()
    assert job.returncode == 4, told
    assert slurm.requeued == [requeued]

    again = slurm.start()
    told, _ = again.communicate()
    assert again.returncode == 0, told
    assert slurm.requeued == [requeued]
    with Reader.open(tmp_path / run) as ledger:
        assert ledger.steps_of(1) == 6
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "slow.py").write_text(SLOW)
    (tmp_path / "alone" / "go").touch()
    whole = run_pipeline(settings, tmp_path / "alone")
    with Reader.open(tmp_path / run) as ledger:
        assert digest(whole) == ledger.last_digest()


def test_a_budget_that_is_used_up_is_a_good_end(sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(sums(steps=6, budget={"attempts": 100})))
    slurm = Slurm(tmp_path, "run.sbatch", SLURM_JOB_ID="12")
    job = slurm.start()
    told, _ = job.communicate()
    assert job.returncode == 0, told
    assert slurm.requeued == []
